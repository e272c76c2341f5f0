"""Makes the tables and the pictures of docs/sample-market.md: the sample market's statistics beside real ones.

    python docs/make_sample_market.py                   # the sample's anew, the real as real-market.json has them
    python docs/make_sample_market.py --real DIRECTORY  # the real ones anew too, from real bars

The pictures need matplotlib (`pip install -e '.[docs]'`); `--tables` leaves them out.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from market_portraits import CLASSES, SEEDS, Portrait, real_market, rounded, sample_days, sample_minutes
from market_statistics import DAILY, INTRADAY, Statistic

HERE = Path(__file__).parent
PAGE, REAL, PICTURES = HERE / "sample-market.md", HERE / "real-market.json", HERE / "img"
_TABLE = re.compile(r"(<!-- table (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def known_real() -> dict[str, Any]:
    """The portraits of real markets that are kept beside the page."""
    found: dict[str, Any] = json.loads(REAL.read_text(encoding="utf-8"))
    return found


def tables(
    days: Mapping[int, Mapping[str, Portrait]], minutes: Mapping[str, Portrait], real: Mapping[str, Any]
) -> dict[str, str]:
    """The page's tables by name, from the sample's days by seed, its minutes, and the real portraits."""
    made = {}
    for cap in CLASSES:
        ours = {f"sample, seed {seed}": days[seed][cap] for seed in days}
        theirs = {f"real, {period}": portrait for period, portrait in real["daily"][cap].items()}
        made[cap] = _table(DAILY, ours, theirs)
    for name, key in (("minutes", "1 minute"), ("fives", "5 minutes")):
        made[name] = _table(INTRADAY, {"sample, seed 7": minutes[key]}, {"real": real["intraday"][key]})
    return made


def page_with(page: str, made: Mapping[str, str]) -> str:
    """The page with the tables between its marks replaced. Raises `KeyError` for a mark of no table."""
    return _TABLE.sub(lambda mark: f"{mark[1]}\n{made[mark[2]]}\n{mark[3]}", page)


def _table(
    statistics: Sequence[Statistic], ours: Mapping[str, Portrait], theirs: Mapping[str, Portrait]
) -> str:
    """A table in Markdown: one row a statistic; the first of `ours` is told apart from what is real."""
    portraits = [*ours.values(), *theirs.values()]
    first = next(iter(ours.values()))
    head = ["", *ours, *theirs, "seed 7 beside the real", "held to"]
    rows = [head, ["---", *["---:"] * len(portraits), "---", "---"]]
    counts = [key for key in ("symbols", "sessions", "days") if key in first]
    rows += [[key, *(f"{portrait[key]:,}" for portrait in portraits), "", ""] for key in counts]
    for statistic in statistics:
        shown = [_written(statistic, portrait["figures"][statistic.key]) for portrait in portraits]
        real = [portrait["figures"][statistic.key] for portrait in theirs.values()]
        held = f"{_written(statistic, statistic.low)} to {_written(statistic, statistic.high)}"
        rows.append([statistic.label, *shown, beside(first["figures"][statistic.key], real, statistic), held])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def beside(figure: float, real: Sequence[float], statistic: Statistic) -> str:
    """How far a figure lies from the real ones: within them, or how much above or below the nearest."""
    nearest = min(max(figure, min(real)), max(real))
    if nearest == figure:
        return "within"
    if round(figure / nearest, 2) == 1:
        return "alike"
    side = "above" if figure > nearest else "below"
    if nearest > 0 and figure > 0:
        return f"{100 * abs(figure / nearest - 1):.0f} % {side}"
    return f"{_written(statistic, abs(figure - nearest))} {side}"


def _written(statistic: Statistic, figure: float) -> str:
    return f"{figure * 100:z.1f} %" if statistic.percent else f"{figure:z.2f}"


def main() -> None:
    """Write the page's tables, the pictures, and the real portraits where real data is named."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--real", type=Path, metavar="DIRECTORY", help="real bars to take the portraits of anew"
    )
    parser.add_argument("--tables", action="store_true", help="no pictures")
    asked = parser.parse_args()
    if asked.real:
        REAL.write_text(json.dumps(rounded(real_market(asked.real)), indent=1) + "\n", encoding="utf-8")
    real, minutes = known_real(), sample_minutes(SEEDS[0])
    days = {seed: sample_days(seed) for seed in SEEDS}
    made = tables(days, minutes, real)
    PAGE.write_text(page_with(PAGE.read_text(encoding="utf-8"), made), encoding="utf-8")
    if not asked.tables:
        from market_pictures import draw

        draw(PICTURES, days[SEEDS[0]], minutes, real)


if __name__ == "__main__":
    main()

"""strategies/reference_w.yaml: its candidates and their order, session for session, equal a plain loop."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from momentum.market.screen import judged, with_features
from momentum.rules.program import Program, compile_program
from momentum.rules.rank import ranked
from momentum.settings.load import load
from workspace_builders import breaks_out, market_file, quiet, workspace


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    settings = load(
        workspace(tmp_path_factory.mktemp("w") / "work"), strategy="reference_w", sets=["universe=all"]
    )
    return compile_program(settings.strategy, settings.host, settings.limits)


def declared(bars: pl.DataFrame, program: Program) -> dict[date, list[str]]:
    """Each session's candidates in rank order, by the strategy's own rules."""
    rows = bars.lazy().with_columns(
        pl.col("volume").cast(pl.Float64), day_fraction=1.0, price=pl.col("close")
    )
    verdicts = [pl.col(f"filter:{rule.key}").fill_null(False) for rule in program.filters]
    passed = judged(with_features(rows, program), program).filter(*verdicts).collect()
    return {
        day: ranked(group, program.rank)["symbol"].to_list()
        for (day,), group in passed.group_by("date")  # type: ignore[misc]
    }


def by_a_plain_loop(bars: pl.DataFrame) -> dict[date, list[str]]:
    """The same from the definition: windows over a symbol's own bars, a ratio over 0 is unknown."""
    found: defaultdict[date, list[tuple[float, str]]] = defaultdict(list)
    for (symbol,), group in bars.group_by("symbol", maintain_order=True):
        days, opens, highs = (group[name].to_list() for name in ("date", "open", "high"))
        closes, volumes = (group[name].to_list() for name in ("close", "volume"))
        for t in range(20, len(days)):
            close = closes[t]
            if not (close > 5 and closes[t - 10] > 0 and close / closes[t - 10] - 1 >= 0.03):
                continue
            gap_up = closes[t - 1] > 0 and opens[t] / closes[t - 1] - 1 > 0.01
            if not ((gap_up and close > opens[t]) or close > max(highs[t - 5 : t])):
                continue
            usual = sum(volumes[t - 20 : t]) / 20
            if usual > 0 and volumes[t] / usual >= 1.3:
                found[days[t]].append((-(close / closes[t - 10] - 1), symbol))
    return {day: [symbol for _, symbol in sorted(rows)] for day, rows in found.items()}


@pytest.mark.parametrize("name", ["daily.parquet", "daily_2018.parquet"])
def test_its_candidates_and_their_order_are_the_plain_loops_on_every_real_session(
    program: Program, real_data: Path, name: str
) -> None:
    bars = pl.read_parquet(real_data / name).sort("symbol", "date")
    expected = by_a_plain_loop(bars)
    found = declared(bars, program)
    assert found == expected
    assert len(found) > 250


def test_a_scan_of_it_buys_the_two_with_the_highest_momentum(program: Program, tmp_path: Path) -> None:
    from workspace_builders import momentum, sessions

    market = market_file(
        tmp_path, breaks_out("AAA", 40), breaks_out("BBB", 38), breaks_out("CCC", 40), quiet("DDD")
    )
    bars = pl.read_parquet(market)
    day = sessions()[40]
    expected = by_a_plain_loop(bars)[day]
    assert declared(bars, program)[day] == expected
    work = workspace(tmp_path / "work")
    words = ("--strategy", "reference_w", "--data", market, "--at", day.isoformat(), "--dry-run", "--json")
    run = momentum("scan", "-C", work, *words)
    assert run.code == 0, run.err
    assert [order["symbol"] for order in run.json["plan"]["orders"]] == expected[:2]

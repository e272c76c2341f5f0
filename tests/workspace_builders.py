"""A workspace as `momentum init` writes it, and the command line run in its own process or in this one."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl

COMMAND = (sys.executable, "-m", "momentum.cli.main")


@dataclass(frozen=True)
class Run:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Stdout as one JSON document."""
        return json.loads(self.out)


def momentum(*words: str | Path, cwd: Path | None = None) -> Run:
    """Run the command line in a process of its own."""
    done = subprocess.run(
        [*COMMAND, *map(str, words)],
        capture_output=True,
        text=True,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        timeout=300,
    )
    return Run(done.returncode, done.stdout, done.stderr)


def workspace(directory: Path, **edits: tuple[str, str]) -> Path:
    """A fresh workspace; each edit replaces a text of momentum.yaml that must be there."""
    assert momentum("init", directory).code == 0
    for old, new in edits.values():
        edit(directory / "momentum.yaml", old, new)
    return directory


def edit(file: Path, old: str, new: str) -> None:
    """Replace a text that stands once in a file."""
    text = file.read_text()
    assert text.count(old) == 1, (old, text.count(old))
    file.write_text(text.replace(old, new))


FIRST = date(2026, 3, 2)
SESSIONS = 60


def sessions() -> list[date]:
    """Weekdays from the first Monday of March 2026; Good Friday among them is skipped."""
    days, day = [], FIRST
    while len(days) < SESSIONS:
        if day.weekday() < 5 and day not in (date(2026, 4, 3), date(2026, 5, 25)):
            days.append(day)
        day += timedelta(days=1)
    return days


def quiet(symbol: str, price: float = 50.0) -> list[dict[str, object]]:
    """A symbol that rises a little every session on even volume, and does nothing else."""
    rows = []
    for number, day in enumerate(sessions()):
        close = price * 1.002**number
        rows.append(
            {
                "symbol": symbol, "date": day, "open": close * 0.999, "high": close * 1.001,
                "low": close * 0.997, "close": close, "volume": 1_000_000.0,
            }
        )  # fmt: skip
    return rows


def breaks_out(symbol: str, on: int, price: float = 50.0, *, surge: float = 3.0) -> list[dict[str, object]]:
    """A quiet symbol that gaps up 4 % on session number `on`, closes 12 % up at its high, and stays there."""
    rows = quiet(symbol, price)
    for number in range(on, len(rows)):
        row = rows[number]
        base = float(row["close"]) * 1.12  # type: ignore[arg-type]
        row |= {"open": base * 0.999, "high": base * 1.001, "low": base * 0.997, "close": base}
    before = float(rows[on - 1]["close"])  # type: ignore[arg-type]
    rows[on] |= {"open": before * 1.04, "high": before * 1.12, "low": before * 1.035, "close": before * 1.12}
    rows[on]["volume"] = 1_000_000.0 * surge
    return rows


def market_file(directory: Path, *symbols: Sequence[dict[str, object]]) -> Path:
    """A parquet of daily bars, SPY among them."""
    path = directory / "bars.parquet"
    rows = [row for symbol in (quiet("SPY", 600.0), *symbols) for row in symbol]
    pl.DataFrame(rows).sort("symbol", "date").write_parquet(path)
    return path

"""Builders for the tests of the plugin `files`: bars, files and an opened market."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl

from momentum.ports import MarketData, Workspace
from momentum_plugins import files

MONDAY = date(2024, 6, 3)
WEEK = tuple(MONDAY + timedelta(days=index) for index in range(5))
OPEN = timedelta(hours=13, minutes=30)
CLOSE = timedelta(hours=20)
"""New York's regular hours, from midnight UTC, in summer."""

NUMBERS: tuple[str, ...] = ("open", "high", "low", "close", "volume")


class NoClock:
    """A file has no use for the time of day."""

    def now(self) -> datetime:
        raise AssertionError("the clock was read")


def moment(day: date, hours: int, minutes: int = 0) -> datetime:
    """That time of that day, in UTC."""
    return datetime(day.year, day.month, day.day, hours, minutes, tzinfo=UTC)


def bar(symbol: str | None, ts: object, close: float = 10.0, **changed: object) -> dict[str, object]:
    """A possible bar around `close`, with the columns that are `changed`."""
    row: dict[str, object] = {"symbol": symbol, "ts": ts, "open": close, "high": close + 1, "low": close - 1}
    return {**row, "close": close, "volume": 1000.0, **changed}


def daily_bars(
    symbols: Sequence[str] = ("AAA", "BBB"), days: Sequence[date] = WEEK
) -> list[dict[str, object]]:
    """One bar for each symbol and day; closes rise by a dollar a day, and the second symbol's by ten more."""
    return [
        bar(symbol, day, 10.0 + 10 * place + index)
        for place, symbol in enumerate(symbols)
        for index, day in enumerate(days)
    ]


def session_bars(symbol: str, day: date, minutes: int = 5, count: int = 78) -> list[dict[str, object]]:
    """`count` bars from the open on, `minutes` apart, closing at 10, 11, 12, ..."""
    opens = moment(day, 13, 30)
    return [bar(symbol, opens + timedelta(minutes=minutes * index), 10.0 + index) for index in range(count)]


def frame(rows: Sequence[Mapping[str, object]], time: str = "date") -> pl.DataFrame:
    """The rows as a table whose times stand under the name `time`."""
    return pl.DataFrame(list(rows), infer_schema_length=None).rename({"ts": time})


def write(table: pl.DataFrame, path: Path) -> Path:
    """Write parquet or CSV, as the suffix says."""
    if path.suffix == ".csv":
        table.write_csv(path)
    else:
        table.write_parquet(path)
    return path


def open_file(directory: Path, path: str | Path, **settings: object) -> MarketData:
    """The market of a file in a workspace, by the plugin's own hook."""
    section = {"path": str(path), **settings}
    return files.momentum_market_data(Workspace(directory, "paper", {"files": section}, {}, NoClock()))


def market(directory: Path, rows: Sequence[Mapping[str, object]], time: str = "date") -> MarketData:
    """The market of these rows, written to bars.parquet."""
    return open_file(directory, write(frame(rows, time), directory / "bars.parquet"))

"""Random panels of daily bars for benchmarks: N symbols by 252 sessions or so many, deterministic from their size."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

SESSIONS = 252


def weekdays(count: int, last: date) -> list[date]:
    """The last `count` weekdays up to and with `last`."""
    days: list[date] = []
    day = last
    while len(days) < count:
        if day.weekday() < 5:
            days.append(day)
        day -= timedelta(days=1)
    return days[::-1]


def random_panel(symbols: int, last: date, sessions: int = SESSIONS) -> pl.DataFrame:
    """Random walks with gaps and uneven volume; SPY is the first symbol."""
    random = np.random.default_rng(symbols)
    shape = (symbols, sessions)
    close = 20 * np.exp(np.cumsum(random.normal(0, 0.025, shape), axis=1) + random.normal(0, 1, (symbols, 1)))
    open_ = close * np.exp(random.normal(0, 0.01, shape))
    high = np.maximum(open_, close) * (1 + random.random(shape) * 0.01)
    low = np.minimum(open_, close) * (1 - random.random(shape) * 0.01)
    volume = np.exp(random.normal(13, 1, (symbols, 1)) + random.normal(0, 0.5, shape)).round()
    names = ["SPY", *(f"S{number:05d}" for number in range(1, symbols))]
    columns = {"open": open_, "high": high, "low": low, "close": close, "volume": volume}
    return pl.DataFrame(
        {
            "symbol": np.repeat(names, sessions),
            "date": weekdays(sessions, last) * symbols,
            **{name: values.ravel() for name, values in columns.items()},
        }
    ).sort("symbol", "date")


def write_panel(directory: Path, symbols: int) -> Path:
    """Write a panel as parquet, and return its path."""
    path = directory / f"{symbols}.parquet"
    random_panel(symbols, date(2026, 6, 30)).write_parquet(path)
    return path


def largest(bars: pl.DataFrame, symbols: int) -> pl.DataFrame:
    """The bars of the symbols with the most dollars traded."""
    traded = bars.group_by("symbol").agg(dollars=(pl.col("close") * pl.col("volume")).sum())
    chosen = traded.sort(["dollars", "symbol"], descending=[True, False])["symbol"].head(symbols)
    return bars.filter(pl.col("symbol").is_in(chosen.to_list()))

"""Builders for the check of market data: calm panels of daily bars, and the defects that are planted in them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl

from momentum.market.calendar import exchange_sessions
from momentum.market.quality.check import check_bars
from momentum.market.quality.findings import DataFinding, Report

DAYS: tuple[date, ...] = tuple(
    session.day for session in exchange_sessions(date(2021, 1, 4), date(2021, 7, 30)).days
)
PRICES = ("open", "high", "low", "close")


def walk(
    symbol: str, seed: int, *, days: Sequence[date] = DAYS, noise: float = 0.01, price: float = 50.0
) -> pl.DataFrame:
    """A calm symbol: `noise` is the usual daily move as a fraction; about a million shares a day."""
    random = np.random.default_rng(seed)
    close = price * np.exp(np.cumsum(noise * random.standard_normal(len(days))))
    opens = close * np.exp(noise / 3 * random.standard_normal(len(days)))
    high = np.maximum(opens, close) * (1 + noise / 3 * random.random(len(days)))
    low = np.minimum(opens, close) * (1 - noise / 3 * random.random(len(days)))
    volume = np.floor(1e6 * np.exp(0.2 * random.standard_normal(len(days))))
    return pl.DataFrame(
        {
            "symbol": [symbol] * len(days), "ts": list(days),
            "open": opens, "high": high, "low": low, "close": close, "volume": volume,
        }
    )  # fmt: skip


def panel(*planted: pl.DataFrame, names: Sequence[str] = ("AAA", "BBB", "CCC", "SPY")) -> pl.DataFrame:
    """Calm symbols, and those that are given."""
    given = {str(frame["symbol"][0]) for frame in planted}
    calm = [walk(name, seed) for seed, name in enumerate(names) if name not in given]
    return pl.concat([*calm, *planted]).sort("symbol", "ts")


def scaled(
    bars: pl.DataFrame, first: int, last: int | None = None, *, price: float = 1.0, volume: float = 1.0
) -> pl.DataFrame:
    """The bars with prices and volumes times a factor, from place `first` up to, and without, `last`."""
    place = pl.int_range(pl.len())
    inside = (place >= first) & (place < (len(bars) if last is None else last))
    return bars.with_columns(
        *(pl.when(inside).then(pl.col(name) * price).otherwise(pl.col(name)) for name in PRICES),
        volume=pl.when(inside).then((pl.col("volume") * volume).floor()).otherwise(pl.col("volume")),
    )


def split(bars: pl.DataFrame, at: int, old: int, new: int) -> pl.DataFrame:
    """An unadjusted split of `old` into `new` shares at place `at`."""
    return scaled(bars, at, price=old / new, volume=new / old)


def found(bars: pl.DataFrame, kind: str) -> list[DataFinding]:
    """The findings of one kind."""
    return [finding for finding in check_bars(bars).findings if finding.kind == kind]


def only(bars: pl.DataFrame) -> tuple[Report, DataFinding]:
    """The report, and its one finding."""
    report = check_bars(bars)
    (finding,) = report.findings
    return report, finding

"""Sample markets for tests, by the moment of their clock in New York."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

import polars as pl

from momentum.market.calendar import EXCHANGE
from momentum.market.clock import FixedClock
from momentum.ports import Clock, Workspace
from momentum_plugins import sample
from momentum_plugins.sample.market import SampleMarket, open_market

BAR = ("open", "high", "low", "close", "volume")


def new_york(text: str) -> datetime:
    """A moment in exchange time."""
    return datetime.fromisoformat(text).replace(tzinfo=EXCHANGE)


def workspace(clock: Clock, symbols: Sequence[str] | None = None, **section: object) -> Workspace:
    """A workspace with the sample's section, completed by its schema's defaults."""
    defaults = {
        name: entry["default"] for name, entry in sample.momentum_settings_schema()["properties"].items()
    }
    universe = None if symbols is None else tuple(symbols)
    return Workspace(Path(), "paper", {"sample": {**defaults, **section}}, {}, clock, universe)


def market(now: str, symbols: Sequence[str] | None = None, **section: object) -> SampleMarket:
    """The sample market of a clock that stands still."""
    return open_market(workspace(FixedClock(new_york(now)), symbols, **section))


def added_up(minutes: pl.DataFrame) -> pl.DataFrame:
    """Minutes as one bar for each symbol and day, sorted as daily bars are."""
    day = pl.col("ts").dt.convert_time_zone("America/New_York").dt.date()
    return (
        minutes.group_by("symbol", ts_day=day, maintain_order=True)
        .agg(
            pl.col("open").first(),
            pl.col("high").max(),
            pl.col("low").min(),
            pl.col("close").last(),
            pl.col("volume").sum(),
        )
        .rename({"ts_day": "ts"})
        .sort("symbol", "ts")
    )


def on(bars: pl.DataFrame, day: date) -> pl.DataFrame:
    """The bars of one session."""
    return bars.filter(pl.col("ts") == day)

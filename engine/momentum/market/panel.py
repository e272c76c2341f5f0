"""The panel of a scan: the daily bars of its symbols, those held, and SPY, up to the moment of the scan."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from momentum.errors import UsageError
from momentum.market.universe import Universe
from momentum.market.volume_curve import day_fraction
from momentum.model.market import Session
from momentum.ports import MarketData

HISTORY = 252
"""Sessions of bars that a scan looks back on: a year, long enough for Wilder's averages to settle to 1e-8."""

SPY = "SPY"


@dataclass(frozen=True, slots=True)
class Panel:
    """`bars` has symbol, ts (Date), open, high, low, close, volume and day_fraction, sorted by symbol and ts.

    `members` are the symbols that the scan is about: those of its size class, or all. The bars hold others
    besides: what is held, and SPY.
    """

    bars: pl.DataFrame
    session: date
    members: tuple[str, ...]


def load_panel(
    data: MarketData, universe: Universe, cap: str, held: Iterable[str], at: datetime, session: Session
) -> Panel:
    """Read the bars of a scan at the moment `at` of `session`.

    Raises `UsageError` where the universe has no size classes and one is asked for, `DataError`.
    """
    if universe.symbols is None:
        if cap != "all":
            raise UsageError(
                f"universe: all has no size classes; leave out --cap {cap}, or name a universe file"
            )
        members = data.symbols()
        wanted = None
    else:
        members = tuple(s for s in universe.symbols if cap in ("all", universe.cap_of(s)))
        wanted = sorted({*members, *held, SPY})
    bars = data.daily(wanted, at, HISTORY)
    usual = day_fraction(session, at) if session.is_open(at) else 1.0
    so_far = pl.when(pl.col("ts") == session.day).then(usual).otherwise(1.0)
    numbers = [pl.col(name).fill_nan(None) for name in ("open", "high", "low", "close", "volume")]
    return Panel(bars.with_columns(*numbers, day_fraction=so_far), session.day, members)

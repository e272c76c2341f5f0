"""The panel of a scan: the daily bars of its symbols, those held, and SPY, up to the moment of the scan."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from momentum.errors import DataError, UsageError
from momentum.market.universe import Universe
from momentum.market.volume_curve import day_fraction
from momentum.model.market import Session
from momentum.ports import MarketData
from momentum.rules.columns import BAR
from momentum.rules.features import finite

HISTORY = 252
"""Sessions of bars that a scan looks back on: a year, long enough for Wilder's averages to settle to 1e-8."""

SPY = "SPY"


@dataclass(frozen=True, slots=True)
class Panel:
    """`bars` has symbol, ts (Date), open, high, low, close, volume and day_fraction, sorted by symbol and ts.

    `members` are the symbols that the scan is about: those of its size class, or all. The bars hold others
    besides: what is held, and SPY. `session` is the one whose bar the scan looks at. A number that is not
    finite is null.
    """

    bars: pl.DataFrame
    session: date
    members: tuple[str, ...]


def load_panel(
    data: MarketData, universe: Universe, cap: str, held: Iterable[str], at: datetime, session: Session
) -> Panel:
    """Read the bars of a scan at the moment `at` of `session`.

    With daily bars only, a session's bar is known at its close: before it the panel is that of the session
    before. Raises `UsageError` where the universe has no size classes and one is asked for, `DataError`
    where no bar can be known yet.
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
    shown = _shown_session(data, at, session)
    usual = _usual_volume(data, at, shown) if shown.is_open(at) else 1.0
    so_far = pl.when(pl.col("ts") == shown.day).then(usual).otherwise(1.0)
    bars = data.daily(wanted, at, HISTORY).with_columns(day_fraction=so_far)
    return Panel(bars.with_columns(finite(name, found) for name, found in BAR.items()), shown.day, members)


def _shown_session(data: MarketData, at: datetime, session: Session) -> Session:
    if data.timeframe != "day" or at >= session.closes:
        return session
    closed = data.sessions().last_closed(at)
    if closed is None:
        raise DataError(
            f"{data.source}: no session has closed by {at:%Y-%m-%d %H:%M} UTC, and a daily bar is known at the "
            "close; choose a later --at"
        )
    return closed


def _usual_volume(data: MarketData, at: datetime, session: Session) -> float:
    """The share of the day's volume usual by the end of the newest whole bar: later trades are in none yet."""
    whole_bars = (at - session.opens) // data.resolution
    return day_fraction(session, session.opens + whole_bars * data.resolution)

"""A file of intraday bars as market data: regular hours only, days aggregated from their bars.

A bar begins at `ts` and is known at its end, one bar length later and at the latest at the session's close.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from momentum.errors import DataError
from momentum.market.calendar import EXCHANGE, exchange_sessions
from momentum.model.market import LeftOut, Quote, Sessions
from momentum.ports import Timeframe
from momentum.units import format_duration
from momentum_plugins.files.bysymbol import BySymbol
from momentum_plugins.files.cleaning import example
from momentum_plugins.files.market import FileMarket, Origin, last_days
from momentum_plugins.files.normalising import COLUMNS, PRICES

_DAY, _TS, _ENDS = pl.col("day"), pl.col("ts"), pl.col("ends")
_UTC = pl.Datetime("us", "UTC")
OUTSIDE = "outside regular hours"


@dataclass(frozen=True, slots=True)
class RegularHours:
    """The bars within sessions, with their `day` and `ends`; `outside` are those that lay in no session."""

    bars: pl.DataFrame
    sessions: Sessions
    length: timedelta
    outside: LeftOut | None


def regular_hours(bars: pl.DataFrame, shown: str) -> RegularHours:
    """Keep the bars that begin in a session of the exchange: from its open on, and before its close.

    Raises `DataError` where there are none, or where no symbol has two bars in one session, so that their length
    cannot be known.
    """
    dated = bars.with_columns(_TS.dt.convert_time_zone(EXCHANGE.key).dt.date().alias("day"))
    days = dated["day"].unique().sort()
    sessions = exchange_sessions(days[0], days[-1])
    hours = pl.DataFrame(
        [(session.day, session.opens, session.closes) for session in sessions.days],
        schema={"day": pl.Date, "opens": _UTC, "closes": _UTC},
        orient="row",
    )
    placed = dated.join(hours, on="day", how="left", maintain_order="left").with_columns(
        _TS.is_between(pl.col("opens"), pl.col("closes"), closed="left").fill_null(False).alias("inside")
    )
    inside = placed.filter("inside").drop("inside")
    if inside.is_empty():
        raise DataError(
            f"{shown}: none of its {len(bars):,} bars begins in a session's regular hours;"
            " times must be the start of the bar; files.zone tells the zone of times written without one"
        )
    length = _length(inside, shown)
    kept = inside.with_columns(pl.min_horizontal(_TS + length, "closes").alias("ends")).drop(
        "opens", "closes"
    )
    present = set(kept["day"].unique())
    covered = Sessions(tuple(session for session in sessions.days if session.day in present))
    outside = placed.filter(~pl.col("inside"))
    return RegularHours(kept, covered, length, example(OUTSIDE, outside, "unused") if len(outside) else None)


def _length(bars: pl.DataFrame, shown: str) -> timedelta:
    """The most frequent gap from one bar to the next of the same symbol and session (the shortest of equals).

    The median would be longer than a bar in a file whose quiet symbols lack most of theirs.
    """
    following = (pl.col("symbol") == pl.col("symbol").shift(1)) & (_DAY == _DAY.shift(1))
    gaps = bars.select(_TS.diff().filter(following).alias("gap")).group_by("gap").len()
    if gaps.is_empty():
        raise DataError(
            f"{shown}: no symbol has two bars in one session, so the length of its bars cannot be known;"
            " give a file with more bars, or dates without a time for daily ones"
        )
    length: timedelta = gaps.sort("len", "gap", descending=[True, False])["gap"][0]
    return length


class IntradayFile(FileMarket):
    """Implements `momentum.ports.MarketData` over clean intraday bars in regular hours."""

    timeframe: Timeframe = "minute"

    def __init__(self, origin: Origin, hours: RegularHours) -> None:
        super().__init__(origin, BySymbol(hours.bars), format_duration(hours.length), hours.sessions)
        self.resolution = hours.length
        self._days = BySymbol(_by_day(hours.bars))

    def daily(self, symbols: Sequence[str] | None, at: datetime, sessions: int) -> pl.DataFrame:
        """Daily bars up to `at`; the last is the running session's, of its bars that have ended by then."""
        days = last_days(self._sessions, self._sessions.last_opened(at), sessions)
        if days is None:
            return self._days.frame.clear()
        running = self._sessions.current(at)
        whole = _TS.is_between(*days) & (pl.lit(True) if running is None else _TS < running.day)
        found = self._days.rows(symbols).filter(whole)
        if running is None:
            return found
        so_far = self._bars.rows(symbols).filter(_DAY == running.day, _ENDS <= at)
        return pl.concat([found, _by_day(so_far)]).sort("symbol", "ts")

    def bars(self, symbols: Sequence[str], after: datetime, until: datetime) -> pl.DataFrame:
        """The file's own bars in regular hours."""
        found = self._bars.rows(symbols).filter(_ENDS > after, _ENDS <= until)
        return found.select("symbol", "ts", "ends", *PRICES, "volume")

    def quotes(self, symbols: Sequence[str], at: datetime) -> Mapping[str, Quote]:
        """The close of the newest bar of each symbol that has ended by `at`."""
        newest = (
            self._bars.rows(symbols)
            .filter(_ENDS <= at)
            .group_by("symbol", maintain_order=True)
            .agg(pl.col("close").last(), _ENDS.last())
        )
        return {symbol: Quote(symbol, price, ends) for symbol, price, ends in newest.iter_rows()}


def _by_day(bars: pl.DataFrame) -> pl.DataFrame:
    """One row for each symbol and day, `ts` being the day."""
    return (
        bars.group_by("symbol", _DAY.alias("date"), maintain_order=True)
        .agg(
            pl.col("open").first(),
            pl.col("high").max(),
            pl.col("low").min(),
            pl.col("close").last(),
            pl.col("volume").sum(),
        )
        .rename({"date": "ts"})
        .select(COLUMNS)
    )

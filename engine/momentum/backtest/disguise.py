"""The same market under other names and on other dates, so that nobody can look up elsewhere what came next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import polars as pl

from momentum.market.panel import SPY
from momentum.market.universe import Universe
from momentum.model.market import Quote, Session, Sessions
from momentum.model.strategy import Limits
from momentum.ports import MarketData

LATER = timedelta(days=28 * 365 + 7)
"""28 years: every date falls on the same day of the week, of the month and of the year."""
_MARK = "!"
"""Ends a name. It sorts before every letter and digit, so that the order of the symbols stays."""


def other_name(symbol: str) -> str:
    """The name of a symbol in disguise; SPY keeps its own, since the market around a scan is read from it."""
    return symbol if symbol == SPY else symbol + _MARK


def true_name(symbol: str) -> str:
    """The name of a symbol whose disguise is taken off."""
    return symbol.removesuffix(_MARK)


def other_session(session: Session) -> Session:
    """The session on its other date."""
    return Session(session.day + LATER, session.opens + LATER, session.closes + LATER)


def other_universe(universe: Universe) -> Universe:
    """The universe with its symbols' other names."""
    return replace(
        universe,
        symbols=None if universe.symbols is None else tuple(map(other_name, universe.symbols)),
        caps={other_name(symbol): cap for symbol, cap in universe.caps.items()},
        sectors={other_name(symbol): sector for symbol, sector in universe.sectors.items()},
    )


def other_limits(limits: Limits) -> Limits:
    """The limits with the other names of the symbols that they ignore."""
    return replace(limits, ignored=frozenset(map(other_name, limits.ignored)))


class Disguised:
    """Market data as `MarketData` has it, under other names and `LATER`; it is called as the true one."""

    def __init__(self, data: MarketData) -> None:
        self.data = data
        self.source = data.source
        self.title = data.title
        self.synthetic = data.synthetic
        self.timeframe = data.timeframe
        self.resolution = data.resolution

    def symbols(self) -> tuple[str, ...]:
        return tuple(map(other_name, self.data.symbols()))

    def sessions(self) -> Sessions:
        return Sessions(tuple(map(other_session, self.data.sessions().days)))

    def daily(self, symbols: Sequence[str] | None, at: datetime, sessions: int) -> pl.DataFrame:
        wanted = None if symbols is None else [true_name(symbol) for symbol in symbols]
        bars = self.data.daily(wanted, at - LATER, sessions)
        days = (pl.col("ts").cast(pl.Int32) + LATER.days).cast(pl.Date)
        return bars.with_columns(_renamed(), ts=days)

    def bars(self, symbols: Sequence[str], after: datetime, until: datetime) -> pl.DataFrame:
        wanted = [true_name(symbol) for symbol in symbols]
        bars = self.data.bars(wanted, after - LATER, until - LATER)
        return bars.with_columns(_renamed(), pl.col("ts", "ends") + pl.lit(LATER))

    def quotes(self, symbols: Sequence[str], at: datetime) -> Mapping[str, Quote]:
        found = self.data.quotes([true_name(symbol) for symbol in symbols], at - LATER)
        return {
            other_name(symbol): replace(quote, symbol=other_name(symbol), at=quote.at + LATER)
            for symbol, quote in found.items()
        }

    def vix(self, at: datetime) -> float | None:
        return self.data.vix(at - LATER)

    def notes(self) -> tuple[str, ...]:
        return self.data.notes()


def _renamed() -> pl.Expr:
    symbol = pl.col("symbol")
    return pl.when(symbol == SPY).then(symbol).otherwise(symbol + _MARK).alias("symbol")

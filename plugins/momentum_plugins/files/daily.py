"""A file of daily bars as market data: a session's bar is known at its close, and not before."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

import polars as pl

from momentum.model.market import Quote, Sessions
from momentum.ports import Timeframe
from momentum_plugins.files.bysymbol import BySymbol
from momentum_plugins.files.market import FileMarket, Origin, last_days
from momentum_plugins.files.normalising import PRICES

_DAY = pl.col("ts")


class DailyFile(FileMarket):
    """Implements `momentum.ports.MarketData` over clean daily bars whose `ts` is a Date."""

    timeframe: Timeframe = "day"
    resolution = timedelta(days=1)

    def __init__(self, origin: Origin, bars: pl.DataFrame, sessions: Sessions) -> None:
        super().__init__(origin, BySymbol(bars), "daily", sessions)

    def daily(self, symbols: Sequence[str] | None, at: datetime, sessions: int) -> pl.DataFrame:
        """Daily bars of the last `sessions` sessions that have closed by `at`."""
        days = last_days(self._sessions, self._sessions.last_closed(at), sessions)
        return self._between(days, symbols)

    def bars(self, symbols: Sequence[str], after: datetime, until: datetime) -> pl.DataFrame:
        """Whole sessions as bars, from the open (`ts`) to the close (`ends`)."""
        closes = [session.closes for session in self._sessions.days]
        chosen = self._sessions.days[bisect_right(closes, after) : bisect_right(closes, until)]
        hours = pl.DataFrame(
            {
                "ts": [session.day for session in chosen],
                "opens": [session.opens for session in chosen],
                "ends": [session.closes for session in chosen],
            },
            schema={"ts": pl.Date, "opens": pl.Datetime("us", "UTC"), "ends": pl.Datetime("us", "UTC")},
        )
        found = self._between((chosen[0].day, chosen[-1].day) if chosen else None, symbols)
        return found.join(hours, on="ts", maintain_order="left").select(
            "symbol", pl.col("opens").alias("ts"), "ends", *PRICES, "volume"
        )

    def quotes(self, symbols: Sequence[str], at: datetime) -> Mapping[str, Quote]:
        """The newest close of each symbol, known since that session's close."""
        last = self._sessions.last_closed(at)
        if last is None:
            return {}
        closes = {session.day: session.closes for session in self._sessions.days}
        newest = (
            self._bars.rows(symbols)
            .filter(_DAY <= last.day)
            .group_by("symbol", maintain_order=True)
            .agg(pl.col("close").last(), _DAY.last())
        )
        return {symbol: Quote(symbol, price, closes[day]) for symbol, price, day in newest.iter_rows()}

    def _between(self, days: tuple[date, date] | None, symbols: Sequence[str] | None) -> pl.DataFrame:
        if days is None:
            return self._bars.frame.clear()
        return self._bars.rows(symbols).filter(_DAY.is_between(*days))

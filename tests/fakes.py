"""A small market with named bars, and builders of sessions, bars, books and requests, for any test.

Sessions run from 14:30 to 21:00 UTC (New York in winter); day 0 is Monday, 2026-01-05.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from momentum.execution.acceptance import Market
from momentum.execution.book import Book, Held
from momentum.execution.matching import Bar
from momentum.model.market import Quote, Session, Sessions
from momentum.model.orders import OrderRequest
from momentum.ports import Timeframe

EXCHANGE = ZoneInfo("America/New_York")
FIRST_DAY = date(2026, 1, 5)


def day(number: int) -> date:
    """The date of a session; sessions are Monday to Friday."""
    weeks, weekday = divmod(number, 5)
    return FIRST_DAY + timedelta(days=7 * weeks + weekday)


def opens(number: int) -> datetime:
    """The opening moment of a session."""
    return datetime.combine(day(number), time(14, 30), tzinfo=UTC)


def closes(number: int) -> datetime:
    """The closing moment of a session."""
    return datetime.combine(day(number), time(21), tzinfo=UTC)


def session(number: int) -> Session:
    """A whole session."""
    return Session(day(number), opens(number), closes(number))


def daily_bar(
    symbol: str,
    number: int,
    open: float,
    high: float,
    low: float,
    close: float | None = None,
    *,
    volume: float = math.inf,
) -> Bar:
    """A session's bar; it closes where it opened, and of any volume, unless told."""
    closed = open if close is None else close
    return Bar(symbol, opens(number), closes(number), open, high, low, closed, volume)


def minute_bar(
    symbol: str,
    starts: datetime,
    open: float,
    high: float,
    low: float,
    close: float,
    *,
    volume: float = math.inf,
) -> Bar:
    """The bar of one minute, of any volume unless told."""
    return Bar(symbol, starts, starts + timedelta(minutes=1), open, high, low, close, volume)


def request(
    side: str = "buy", qty: int = 10, *, symbol: str = "AAA", id: str = "id-1", **more: Any
) -> OrderRequest:
    """A market order, unless `type` says otherwise."""
    return OrderRequest(
        client_id=id, symbol=symbol, side=side, type=more.pop("type", "market"), qty=qty, **more
    )


def trailing(qty: int = 10, *, trail: float = 0.05, id: str = "stop-1", **more: Any) -> OrderRequest:
    """A trailing stop that stays until it fills or is cancelled."""
    return request("sell", qty, id=id, type="trailing_stop", trail=trail, **{"time_in_force": "gtc", **more})


def holding(qty: int = 10, *, symbol: str = "AAA", price: float = 100.0, cash: float = 0.0) -> Book:
    """A book with one position and no orders."""
    return Book(cash=cash, holdings={symbol: Held(qty, price)})


def inside(number: int, price: float | None, *, symbol: str = "AAA", at: datetime | None = None) -> Market:
    """The market in the middle of a session, with a price of that moment."""
    now = at or opens(number) + timedelta(hours=1)
    return Market(now, session(number), None if price is None else Quote(symbol, price, now))


def after_close(number: int, price: float | None, *, symbol: str = "AAA") -> Market:
    """The market an hour after a session, with the price at its close."""
    quote = None if price is None else Quote(symbol, price, closes(number))
    return Market(closes(number) + timedelta(hours=1), None, quote)


class FakeMarket:
    """A `momentum.ports.MarketData` over bars that a test names. The last price is the last bar's close."""

    synthetic = True
    title = "bars named by a test"

    def __init__(
        self,
        bars: Sequence[Bar],
        *,
        sessions: int = 10,
        source: str = "fake",
        timeframe: Timeframe = "day",
        resolution: timedelta = timedelta(minutes=1),
        volume: float = 1000.0,
        halted: frozenset[str] = frozenset(),
    ) -> None:
        self.source = source
        self.timeframe: Timeframe = timeframe
        self.resolution = timedelta(days=1) if timeframe == "day" else resolution
        self._bars = sorted(bars, key=lambda bar: (bar.symbol, bar.starts))
        self._sessions = Sessions(tuple(session(number) for number in range(sessions)))
        self._volume = volume
        self._halted = halted

    def symbols(self) -> tuple[str, ...]:
        return tuple(sorted({bar.symbol for bar in self._bars}))

    def sessions(self) -> Sessions:
        return self._sessions

    def daily(self, symbols: Sequence[str] | None, at: datetime, sessions: int) -> pl.DataFrame:
        begun = [one.day for one in self._sessions.days if one.opens <= at]
        days = begun[-sessions:] if sessions > 0 else []
        known = [bar for bar in self._bars if bar.ends <= at and (symbols is None or bar.symbol in symbols)]
        local = pl.col("ts").dt.convert_time_zone(EXCHANGE.key).dt.date()
        return (
            self._frame(known)
            .with_columns(ts=local)
            .filter(pl.col("ts").is_in(days))
            .group_by("symbol", "ts", maintain_order=True)
            .agg(
                pl.col("open").first(),
                pl.col("high").max(),
                pl.col("low").min(),
                pl.col("close").last(),
                pl.col("volume").sum(),
            )
        )

    def bars(self, symbols: Sequence[str], after: datetime, until: datetime) -> pl.DataFrame:
        return self._frame([bar for bar in self._bars if bar.symbol in symbols and after < bar.ends <= until])

    def quotes(self, symbols: Sequence[str], at: datetime) -> Mapping[str, Quote]:
        known = [bar for bar in self._bars if bar.symbol in symbols and bar.ends <= at]
        return {
            bar.symbol: Quote(bar.symbol, bar.close, bar.ends, halted=bar.symbol in self._halted)
            for bar in known
        }

    def vix(self, at: datetime) -> float | None:
        return None

    def notes(self) -> tuple[str, ...]:
        return ()

    def _frame(self, bars: Sequence[Bar]) -> pl.DataFrame:
        moment = pl.Datetime("us", "UTC")
        return pl.DataFrame(
            [
                (
                    *(bar.symbol, bar.starts, bar.ends, bar.open, bar.high, bar.low, bar.close),
                    self._volume if bar.volume == math.inf else bar.volume,
                )
                for bar in bars
            ],
            schema={"symbol": pl.String, "ts": moment, "ends": moment}
            | dict.fromkeys(("open", "high", "low", "close", "volume"), pl.Float64),
            orient="row",
        )

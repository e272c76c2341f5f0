"""A small market made from a seed: random walks in bars of half an hour, with gaps, halts and holes."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

import polars as pl

from fakes import EXCHANGE, session
from momentum.errors import DataError
from momentum.market.universe import Universe
from momentum.model.market import CAPS, Quote, Sessions
from momentum.ports import Timeframe

SYMBOLS = ("AAA", "BBB", "CCC", "DDD", "EEE", "FFF", "GGG")
STRANGER = "ZZZ"
"""A symbol that the universe does not name; only somebody else trades it."""
SPY = "SPY"
BAR = timedelta(minutes=30)
HISTORY = 3
"""Sessions before the first command."""
SESSIONS = 14

_MOMENT = pl.Datetime("us", "UTC")
_SCHEMA: dict[str, Any] = {"symbol": pl.String, "ts": _MOMENT, "ends": _MOMENT} | dict.fromkeys(
    ("open", "high", "low", "close", "volume"), pl.Float64
)


@dataclass(frozen=True, slots=True)
class Split:
    """Two shares for one, at the opening of a session."""

    symbol: str
    session: int


@dataclass(frozen=True, slots=True)
class Row:
    """One bar."""

    symbol: str
    starts: datetime
    ends: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float


class SimulatedMarket:
    """A `momentum.ports.MarketData` of some sessions, in bars of half an hour."""

    synthetic = True
    title = "a market made from a seed"
    source = "faults"
    timeframe: Timeframe = "minute"
    resolution = BAR

    def __init__(self, random: Random, splits: Sequence[Split]) -> None:
        self._sessions = Sessions(tuple(session(number) for number in range(SESSIONS)))
        self._rows: dict[str, list[Row]] = {}
        self._halts: dict[str, list[tuple[datetime, datetime]]] = {}
        for symbol in (*SYMBOLS, STRANGER, SPY):
            self._walk(symbol, random, {one.session for one in splits if one.symbol == symbol})
        self._ends = {symbol: [row.ends for row in rows] for symbol, rows in self._rows.items()}
        self._frame = _frame([row for symbol in sorted(self._rows) for row in self._rows[symbol]])

    def symbols(self) -> tuple[str, ...]:
        return tuple(sorted(self._rows))

    def sessions(self) -> Sessions:
        return self._sessions

    def daily(self, symbols: Sequence[str] | None, at: datetime, sessions: int) -> pl.DataFrame:
        days = [one.day for one in self._sessions.days if one.opens <= at][-sessions:]
        wanted = self.symbols() if symbols is None else tuple(symbols)
        return (
            self._frame.filter((pl.col("ends") <= at) & pl.col("symbol").is_in(wanted))
            .with_columns(ts=pl.col("ts").dt.convert_time_zone(EXCHANGE.key).dt.date())
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
        rows = []
        for symbol in symbols:
            ends = self._ends.get(symbol, [])
            rows += self._rows.get(symbol, [])[bisect_right(ends, after) : bisect_right(ends, until)]
        return _frame(rows)

    def quotes(self, symbols: Sequence[str], at: datetime) -> Mapping[str, Quote]:
        found = {}
        for symbol in symbols:
            index = bisect_right(self._ends.get(symbol, []), at) - 1
            if index >= 0:
                row = self._rows[symbol][index]
                halted = any(since <= at < until for since, until in self._halts[symbol])
                found[symbol] = Quote(symbol, row.close, row.ends, halted=halted)
        return found

    def vix(self, at: datetime) -> float | None:
        return None

    def notes(self) -> tuple[str, ...]:
        return ()

    def _walk(self, symbol: str, random: Random, splits: set[int]) -> None:
        price = random.uniform(15, 160)
        rows: list[Row] = []
        halts: list[tuple[datetime, datetime]] = []
        wild = random.choice((0.004, 0.01, 0.025))
        for number, day in enumerate(self._sessions.days):
            price *= 0.5 if number in splits else 1.0
            price *= 1 + (random.gauss(0.0, 0.05) if random.random() < 0.2 else random.gauss(0.0, 0.01))
            if random.random() < 0.04 and symbol != SPY:
                continue  # no trade all day: the last price grows stale
            halt = None
            if random.random() < 0.06 and symbol != SPY:
                since = day.opens + random.randrange(12) * BAR
                halt = since, since + random.randrange(1, 4) * BAR
                halts.append(halt)
            for bar in range(13):
                starts = day.opens + bar * BAR
                opens = price
                price = max(2.0, price * (1 + random.gauss(0.0005, wild)))
                if random.random() < 0.02 or (halt is not None and halt[0] <= starts < halt[1]):
                    continue
                high = max(opens, price) * (1 + random.random() * wild)
                low = min(opens, price) * (1 - random.random() * wild)
                volume = float(random.randrange(300, 20_000))
                rows.append(Row(symbol, starts, starts + BAR, opens, high, low, price, volume))
        self._rows[symbol] = rows
        self._halts[symbol] = halts


class UnreliableMarket:
    """A market that does not answer one question: the one after `answers` others; None answers all."""

    def __init__(self, market: SimulatedMarket, answers: int | None) -> None:
        self._market = market
        self._answers = answers

    def __getattr__(self, name: str) -> Any:
        return getattr(self._market, name)

    def daily(self, *arguments: Any) -> pl.DataFrame:
        self._ask()
        return self._market.daily(*arguments)

    def quotes(self, *arguments: Any) -> Mapping[str, Quote]:
        self._ask()
        return self._market.quotes(*arguments)

    def _ask(self) -> None:
        if self._answers is None:
            return
        self._answers -= 1
        if self._answers < 0:
            self._answers = None
            raise DataError("the simulated market does not answer")


def universe(random: Random) -> Universe:
    """The symbols in size classes."""
    caps = {symbol: random.choice(CAPS) for symbol in SYMBOLS}
    return Universe(SYMBOLS, caps)


def _frame(rows: Sequence[Row]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            (row.symbol, row.starts, row.ends, row.open, row.high, row.low, row.close, row.volume)
            for row in rows
        ],
        schema=_SCHEMA,
        orient="row",
    )

"""The reference strategy's choices and sizes, through decider, gate and recheck, against its own plain words.

The reference chooses two candidates at each close with a tenth of equity each, whatever is held, and lets the
next open decide what becomes of them: six positions at most, and no more than the cash pays for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from math import floor
from pathlib import Path
from random import Random
from typing import NamedTuple, Protocol

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from momentum.model.decision import LimitsLeft, PlannedOrder, ScanInfo, Situation
from momentum.model.market import Candidate, MarketContext, Quote
from momentum.model.portfolio import Portfolio, Position
from momentum.model.strategy import DecideRules, Exits, Limits, Strategy
from momentum.risk.book import MarketState
from momentum.risk.gate import gate, recheck
from momentum.risk.limits import limits_left
from momentum.risk.proposal import ExitDemand
from momentum_plugins.rules_decider import decide

SLIPPAGE = 0.0005
START = 100_000.0
LIMITS = Limits(6, 2, 0.10, 1.0, 0.0, "at_fill", False, timedelta(minutes=15), None, {})
STRATEGY = Strategy(
    name="reference_w",
    description="",
    features=(),
    columns=(),
    filters=(),
    score=(),
    reversal=(),
    rank="roc_10d DESC",
    decide=DecideRules(0, "momentum_breakout", 0, None, 5, 2),
    exits=Exits(0.05),
)


class Bar(NamedTuple):
    """A symbol's session, with what the reference's signals say at its close."""

    open: float
    high: float
    low: float
    close: float
    rank: float | None
    exit: bool


Day = Mapping[str, Bar]


@dataclass
class Lot:
    """A position of the reference."""

    qty: int
    entry: float
    entered: int
    peak: float
    last: float


Held = dict[str, Lot]


class Trader(Protocol):
    """The two choices of the reference that decider, gate and recheck make in the engine."""

    def choose(self, number: int, day: Day, cash: float, held: Held, marked: set[str]) -> dict[str, int]: ...

    def enter(self, number: int, day: Day, cash: float, held: Held, symbol: str, qty: int) -> int: ...


def trades_of(days: Sequence[Day], trader: Trader) -> list[tuple[object, ...]]:
    """The reference's sessions: exits at the open, entries, stops, and the choice at the close."""
    cash, trades = START, []
    held: Held = {}
    marked: set[str] = set()
    chosen: dict[str, int] = {}

    def leave(symbol: str, number: int, fill: float, reason: str) -> float:
        lot = held.pop(symbol)
        marked.discard(symbol)
        trades.append((symbol, lot.entered, lot.entry, lot.qty, number, fill, reason))
        return lot.qty * fill

    for number, day in enumerate(days):
        for symbol in sorted(marked & day.keys()):
            cash += leave(symbol, number, day[symbol].open * (1 - SLIPPAGE), "signal")
        for symbol in chosen.keys() & held.keys() & day.keys():
            raise AssertionError(f"{symbol} was chosen while held")
        for symbol, qty in chosen.items():
            if symbol in day and (bought := trader.enter(number, day, cash, held, symbol, qty)):
                fill = day[symbol].open * (1 + SLIPPAGE)
                cash -= bought * fill
                held[symbol] = Lot(bought, fill, number, fill, day[symbol].open)
        for symbol in sorted(held.keys() & day.keys()):
            lot, bar = held[symbol], day[symbol]
            stop = 0.95 * lot.peak
            if bar.low <= stop:
                level = stop if lot.entered == number else min(bar.open, stop)
                cash += leave(symbol, number, level * (1 - SLIPPAGE), "stop")
            else:
                lot.peak, lot.last = max(lot.peak, bar.high), bar.close
        marked |= {symbol for symbol in held.keys() & day.keys() if day[symbol].exit}
        chosen = trader.choose(number, day, cash, held, marked)
    return [*trades, *((symbol, lot.entered, lot.entry, lot.qty) for symbol, lot in sorted(held.items()))]


def ranked(day: Day) -> list[str]:
    return sorted((s for s, bar in day.items() if bar.rank is not None), key=lambda s: (-day[s].rank, s))  # type: ignore[operator]


class InPlainWords:
    """As the reference is written down."""

    def choose(self, number: int, day: Day, cash: float, held: Held, marked: set[str]) -> dict[str, int]:
        equity = cash + sum(lot.qty * lot.last for lot in held.values())
        first = [symbol for symbol in ranked(day) if symbol not in held][:2]
        sizes = {symbol: floor(0.10 * equity / day[symbol].close) for symbol in first}
        return {symbol: qty for symbol, qty in sizes.items() if qty}

    def enter(self, number: int, day: Day, cash: float, held: Held, symbol: str, qty: int) -> int:
        if len(held) >= 6:
            return 0
        fill = day[symbol].open * (1 + SLIPPAGE)
        return floor(cash / fill) if qty * fill > cash else qty


class ThroughTheGate:
    """As the engine does it."""

    def choose(self, number: int, day: Day, cash: float, held: Held, marked: set[str]) -> dict[str, int]:
        at = moment(number, 21)
        prices = {
            symbol: day[symbol].close for symbol in day if day[symbol].rank is not None or symbol in held
        }
        account, market = portfolio_at(at, cash, held, {}), market_at(at, prices)
        candidates = tuple(
            Candidate(symbol, "unclassified", day[symbol].close, 0.0, rank, columns={"buy_when": True})
            for rank, symbol in enumerate(ranked(day), 1)
        )
        left = limits_left(account, LIMITS, market, cap="all", max_buys=2)
        plan = gate(
            decide(situation(number, account, candidates, left)),
            account,
            market,
            LIMITS,
            candidates=candidates,
            max_buys=2,
            exits=[ExitDemand(symbol, "signal") for symbol in sorted(marked)],
        )
        assert {sale.symbol for sale in plan.closes} == marked & day.keys()
        self.planned = {buy.symbol: buy for buy in plan.buys}
        return {buy.symbol: buy.qty for buy in plan.buys}

    def enter(self, number: int, day: Day, cash: float, held: Held, symbol: str, qty: int) -> int:
        at = moment(number, 14)
        opens = {symbol: bar.open for symbol, bar in day.items() if symbol in held or symbol in self.planned}
        account = portfolio_at(at, cash, held, opens)
        fill = day[symbol].open * (1 + SLIPPAGE)
        sent = recheck(self.planned[symbol], account, market_at(at, opens), LIMITS, price=fill)
        return sent.qty if isinstance(sent, PlannedOrder) else 0


def moment(number: int, hour: int) -> datetime:
    return datetime(2026, 1, 5, hour, tzinfo=UTC) + timedelta(days=number)


def market_at(at: datetime, prices: Mapping[str, float]) -> MarketState:
    return MarketState(at, True, {symbol: Quote(symbol, price, at) for symbol, price in prices.items()})


def portfolio_at(at: datetime, cash: float, held: Held, prices: Mapping[str, float]) -> Portfolio:
    positions = tuple(
        Position(symbol, lot.qty, lot.entry, prices.get(symbol, lot.last))
        for symbol, lot in sorted(held.items())
    )
    values = (lot.qty * prices.get(symbol, lot.last) for symbol, lot in held.items())
    return Portfolio(at, cash + sum(values), cash, positions)


def situation(
    number: int, account: Portfolio, candidates: tuple[Candidate, ...], left: LimitsLeft
) -> Situation:
    day = date(2026, 1, 5) + timedelta(days=number)
    scan = ScanInfo("s", "reference_w", day, "close", "all", account.at, False, 2)
    return Situation(scan, STRATEGY, account, candidates, (), MarketContext(), left)


# -- random markets, and a real one -------------------------------------------------------------------------


def random_days(seed: int) -> list[Day]:
    """A small wild market: slots run out; in a boom that nobody leaves and few enter, cash does too."""
    rng = Random(seed)
    worst, often, leaves = rng.choice([(0.93, 0.5, 0.02), (1.0, 0.03, 0.0)])
    price = {symbol: rng.uniform(5.0, 4_000.0) for symbol in "ABCDEFGHIJ"}
    days: list[Day] = []
    for _ in range(40):
        day = {}
        for symbol in price:
            if rng.random() < 0.1:
                continue
            opened = price[symbol] * rng.uniform(worst, 1.1)
            closed = opened * rng.uniform(worst, 1.15)
            low, high = min(opened, closed) * rng.uniform(0.97, 1.0), max(opened, closed) * 1.01
            wanted = rng.uniform(0.03, 0.5) if rng.random() < often else None
            day[symbol] = Bar(opened, high, low, closed, wanted, rng.random() < leaves)
            price[symbol] = closed
        days.append(day)
    return days


@given(st.integers(0, 2**32))
def test_the_gate_makes_the_references_trades_on_any_market(seed: int) -> None:
    days = random_days(seed)
    assert trades_of(days, ThroughTheGate()) == trades_of(days, InPlainWords())


def real_days(directory: Path) -> list[Day]:
    """The real market, of the symbols that can be chosen: once among the eight best, for at most six are held."""
    by = "symbol"
    close, high = pl.col("close"), pl.col("high")
    bars = pl.read_parquet(directory / "daily.parquet").sort(by, "date")
    before = close.shift(1).over(by)
    surge = pl.col("volume") / pl.col("volume").shift(1).rolling_mean(20).over(by)
    gap = (pl.col("open") / before - 1 > 0.01) & (close > pl.col("open"))
    roc = close / close.shift(10).over(by) - 1
    breakout = (gap | (close > high.shift(1).rolling_max(5).over(by))) & (surge >= 1.3) & surge.is_finite()
    wanted = (close > 5) & (roc >= 0.03) & roc.is_finite() & breakout
    rows = bars.select(
        by, "date", "open", "high", "low", "close",
        rank=pl.when(wanted).then(roc),
        exit=(close < close.rolling_mean(20).over(by)).fill_null(False),
    ).sort("date", by)  # fmt: skip
    best = rows.filter(pl.col("rank").rank("min", descending=True).over("date") <= 8)
    rows = rows.join(best, on=by, how="semi")
    return [
        {symbol: Bar(*numbers) for symbol, _, *numbers in day.iter_rows()}
        for day in rows.partition_by("date", maintain_order=True)
    ]


def test_the_gate_makes_the_references_trades_on_the_real_market(real_data: Path) -> None:
    days = real_days(real_data)
    through_the_gate = trades_of(days, ThroughTheGate())
    assert through_the_gate == trades_of(days, InPlainWords())
    closed = [trade for trade in through_the_gate if len(trade) == 7]
    assert len(closed) == 216

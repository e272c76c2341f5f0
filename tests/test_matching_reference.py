"""The reference strategy's fills and stops, to the last bit: the book against a plain loop over the same bars.

Which positions to enter and to leave is random here; what each becomes must be the same on both sides.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor

from hypothesis import given, settings
from hypothesis import strategies as st

from fakes import daily_bar, opens, session
from momentum.execution.acceptance import Market, cancel, submit
from momentum.execution.book import Book, Change
from momentum.execution.costs import Costs
from momentum.execution.matching import Bar, match_bars
from momentum.model.market import Quote
from momentum.model.orders import OrderRequest

SYMBOLS = ("AAA", "BBB", "CCC", "DDD")
SLOTS = 2
CASH = 1_000.0
COSTS = Costs(slippage=0.0005)

Trade = tuple[str, int, float, int, int, float, str]
"""Symbol, entry session, entry fill, quantity, exit session, exit fill, reason."""


@dataclass(frozen=True)
class Day:
    """One session: its bars, the entries chosen the evening before, and the exits marked this evening."""

    bars: dict[str, tuple[float, float, float, float]]
    entries: tuple[tuple[str, int], ...]
    marks: frozenset[str]


@st.composite
def days(draw: st.DrawFn) -> Day:
    bars = {}
    for symbol in SYMBOLS:
        if draw(st.integers(0, 5)):
            opened = draw(st.floats(5, 60))
            closed = opened * draw(st.floats(0.93, 1.08))
            high = max(opened, closed) * draw(st.floats(1, 1.04))
            low = min(opened, closed) * draw(st.floats(0.96, 1))
            bars[symbol] = (opened, high, low, closed)
    entries = draw(st.lists(st.tuples(st.sampled_from(SYMBOLS), st.integers(1, 40)), max_size=2))
    marks = draw(st.frozensets(st.sampled_from(SYMBOLS), max_size=2))
    return Day(bars, tuple(entries), marks)


def plain_loop(market: list[Day]) -> tuple[list[Trade], float]:
    """The reference as it is written down: sell what is marked, buy what was chosen, run the stops."""
    cash, trades = CASH, []
    held: dict[str, list[float]] = {}  # symbol -> quantity, entry session, entry fill, peak
    marked: set[str] = set()

    def leave(symbol: str, number: int, fill: float, reason: str) -> float:
        qty, entered, entry, _ = held.pop(symbol)
        marked.discard(symbol)
        trades.append((symbol, int(entered), entry, int(qty), number, fill, reason))
        return qty * fill

    for number, today in enumerate(market):
        for symbol in sorted(marked & today.bars.keys()):
            cash += leave(symbol, number, today.bars[symbol][0] * (1 - 0.0005), "signal")
        for symbol, chosen in today.entries:
            if symbol not in today.bars or symbol in held or len(held) >= SLOTS:
                continue
            fill = today.bars[symbol][0] * (1 + 0.0005)
            qty = floor(cash / fill) if chosen * fill > cash else chosen
            if qty > 0:
                cash -= qty * fill
                held[symbol] = [qty, number, fill, fill]
        for symbol in sorted(held.keys() & today.bars.keys()):
            opened, high, low, _ = today.bars[symbol]
            entered, peak = held[symbol][1], held[symbol][3]
            stop = 0.95 * peak
            if low <= stop:
                seen = stop if entered == number else min(opened, stop)
                cash += leave(symbol, number, seen * (1 - 0.0005), "stop")
            else:
                held[symbol][3] = max(peak, high)
        marked |= today.marks & today.bars.keys() & held.keys()
    return trades, cash


class Desk:
    """The same, as orders on a book: what stands at the open is sent at the open, the bar does the rest."""

    def __init__(self) -> None:
        self.book = Book(cash=CASH)
        self.entered: dict[str, tuple[int, float, int]] = {}
        self.trades: list[Trade] = []
        self._sent = 0

    def send(self, number: int, price: float, symbol: str, **asked: object) -> None:
        self._sent += 1
        market = Market(opens(number), session(number), Quote(symbol, price, opens(number)))
        order = OrderRequest(client_id=str(self._sent), symbol=symbol, **asked)  # type: ignore[arg-type]
        change = submit(self.book, order, market, COSTS)
        assert isinstance(change, Change), change
        self._take(change, number, "signal")

    def sell(self, number: int, price: float, symbol: str) -> None:
        stop = next(order for order in self.book.orders.values() if order.symbol == symbol)
        freed = cancel(self.book, stop.id, opens(number))
        assert isinstance(freed, Change)
        self.book = freed.book
        self.send(number, price, symbol, side="sell", type="market", qty=self.book.held(symbol))

    def buy(self, number: int, price: float, symbol: str, chosen: int) -> None:
        qty = COSTS.affordable(chosen, COSTS.buy_fill(price), self.book.cash)
        if qty == 0:
            return
        self.send(number, price, symbol, side="buy", type="market", qty=qty)
        entry = self.entered[symbol][1]
        stop = {"type": "trailing_stop", "trail": 0.05, "hwm": entry, "time_in_force": "gtc"}
        self.send(number, price, symbol, side="sell", qty=qty, **stop)

    def run(self, number: int, bars: list[Bar]) -> None:
        self._take(match_bars(self.book, bars, COSTS), number, "stop")

    def _take(self, change: Change, number: int, reason: str) -> None:
        self.book = change.book
        for fill in change.fills:
            if fill.side == "buy":
                self.entered[fill.symbol] = (number, fill.price, fill.qty)
            else:
                entered, entry, qty = self.entered.pop(fill.symbol)
                assert fill.qty == qty
                self.trades.append((fill.symbol, entered, entry, qty, number, fill.price, reason))


def on_a_book(market: list[Day]) -> tuple[list[Trade], float]:
    desk = Desk()
    marked: set[str] = set()
    for number, today in enumerate(market):
        for symbol in sorted(marked & today.bars.keys()):
            desk.sell(number, today.bars[symbol][0], symbol)
        marked &= desk.book.holdings.keys()
        for symbol, chosen in today.entries:
            slots = SLOTS - len(desk.book.holdings)
            if symbol in today.bars and not desk.book.held(symbol) and slots > 0:
                desk.buy(number, today.bars[symbol][0], symbol, chosen)
        desk.run(number, [daily_bar(symbol, number, *bar) for symbol, bar in sorted(today.bars.items())])
        marked &= desk.book.holdings.keys()
        marked |= today.marks & today.bars.keys() & desk.book.holdings.keys()
    return desk.trades, desk.book.cash


@settings(max_examples=300, deadline=None)
@given(st.lists(days(), min_size=2, max_size=25))
def test_the_book_trades_as_the_plain_loop_does_bit_for_bit(market: list[Day]) -> None:
    assert on_a_book(market) == plain_loop(market)

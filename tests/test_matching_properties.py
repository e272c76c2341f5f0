"""Whatever is asked of a book and whatever the bars: never short, never in debt, never a fill out of thin air."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from fakes import closes, daily_bar, opens, session
from momentum.execution.acceptance import Market, cancel, replace_quantity, submit
from momentum.execution.book import Book, Change
from momentum.execution.costs import Costs
from momentum.execution.matching import Bar, expire, match_bars
from momentum.model.market import Quote
from momentum.model.orders import Fill, Order, OrderRequest, OrderState, Refused

COSTS = Costs(slippage=0.001, commission_per_order=0.5)
CASH = 10_000.0
SYMBOLS = ("AAA", "BBB")

prices = st.floats(min_value=1, max_value=500)
odd_numbers = st.one_of(st.none(), prices, st.sampled_from([0.0, -1.0, math.nan, math.inf]))
requests = st.builds(
    OrderRequest,
    client_id=st.integers(0, 30).map(str),
    symbol=st.sampled_from(SYMBOLS),
    side=st.sampled_from(["buy", "sell"]),
    type=st.sampled_from(["market", "limit", "stop", "trailing_stop"]),
    qty=st.one_of(st.integers(1, 60), st.integers(-5, 10_000)),
    limit_price=odd_numbers,
    stop_price=odd_numbers,
    trail=st.one_of(st.none(), st.floats(0.01, 0.3), odd_numbers),
    hwm=odd_numbers,
    time_in_force=st.sampled_from(["day", "gtc"]),
)


def fitting(asked: OrderRequest) -> OrderRequest:
    """The same request without the prices that its type does not take: most of these are accepted."""
    keep = {"market": (), "limit": ("limit_price",), "stop": ("stop_price",), "trailing_stop": ("trail",)}
    dropped = {"limit_price", "stop_price", "trail", "hwm"} - set(keep[asked.type])
    values = {name: getattr(asked, name) for name in OrderRequest.__slots__ if name not in dropped}
    return OrderRequest(**values)


@st.composite
def candles(draw: st.DrawFn) -> tuple[float, float, float, float]:
    low, one, two, high = sorted(draw(st.lists(prices, min_size=4, max_size=4)))
    opened, closed = (one, two) if draw(st.booleans()) else (two, one)
    return opened, high, low, closed


@dataclass
class Life:
    """An account that a test drives, with everything that ever became of it."""

    book: Book = field(default_factory=lambda: Book(cash=CASH))
    fills: list[Fill] = field(default_factory=list)
    last: dict[str, Order] = field(default_factory=dict)

    def take(self, change: Change | Refused) -> tuple[Fill, ...]:
        if isinstance(change, Refused):
            return ()
        for order in change.orders:
            before = self.last.get(order.id)
            assert before is None or before.state.is_open, "an order that is done never changes again"
            self.last[order.id] = order
        self.book = change.book
        self.fills.extend(change.fills)
        self.check()
        return change.fills

    def used(self) -> set[str]:
        return {order.client_id for order in self.last.values()}

    def check(self) -> None:
        book = self.book
        bought = dict.fromkeys(SYMBOLS, 0)
        cash = CASH
        for fill in self.fills:
            assert fill.qty > 0
            sign = 1 if fill.side == "buy" else -1
            bought[fill.symbol] += sign * fill.qty
            cash = cash - sign * fill.qty * fill.price - fill.commission
        for symbol in SYMBOLS:
            assert book.held(symbol) == bought[symbol] >= 0
            assert 0 <= book.available(symbol) <= book.held(symbol)
        assert math.isclose(book.cash, cash, abs_tol=1e-6)
        # A sale may bring less than its commission; nothing else takes the cash below zero.
        assert book.cash >= -COSTS.commission_per_order * len(self.fills)
        assert set(book.reserved) <= set(book.orders)
        assert all(order.state.is_open for order in book.orders.values())
        assert len({fill.id for fill in self.fills}) == len(self.fills)
        assert len({fill.order_id for fill in self.fills}) == len(self.fills)
        assert len({fill.client_id for fill in self.fills}) == len(self.fills)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_an_account_never_breaks_its_own_books(data: st.DataObject) -> None:
    life = Life()
    seen = dict.fromkeys(SYMBOLS, 100.0)
    for number in range(1, data.draw(st.integers(1, 6))):
        for _ in range(data.draw(st.integers(0, 6))):
            _ask(life, data, number, seen)
        bars = [daily_bar(symbol, number, *data.draw(candles())) for symbol in SYMBOLS]
        for fill in life.take(match_bars(life.book, bars, COSTS)):
            assert _inside(fill, next(bar for bar in bars if bar.symbol == fill.symbol))
        life.take(expire(life.book, closes(number)))
        assert not [order for order in life.book.orders.values() if order.type == "market"]
        seen = {bar.symbol: bar.close for bar in bars}


def _ask(life: Life, data: st.DataObject, number: int, seen: dict[str, float]) -> None:
    """One request before the session `number`, or at its open, or while it runs."""
    at = opens(number) + data.draw(st.sampled_from([timedelta(hours=-1), timedelta(0), timedelta(hours=2)]))
    running = session(number) if at >= opens(number) else None
    act = data.draw(st.sampled_from(["submit", "submit", "submit", "cancel", "replace"]))
    if act == "submit" or not life.last:
        asked = data.draw(requests)
        asked = fitting(asked) if data.draw(st.booleans()) else asked
        quote = Quote(asked.symbol, seen[asked.symbol], at)
        before = life.used()
        change = submit(life.book, asked, Market(at, running, quote), COSTS, before)
        assert isinstance(change, Refused) or asked.client_id not in before
        life.take(change)
        return
    order_id = data.draw(st.sampled_from(sorted(life.last)))
    if act == "cancel":
        life.take(cancel(life.book, order_id, at))
    else:
        client_id, qty = str(data.draw(st.integers(0, 30))), data.draw(st.integers(-1, 100))
        life.take(replace_quantity(life.book, order_id, client_id, qty, at, COSTS, life.used()))


def _inside(fill: Fill, bar: Bar) -> bool:
    return COSTS.sell_fill(bar.low) <= fill.price <= COSTS.buy_fill(bar.high)


@given(st.floats(0.01, 0.3), st.lists(candles(), min_size=1, max_size=20))
def test_a_trailing_stop_stands_below_the_highest_price_it_has_seen(
    trail: float, path: list[tuple[float, float, float, float]]
) -> None:
    life = Life()
    market = Market(closes(0), session(0), Quote("AAA", 100.0, closes(0)))
    life.take(submit(life.book, OrderRequest("buy", "AAA", "buy", "market", 10), market, COSTS))
    asked = OrderRequest("stop", "AAA", "sell", "trailing_stop", 10, trail=trail, time_in_force="gtc")
    life.take(submit(life.book, asked, market, COSTS, life.used()))
    peak = 100.0
    for number, (opened, high, low, closed) in enumerate(path, start=1):
        life.take(match_bars(life.book, [daily_bar("AAA", number, opened, high, low, closed)], COSTS))
        stop = next(order for order in life.last.values() if order.client_id == "stop")
        if low <= peak * (1 - trail):
            assert stop.state is OrderState.FILLED
            assert life.fills[-1].price == COSTS.sell_fill(min(opened, peak * (1 - trail)))
            return
        peak = max(peak, high)
        assert (stop.hwm, stop.stop_price) == (peak, peak * (1 - trail))

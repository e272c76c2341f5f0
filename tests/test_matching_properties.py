"""Whatever is asked of a book and whatever the bars: never short, never in debt, never a fill out of thin air,
and never more than the share of a bar's volume."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from fakes import closes, daily_bar, opens, session
from momentum.execution.acceptance import Market, ask_cancel, cancel, fill_pending, replace_quantity, submit
from momentum.execution.book import Book, Change
from momentum.execution.costs import Costs, SellFees
from momentum.execution.matching import Bar, expire, match_bars
from momentum.model.market import Quote
from momentum.model.orders import Fill, Order, OrderRequest, OrderState, Refused

COSTS = Costs(slippage=0.001, commission_per_order=0.5)
SHARED = replace(COSTS, volume_share=0.1)
EVERY = Costs(
    slippage=0.001,
    volume_share=0.1,
    impact=0.5,
    commission_per_order=0.1,
    commission_per_share=0.02,
    commission_minimum=0.5,
    commission_maximum=0.05,
    sell_fees=SellFees(per_million=5_000, per_share=0.01, most=0.2),
)
HEAVY = Costs(slippage=0.5, impact=0.9, commission_per_order=400.0)
"""A sale of a few shares brings less than it costs."""
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

    costs: Costs = COSTS
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
        assert book.cash >= 0
        assert set(book.reserved) <= set(book.orders)
        assert all(dollars >= 0 for dollars in book.reserved.values())
        assert all(order.state.is_open for order in book.orders.values())
        assert len({fill.id for fill in self.fills}) == len(self.fills)
        for order in self.last.values():
            parts = [fill for fill in self.fills if fill.order_id == order.id]
            assert sum(fill.qty for fill in parts) == order.filled_qty <= order.qty
            if parts:
                value = sum(fill.qty * fill.price for fill in parts)
                assert math.isclose(order.fill_price or 0.0, value / order.filled_qty)
                self.check_charges(parts, value)
                assert self.costs.volume_share is not None or len(parts) == 1
            assert (order.state is OrderState.FILLED) == (order.filled_qty == order.qty)

    def check_charges(self, parts: list[Fill], value: float) -> None:
        """An order pays the commission on all of it, and its fees; a sale that brings less, no more than it can."""
        qty, charged = sum(fill.qty for fill in parts), sum(fill.commission for fill in parts)
        fees = sum(self.costs.fees(fill.side, fill.qty, fill.price) for fill in parts)
        due = self.costs.commission(qty, value / qty) + fees
        is_capped = parts[0].side == "sell" and charged < due
        assert is_capped or math.isclose(charged, due, abs_tol=1e-9)
        assert all(fill.commission >= 0 for fill in parts)


@settings(max_examples=300, deadline=None)
@given(st.data(), st.sampled_from([COSTS, SHARED, EVERY, HEAVY]))
def test_an_account_never_breaks_its_own_books(data: st.DataObject, costs: Costs) -> None:
    life = Life(costs)
    seen = dict.fromkeys(SYMBOLS, 100.0)
    for number in range(1, data.draw(st.integers(1, 6))):
        for _ in range(data.draw(st.integers(0, 6))):
            _ask(life, data, number, seen)
        volumes = dict.fromkeys(SYMBOLS, data.draw(st.one_of(st.integers(0, 400).map(float), st.just(1e6))))
        bars = [
            daily_bar(symbol, number, *data.draw(candles()), volume=volume)
            for symbol, volume in volumes.items()
        ]
        fills = life.take(match_bars(life.book, bars, costs))
        for fill in fills:
            assert _inside(fill, next(bar for bar in bars if bar.symbol == fill.symbol), costs)
        for symbol, volume in volumes.items():
            filled = sum(fill.qty for fill in fills if fill.symbol == symbol)
            assert costs.volume_share is None or filled <= 0.1 * volume + 1e-6
        life.take(expire(life.book, closes(number)))
        waiting = [order for order in life.book.orders.values() if order.type == "market"]
        assert all(o.time_in_force == "gtc" or o.submitted_at >= closes(number) for o in waiting)
        seen = {bar.symbol: bar.close for bar in bars}


def _ask(life: Life, data: st.DataObject, number: int, seen: dict[str, float]) -> None:
    """One request before the session `number`, or at its open, or while it runs."""
    at = opens(number) + data.draw(st.sampled_from([timedelta(hours=-1), timedelta(0), timedelta(hours=2)]))
    running = session(number) if at >= opens(number) else None
    act = data.draw(st.sampled_from(["submit"] * 4 + ["cancel", "ask_cancel", "replace", "fill"]))
    if act == "submit" or not life.last:
        asked = data.draw(requests)
        asked = fitting(asked) if data.draw(st.booleans()) else asked
        volume = data.draw(st.sampled_from([math.inf, 70.0, 0.0]))
        market = Market(at, running, Quote(asked.symbol, seen[asked.symbol], at), volume, 2)
        room = life.costs.room(volume, 2)
        before, fill = life.used(), data.draw(st.booleans())
        change = submit(life.book, asked, market, life.costs, before, fill=fill)
        assert isinstance(change, Refused) or asked.client_id not in before
        assert sum(fill.qty for fill in life.take(change)) <= room
        return
    order_id = data.draw(st.sampled_from(sorted(life.last)))
    if act == "cancel":
        life.take(cancel(life.book, order_id, at))
    elif act == "ask_cancel":
        life.take(ask_cancel(life.book, order_id, at))
    elif act == "replace":
        client_id, qty = str(data.draw(st.integers(0, 30))), data.draw(st.integers(-1, 100))
        life.take(replace_quantity(life.book, order_id, client_id, qty, at, life.costs, life.used()))
    elif order_id in life.book.orders:
        symbol = life.book.orders[order_id].symbol
        market = Market(at, running, Quote(symbol, seen[symbol], at), 30.0)
        life.take(fill_pending(life.book, order_id, market, life.costs))


def _inside(fill: Fill, bar: Bar, costs: Costs) -> bool:
    return costs.sell_fill(bar.low, 1.0) <= fill.price <= costs.buy_fill(bar.high, 1.0)


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

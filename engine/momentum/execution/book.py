"""An account's book: cash, holdings and open orders, and the arithmetic of a fill.

A Book never changes; what happens to one is made in a Draft and comes back as a Change. Nothing here knows
of clocks, files or market data: a paper account keeps a Book on disk, a backtest in memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType

from momentum.execution.costs import Costs, Filled, Price, at
from momentum.model.market import Quote
from momentum.model.orders import Fill, Order, OrderState
from momentum.model.portfolio import Holding


@dataclass(frozen=True, slots=True)
class Held:
    """Shares of one symbol; `entry_price` is the average of the fills that bought them."""

    qty: int
    entry_price: float


@dataclass(frozen=True, slots=True)
class Book:
    """An account at a moment. Money is dollars.

    `orders` are the open ones, by id, oldest first; `reserved` is the cash set aside for each open buy.
    `series` begins the id of every order and fill: give each account that is ever opened its own.
    """

    cash: float
    series: str = "p"
    holdings: Mapping[str, Held] = field(default_factory=lambda: MappingProxyType({}))
    orders: Mapping[str, Order] = field(default_factory=lambda: MappingProxyType({}))
    reserved: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    next_order: int = 1
    next_fill: int = 1

    def held(self, symbol: str) -> int:
        """Shares of the symbol in the account."""
        holding = self.holdings.get(symbol)
        return holding.qty if holding else 0

    def available(self, symbol: str) -> int:
        """Shares of the symbol that no open sell order holds."""
        return self.held(symbol) - sum(
            order.remaining
            for order in self.orders.values()
            if order.symbol == symbol and order.side == "sell"
        )

    @property
    def buying_power(self) -> float:
        """Cash that no open buy order has set aside."""
        return self.cash - sum(self.reserved.values())


def valued(book: Book, quotes: Mapping[str, Quote]) -> tuple[Holding, ...]:
    """A book's positions in symbol order, at these prices; one whose price nobody knows stands at its entry price."""
    return tuple(
        Holding(
            symbol,
            held.qty,
            held.entry_price,
            quotes[symbol].price if symbol in quotes else held.entry_price,
            book.available(symbol),
        )
        for symbol, held in sorted(book.holdings.items())
    )


@dataclass(frozen=True, slots=True)
class Change:
    """What became of a Book: the new one, each order that changed in its last state, and the fills."""

    book: Book
    orders: tuple[Order, ...] = ()
    fills: tuple[Fill, ...] = ()


class Draft:
    """A Book while it changes. It lives inside one function and ends with `done()`."""

    def __init__(self, book: Book) -> None:
        self.cash = book.cash
        self.holdings = dict(book.holdings)
        self.orders = dict(book.orders)
        self._series = book.series
        self._reserved = dict(book.reserved)
        self._next_order = book.next_order
        self._next_fill = book.next_fill
        self._changed: dict[str, Order] = {}
        self._fills: list[Fill] = []

    def done(self) -> Change:
        """The finished Book, with what changed on the way."""
        book = Book(
            self.cash,
            self._series,
            MappingProxyType(self.holdings),
            MappingProxyType(self.orders),
            MappingProxyType(self._reserved),
            self._next_order,
            self._next_fill,
        )
        return Change(book, tuple(self._changed.values()), tuple(self._fills))

    def new_id(self) -> str:
        """An order id that this account never used."""
        number = self._next_order
        self._next_order += 1
        return f"{self._series}-{number}"

    def put(self, order: Order, reserve: float = 0.0) -> None:
        """Enter an order, with the cash that it sets aside."""
        if reserve:
            self._reserved[order.id] = reserve
        self.update(order)

    def update(self, order: Order) -> None:
        """Enter an order's new state; one that is done leaves the open orders and frees what it held."""
        self._changed[order.id] = order
        if order.state.is_open:
            self.orders[order.id] = order
        else:
            self.orders.pop(order.id, None)
            self._reserved.pop(order.id, None)

    def fill(self, order: Order, qty: int, fill: Price, moment: datetime, costs: Costs) -> None:
        """Execute `qty` of an order's remaining shares at the fill price `fill`; the rest stays open.

        A buy gets the shares that the cash still pays for; the rest of it is cancelled, since a price that
        jumped between order and fill must not take the account into debt. For the same reason a sale is charged
        no more than it brings and the account has.
        """
        before = filled(order)
        got = costs.affordable(qty, fill, self.cash, before) if order.side == "buy" else qty
        price = at(fill, got or qty)
        if got == 0:
            state = OrderState.CANCELED if order.filled_qty else OrderState.REJECTED
            self.update(replace(order, state=state, updated_at=moment, reason=_short(order, price)))
            return
        charged = costs.commission(got, price, before) + costs.fees(order.side, got, price)
        if order.side == "buy":
            # A quotient that is rounded up to a whole number of shares may be a rounding error too many.
            self.cash = max(0.0, self.cash - (got * price + charged))
            self._add(order.symbol, got, price)
            if order.id in self._reserved:
                self._reserved[order.id] = _reserve(self._reserved[order.id], order, got, price, costs)
        else:
            brought = self.cash + got * price
            charged = min(charged, max(0.0, brought))
            self.cash = brought - charged
            self._remove(order.symbol, got)
        fill_id = f"{self._series}-f{self._next_fill}"
        self._next_fill += 1
        self._fills.append(
            Fill(fill_id, order.id, order.client_id, order.symbol, order.side, got, price, moment, charged)
        )
        self.update(
            replace(
                order,
                state=_after(order, got, qty),
                updated_at=moment,
                filled_qty=order.filled_qty + got,
                fill_price=_average(order, got, price),
                reason=order.reason if got == qty else _short(order, price),
            )
        )

    def _add(self, symbol: str, qty: int, price: float) -> None:
        held = self.holdings.get(symbol)
        if held is None:
            self.holdings[symbol] = Held(qty, price)
        else:
            total = held.qty + qty
            self.holdings[symbol] = Held(total, (held.qty * held.entry_price + qty * price) / total)

    def _remove(self, symbol: str, qty: int) -> None:
        held = self.holdings[symbol]
        if held.qty == qty:
            del self.holdings[symbol]
        else:
            self.holdings[symbol] = replace(held, qty=held.qty - qty)


def filled(order: Order) -> Filled:
    """What an order has executed so far."""
    return Filled(order.filled_qty, order.filled_qty * (order.fill_price or 0.0))


def _reserve(reserved: float, order: Order, got: int, price: float, costs: Costs) -> float:
    """The cash that an open buy sets aside for its rest: the rest at the price that it reckoned with."""
    rest, before = order.remaining - got, filled(order)
    if not rest:
        return 0.0
    reckoned = costs.price_of(reserved, order.remaining, before)
    return max(0.0, costs.outlay(rest, reckoned, Filled(before.qty + got, before.value + got * price)))


def _after(order: Order, got: int, qty: int) -> OrderState:
    if got < qty:
        return OrderState.CANCELED
    if got == order.remaining:
        return OrderState.FILLED
    pending = order.state is OrderState.PENDING_CANCEL
    return OrderState.PENDING_CANCEL if pending else OrderState.PARTIALLY_FILLED


def _average(order: Order, got: int, price: float) -> float:
    if order.fill_price is None:
        return price
    return (order.filled_qty * order.fill_price + got * price) / (order.filled_qty + got)


def _short(order: Order, price: float) -> str:
    return f"the cash did not pay for {order.remaining} shares at the fill price {price:.4f}"

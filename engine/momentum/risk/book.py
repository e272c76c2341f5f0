"""What the limits are counted on: the market at a moment, and the account with a plan's orders taken in."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from momentum.model.decision import PlannedOrder
from momentum.model.market import UNCLASSIFIED, Cap, Quote
from momentum.model.orders import Order, OrderState
from momentum.model.portfolio import Portfolio, Position


@dataclass(frozen=True, slots=True)
class MarketState:
    """The market as far as orders depend on it, at the moment `now` (UTC).

    `is_open` is true where an order can fill: at once, or, in a backtest or replay on daily bars, at the next
    open. `quotes` hold the last known price by symbol, `caps` the size class (absent: unclassified).
    `halt` says why buying is halted; None where it is not.
    """

    now: datetime
    is_open: bool
    quotes: Mapping[str, Quote]
    caps: Mapping[str, Cap] = field(default_factory=dict)
    halt: str | None = None

    def cap_of(self, symbol: str) -> Cap:
        """The size class of a symbol."""
        return self.caps.get(symbol, UNCLASSIFIED)

    def price(self, symbol: str) -> float:
        """The last known price in dollars; NaN where there is none."""
        quote = self.quotes.get(symbol)
        return quote.price if quote is not None else math.nan


class Slots(NamedTuple):
    """How many positions are taken, and by what."""

    held: int
    pending: int
    planned: int

    @property
    def taken(self) -> int:
        """All of them; a symbol counts once."""
        return self.held + self.pending + self.planned

    def __str__(self) -> str:
        parts = [f"{self.held} held"]
        parts += [f"{self.pending} pending"] if self.pending else []
        parts += [f"{self.planned} in this plan"] if self.planned else []
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Book:
    """An account with its pending buys and a plan's orders counted as done, in dollars at the prices of `now`.

    `cash` has paid for pending and planned buys and holds the proceeds of planned closes; `exposure` is the
    value of the positions that stay, pending buys and planned buys. `held` are the positions that stay,
    `working` the open orders that are no stops, `planned` the size classes of planned buys, all by symbol.
    `unpriced` are symbols whose value is not known.
    """

    equity: float
    cash: float
    exposure: float
    held: Mapping[str, Position]
    working: Mapping[str, Order]
    pending: Mapping[str, Cap]
    planned: Mapping[str, Cap] = field(default_factory=dict)
    unpriced: tuple[str, ...] = ()

    def slots(self, cap: Cap | None = None) -> Slots:
        """The positions taken, of one size class or (None) of all."""
        held = {symbol: position.cap for symbol, position in self.held.items()}
        pending = {symbol: of for symbol, of in self.pending.items() if symbol not in held}
        planned = {s: of for s, of in self.planned.items() if s not in held and s not in pending}
        groups = (held, pending, planned)
        return Slots(*(sum(cap is None or of == cap for of in group.values()) for group in groups))

    def buys(self, cap: Cap | None = None) -> int:
        """How many buys the plan holds, of one size class or (None) of all."""
        return sum(cap is None or of == cap for of in self.planned.values())

    def with_buy(self, order: PlannedOrder) -> Book:
        """The book after one more planned buy."""
        return replace(
            self,
            cash=self.cash - order.value,
            exposure=self.exposure + order.value,
            planned={**self.planned, order.symbol: order.cap},
        )


def open_book(portfolio: Portfolio, market: MarketState, closes: Iterable[PlannedOrder] = ()) -> Book:
    """The book of a portfolio, with the closes of a plan counted as sold at their prices.

    A pending buy is worth its remaining shares at its limit price, else at the last known one.
    """
    sold = {order.symbol: order.value for order in closes}
    held = {p.symbol: p for p in portfolio.positions if p.qty and p.symbol not in sold}
    buys = [order for order in portfolio.pending_buys if order.remaining]
    values = [(position.symbol, position.value) for position in held.values()]
    pending = [(order.symbol, order.remaining * _price(order, market)) for order in buys]
    return Book(
        equity=portfolio.equity,
        cash=portfolio.cash + sum(sold.values()) - sum(value for _, value in pending),
        exposure=sum(value for _, value in (*values, *pending)),
        held=held,
        working={o.symbol: o for o in sorted(portfolio.open_orders, key=_last_word) if _is_working(o)},
        pending={order.symbol: market.cap_of(order.symbol) for order in buys},
        unpriced=tuple(symbol for symbol, value in (*values, *pending) if not 0 <= value < math.inf),
    )


def _price(order: Order, market: MarketState) -> float:
    return order.limit_price if order.limit_price is not None else market.price(order.symbol)


def gives_way(order: Order) -> bool:
    """True for a sell order that a close takes the place of: one that waits for a price, or that may be lost."""
    return order.side == "sell" and (order.type != "market" or order.state is OrderState.UNKNOWN)


def _last_word(order: Order) -> bool:
    """Of several orders of a symbol the one that counts comes last: one that does not give way."""
    return not gives_way(order)


def _is_working(order: Order) -> bool:
    return order.remaining > 0 and not order.is_stop

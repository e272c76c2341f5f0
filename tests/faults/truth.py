"""The account as it really is, behind all faults: what is there, what arrives, and what people do to it by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from faults.market import SimulatedMarket
from faults.script import Hand
from momentum.execution.book import Change, Held
from momentum.model.orders import Confirmed, Fill, Order, OrderRequest, OrderState, Outcome, Refused
from momentum_plugins.paper.broker import PaperBroker
from momentum_plugins.paper.store import Store

BY_HAND = "hand-"
"""What the client ids of other people's orders begin with."""
_ROUNDING = 1e-9


def words(outcome: Outcome) -> str:
    """An outcome in short, for the trail."""
    if isinstance(outcome, Confirmed):
        order = outcome.order
        return f"confirmed {order.state} {order.filled_qty}/{order.qty}"
    if isinstance(outcome, Refused):
        return f"refused {outcome.kind}"
    return f"unknown ({outcome.message})"


class TrueAccount:
    """A paper account that tells of everything that reaches it. The faulty broker stands before it.

    `arrives` is called with every order of the program just before the account takes it in, `lowered` with a
    stop that is lower than one that the program took away from the same position.
    """

    def __init__(
        self,
        paper: PaperBroker,
        store: Store,
        market: SimulatedMarket,
        tell: Callable[[str], None],
        arrives: Callable[[OrderRequest], None],
        lowered: Callable[[Order, float], None],
    ) -> None:
        self._paper = paper
        self._store = store
        self._market = market
        self._tell = tell
        self._arrives = arrives
        self._tell_lowered = lowered
        self._levels: dict[str, float] = {}
        """The highest level of the stops that the program took away from each position."""
        self.account_id = paper.account_id

    def __getattr__(self, name: str) -> Any:
        return getattr(self._paper, name)

    def advance(self, until: datetime) -> tuple[Fill, ...]:
        """Take it to a moment; what is in flight arrives before, and is told as everything else."""
        moment = self._paper.moment()
        if moment is not None and until > moment:
            for request in self._paper.pending.in_flight():
                self.submit(request)
        fills = self._paper.advance(until)
        for fill in fills:
            self._tell(
                f"    fill {fill.side} {fill.qty} {fill.symbol} at {fill.price:.2f} of {fill.client_id}"
            )
        return fills

    def submit(self, request: OrderRequest, **keywords: Any) -> Outcome:
        """An order reaches the account."""
        is_new = self._paper.find(request.client_id) is None
        if is_new and not request.client_id.startswith(BY_HAND):
            self._arrives(request)
        self._forget_what_is_gone()
        outcome = self._paper.submit(request, **keywords)
        if isinstance(outcome, Confirmed) and outcome.order.is_stop:
            self._lowered(outcome.order)
        what = f"{request.side} {request.qty} {request.symbol} {request.type} {request.client_id}"
        self._tell(f"    arrives: {what}: {words(outcome)}")
        return outcome

    def cancel(self, order_id: str, **keywords: Any) -> Outcome:
        """A cancel reaches the account."""
        self._forget_what_is_gone()
        for order in self.open_orders():
            if order.id == order_id and order.is_stop and order.stop_price is not None:
                known = self._levels.get(order.symbol, 0.0)
                self._levels[order.symbol] = max(known, order.stop_price)
        outcome = self._paper.cancel(order_id, **keywords)
        self._tell(f"    arrives: cancel {order_id}: {words(outcome)}")
        return outcome

    def replace(self, order_id: str, client_id: str, qty: int) -> Outcome:
        """A change reaches the account."""
        outcome = self._paper.replace(order_id, client_id, qty)
        self._tell(f"    arrives: replace {order_id} by {qty} {client_id}: {words(outcome)}")
        return outcome

    def _forget_what_is_gone(self) -> None:
        shares = self.shares()
        self._levels = {symbol: level for symbol, level in self._levels.items() if symbol in shares}

    def _lowered(self, order: Order) -> None:
        level = self._levels.pop(order.symbol, 0.0)
        price = self.price(order.symbol)
        if order.stop_price is not None and order.stop_price < level * (1 - _ROUNDING) and level < price:
            self._tell_lowered(order, level)

    # -- what the oracle reads --------------------------------------------------------------------------

    def shares(self) -> dict[str, int]:
        """Shares held, by symbol."""
        return {holding.symbol: holding.qty for holding in self._paper.holdings()}

    def open_orders(self) -> tuple[Order, ...]:
        """The open orders."""
        return self._paper.orders()

    def price(self, symbol: str) -> float:
        """The last price of a symbol; not a number where there is none."""
        moment = self._paper.moment()
        known = self._market.quotes((symbol,), moment) if moment else {}
        return known[symbol].price if symbol in known else float("nan")

    # -- what people do by hand -------------------------------------------------------------------------

    def by_hand(self, hand: Hand, number: int) -> str:
        """Do it; returns what came of it. Nothing comes of what the account refuses."""
        if self._paper.moment() is None:
            return "the account has not begun"
        self._levels.pop(hand.symbol, None)
        symbol, id = hand.symbol, f"{BY_HAND}{number}-{hand.kind.replace(' ', '-')}"
        held = self.shares().get(symbol, 0)
        some = max(1, round(held * hand.part))
        price = self.price(symbol)
        if hand.kind == "sells" and held:
            self._cancel(symbol)
            return words(self._paper.submit(OrderRequest(id, symbol, "sell", "market", some)))
        if hand.kind == "offers" and held:
            self._cancel(symbol)
            limit = OrderRequest(
                id, symbol, "sell", "limit", some, limit_price=price * 1.02, time_in_force="gtc"
            )
            return words(self._paper.submit(limit))
        if hand.kind == "cancels the stop" and held:
            self._cancel(symbol)
            return "done"
        if hand.kind in ("buys", "bids") and price > 0:
            qty = max(1, int(self._paper.account().buying_power * 0.1 * hand.part / price))
            if hand.kind == "buys":
                return words(self._paper.submit(OrderRequest(id, symbol, "buy", "market", qty)))
            bid = OrderRequest(id, symbol, "buy", "limit", qty, limit_price=price * 0.98, time_in_force="gtc")
            return words(self._paper.submit(bid))
        return "nothing is held"

    def withdraw_by_hand(self) -> None:
        """Other people's orders are cancelled by them."""
        for order in self.open_orders():
            if order.client_id.startswith(BY_HAND):
                self._paper.cancel(order.id)

    def split(self, symbol: str, *, orders_stay: bool) -> str:
        """Two shares for one. The orders over them are changed too, or cancelled: brokers do either."""
        self._levels.pop(symbol, None)
        with self._store.writing():
            kept = self._store.load(self.account_id)
            if kept is None or kept.moment is None or symbol not in kept.book.holdings:
                return "nothing is held"
            held = kept.book.holdings[symbol]
            holdings = {**kept.book.holdings, symbol: Held(held.qty * 2, held.entry_price / 2)}
            touched = [order for order in kept.book.orders.values() if order.symbol == symbol]
            changed = [_split(order) if orders_stay else _cancelled(order, kept.moment) for order in touched]
            orders = dict(kept.book.orders)
            reserved = dict(kept.book.reserved)
            for order in changed:
                if order.state.is_open:
                    orders[order.id] = order
                else:
                    del orders[order.id]
                    reserved.pop(order.id, None)
            book = replace(kept.book, holdings=holdings, orders=orders, reserved=reserved)
            self._store.save(self.account_id, Change(book, tuple(changed)), kept.moment)
        became = "changed" if orders_stay else "cancelled"
        return f"{held.qty} shares are {held.qty * 2}, {len(changed)} orders {became}"

    def _cancel(self, symbol: str) -> None:
        for order in self.open_orders():
            if order.symbol == symbol and order.side == "sell":
                self._paper.cancel(order.id)


def _cancelled(order: Order, at: datetime) -> Order:
    return replace(order, state=OrderState.CANCELED, updated_at=at)


def _split(order: Order) -> Order:
    halves = {
        name: value / 2
        for name in ("limit_price", "stop_price", "hwm", "fill_price")
        if (value := getattr(order, name)) is not None
    }
    return replace(order, qty=order.qty * 2, filled_qty=order.filled_qty * 2, **halves)

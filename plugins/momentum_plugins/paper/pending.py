"""What is on its way to a paper account: orders, cancels and fills that have not arrived, shares not free yet.

It is kept in the account's own rows, so that a process that dies leaves it to the next one: an order in
flight in the state `in_flight`, a cancel as `pending_cancel`, a fill as a market order that is `new` inside a
session, shares not free yet in the cancelled order's `reserved`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from momentum.execution import acceptance
from momentum.execution.acceptance import Market
from momentum.execution.book import Book, Change
from momentum.execution.costs import Costs
from momentum.model.orders import Fill, Order, OrderRequest, OrderState, RefusalKind, Refused
from momentum_plugins.paper.store import Kept, Store

Still = Callable[[str], bool]
"""Told the name of a fault: True where what it holds back is still on its way."""


class Pending:
    """The things on their way to one account. `market` tells the market of a symbol at a moment."""

    def __init__(
        self, store: Store, account_id: str, costs: Costs, market: Callable[[str, datetime], Market]
    ) -> None:
        self._store = store
        self._account_id = account_id
        self._costs = costs
        self._market = market

    def __bool__(self) -> bool:
        """True where anything is on its way."""
        with self._store.reading() as ready:
            return ready and (
                any(_is_pending(order) for order in self._store.orders(self._account_id, open_only=True))
                or bool(self._store.lagging(self._account_id))
                or bool(self._store.in_flight(self._account_id))
            )

    def in_flight(self) -> tuple[OrderRequest, ...]:
        """The orders that were sent and have not arrived, oldest first. To submit one is to let it arrive."""
        return self._store.in_flight(self._account_id)

    def delay(self, request: OrderRequest) -> None:
        """Keep an order in flight, unless the account has it already or has not begun."""
        with self._store.writing():
            kept = self._store.load(self._account_id)
            if kept is None or kept.moment is None:
                return
            if self._store.find(self._account_id, request.client_id) is None:
                self._store.launch(self._account_id, request, kept.moment)

    def land(self, client_id: str) -> None:
        """Forget an order in flight that was refused on arrival."""
        with self._store.writing():
            self._store.land(self._account_id, client_id)

    def settle(self, still: Still) -> None:
        """Let cancels, fills and freed shares arrive, but for those of which the fault is `still` there."""
        if self:
            with self._store.writing():
                kept = self._store.load(self._account_id)
                if kept is not None:
                    self.arrive(kept, still)

    def arrive(self, kept: Kept, still: Still) -> tuple[Book, tuple[Fill, ...]]:
        """The same inside a transaction of the caller's; the book that comes of it, and the fills."""
        for order_id in self._store.lagging(self._account_id):
            if not still("held_after_cancel"):
                self._store.set_lag(self._account_id, order_id, 0)
        at, book = kept.moment, kept.book
        fills: tuple[Fill, ...] = ()
        if at is None:
            return book, fills
        for order in tuple(filter(_is_pending, book.orders.values())):
            if order.type == "market" and not still("pending_fills"):
                market = self._market(order.symbol, at)
                change = acceptance.fill_pending(book, order.id, market, self._costs)
                self._store.save(self._account_id, change, at)
                book, fills = change.book, (*fills, *change.fills)
            left = book.orders.get(order.id)
            if left is not None and left.state is OrderState.PENDING_CANCEL and not still("pending_cancels"):
                book = self.end(book, left, at, still).book
        return book, fills

    def lags(self, book: Book, symbol: str, more: int) -> Refused | None:
        """Refuse to put `more` shares under a sale where a cancelled one is told as holding them still."""
        held = {
            order_id: shares
            for order_id, (of, shares) in self._store.lagging(self._account_id).items()
            if of == symbol
        }
        free = max(0, book.available(symbol) - sum(held.values()))
        if not held or not free < more <= book.available(symbol):
            return None
        message = f"insufficient qty available for {symbol} (requested: {more}, available: {free}, held by "
        return Refused(RefusalKind.INSUFFICIENT_SHARES, f"{message}{', '.join(held)})")

    def lagging(self, symbol: str) -> int:
        """Shares of a symbol that are free and told as held."""
        return sum(shares for of, shares in self._store.lagging(self._account_id).values() if of == symbol)

    def end(self, book: Book, order: Order, at: datetime, still: Still) -> Change:
        """Do what a cancel asked for, inside a transaction; a sale's shares may be told as held for a while."""
        change = acceptance.cancelled(book, order, at)
        self._store.save(self._account_id, change, at)
        if order.side == "sell" and still("held_after_cancel"):
            self._store.set_lag(self._account_id, order.id, order.remaining)
        return change


def _is_pending(order: Order) -> bool:
    if order.state is OrderState.PENDING_CANCEL:
        return True
    return order.type == "market" and order.state is OrderState.NEW

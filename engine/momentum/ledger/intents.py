"""Order intents: every order, written down before it is sent, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from momentum.errors import LedgerError
from momentum.ledger import tables as t
from momentum.ledger.book import Book
from momentum.ledger.rows import INTENDED, LOST, REFUSED, UNKNOWN, Intent
from momentum.model.orders import Confirmed, Order, OrderRequest, OrderState, Outcome, Refused

_REQUEST = tuple(field.name for field in fields(OrderRequest))
_PLAIN = (
    "account strategy scan_id reason context intended_at status order_id updated_at filled_qty fill_price "
    "error_kind error"
).split()
FINAL = [state.value for state in OrderState if not state.is_open]
"""The states that an order does not leave."""
_UNANSWERED = (INTENDED, UNKNOWN)


class Intents(Book):
    """The part of the ledger that makes sure that no order is lost or doubled."""

    def next_seq(self, prefix: str) -> int:
        """The next free number for client order ids `PREFIX-1`, `PREFIX-2`, ...; `prefix` may end in the dash."""
        stem = prefix.removesuffix("-") + "-"
        query = t.OrderIntent.select(t.OrderIntent.client_id)
        rows = self._db.rows(query.where(t.OrderIntent.client_id.startswith(stem)))
        numbers = [row["client_id"].removeprefix(stem) for row in rows]
        return max((int(number) for number in numbers if number.isdecimal()), default=0) + 1

    def write_intent(
        self,
        request: OrderRequest,
        *,
        account: str,
        scan_id: str | None,
        reason: str,
        context: Mapping[str, object],
        at: datetime | None = None,
        strategy: str | None = None,
    ) -> None:
        """Write down an order, committed to the disk when this returns; only then may it be sent.

        `context` is what was known at the decision, as flat names: what the trade's columns are called, or
        the strategy's own (see `entry.py`); for a close `closed_by_reversal`, `reversal_score` and
        `reversal_signals` (points by name), which alone say whether it was a reversal's. `at` and `strategy`
        are the scan's where they are not given.
        Raises LedgerError where the client id is taken; inside a transaction RuntimeError, since the intent
        could still be rolled back after the order went out.
        """
        if self._db.in_transaction:
            raise RuntimeError("an intent must be committed before its order is sent: not in a transaction")
        with self._db.transaction():
            if self.intent(request.client_id) is not None:
                raise LedgerError(f"{self._db.name}: order {request.client_id} is written down already")
            row: dict[str, Any] = {name: getattr(request, name) for name in _REQUEST}
            row |= {"account": account, "scan_id": scan_id, "reason": reason}
            row |= {"context": dict(context), "status": INTENDED}
            scan = self._scan(scan_id)
            row["intended_at"] = at or scan.get("now")
            row["strategy"] = strategy or scan.get("strategy")
            self._db.run(t.OrderIntent.insert(row))

    def record_outcome(self, client_id: str, outcome: Outcome) -> None:
        """Record what the broker answered. What it once confirmed is not undone by a later refusal or silence."""
        if isinstance(outcome, Confirmed):
            self._record(client_id, outcome.order)
            return
        change: dict[str, Any] = {"status": UNKNOWN, "error": outcome.message}
        if isinstance(outcome, Refused):
            change = {"status": REFUSED, "error": outcome.message, "error_kind": outcome.kind.value}
        known = (t.OrderIntent.client_id == client_id) & t.OrderIntent.status.in_(_UNANSWERED)
        self._db.run(t.OrderIntent.update(change).where(known))

    def record_order(self, order: Order) -> bool:
        """Record the state, filled quantity and price of an order as the broker has them.

        False where the ledger knows no such order. An order that has ended does not open again, whatever
        older news arrives late; a filled quantity does not shrink.
        """
        return self._record(order.client_id, order)

    def record_lost(self, client_id: str) -> None:
        """Record that an order never reached the broker, who does not know it; should it turn up after all,
        what the broker then says holds."""
        known = (t.OrderIntent.client_id == client_id) & t.OrderIntent.status.not_in(FINAL)
        self._db.run(t.OrderIntent.update(status=LOST, error="the broker does not know it").where(known))

    def record_unsent(self, client_id: str, why: str) -> None:
        """Record that an order was given up before it was sent."""
        known = (t.OrderIntent.client_id == client_id) & (t.OrderIntent.status == INTENDED)
        self._db.run(t.OrderIntent.update(status=LOST, error=f"not sent: {why}").where(known))

    def open_intents(self, account: str) -> tuple[Intent, ...]:
        """Orders that may still fill, or of which the outcome is not known; oldest first."""
        return self._select(
            (t.OrderIntent.account == account) & t.OrderIntent.status.not_in([REFUSED, LOST, *FINAL])
        )

    def intent(self, client_id: str) -> Intent | None:
        """The order with that client id, or None."""
        found = self._select(t.OrderIntent.client_id == client_id)
        return found[0] if found else None

    def intents(
        self, *, scan_id: str | None = None, symbol: str | None = None, account: str | None = None
    ) -> tuple[Intent, ...]:
        """Orders that match all that is given, oldest first."""
        wanted = t.OrderIntent.id.is_null(False)
        if scan_id is not None:
            wanted &= t.OrderIntent.scan_id == scan_id
        if symbol is not None:
            wanted &= t.OrderIntent.symbol == symbol
        if account is not None:
            wanted &= t.OrderIntent.account == account
        return self._select(wanted)

    def _record(self, client_id: str, order: Order) -> bool:
        with self._db.transaction():
            known = self.intent(client_id)
            if known is None:
                return False
            change: dict[str, Any] = {"order_id": order.id, "updated_at": order.updated_at}
            if order.filled_qty >= known.filled_qty:
                change |= {"filled_qty": order.filled_qty, "fill_price": order.fill_price}
            if not _is_old_news(order, known):
                change |= {"status": order.state.value, "error": order.reason or None, "error_kind": None}
            self._db.run(t.OrderIntent.update(change).where(t.OrderIntent.client_id == client_id))
        return True

    def _scan(self, scan_id: str | None) -> dict[str, Any]:
        query = t.Scan.select(t.Scan.strategy, t.Scan.now).where(t.Scan.scan_id == scan_id)
        return (self._db.first(query) if scan_id is not None else None) or {}

    def _select(self, wanted: Any) -> tuple[Intent, ...]:
        query = t.OrderIntent.select().where(wanted).order_by(t.OrderIntent.id)
        return tuple(_intent(row) for row in self._db.rows(query))


def _is_old_news(order: Order, known: Intent) -> bool:
    if known.updated_at is not None and order.updated_at < known.updated_at:
        return True
    return known.status in FINAL and order.state.is_open


def _intent(row: Mapping[str, Any]) -> Intent:
    request = OrderRequest(**{name: row[name] for name in _REQUEST})
    return Intent(request=request, **{name: row[name] for name in _PLAIN})

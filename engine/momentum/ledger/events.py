"""Events, and one outbox row for each notifier that shall tell them, so that none is lost.

Each event reaches each notifier in order and at least once, whatever dies in between: what is undelivered is
told, and only then settled. Where the process dies before it can settle, the event is told again; its stable id
lets the receiving side recognise that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from momentum.ledger import tables as t
from momentum.ledger.book import Book
from momentum.ledger.rows import Delivery
from momentum.model.events import Event

_EVENT = tuple(field.name for field in fields(Event) if field.name != "id")
_PENDING, _DELIVERED = "pending", "delivered"


class Events(Book):
    """The part of the ledger that remembers what happened, and who has not been told yet."""

    def record_event(self, event: Event, notifiers: Sequence[str], *, account: str | None) -> bool:
        """Record an event and put it into the outbox of each notifier; together, or not at all.

        False where an event of that id was recorded before: nothing changes, nobody is told twice.
        `account` is the one that it belongs to and is forgotten with, None where it is about no account.
        """
        with self._db.transaction():
            if self._db.first(t.Event.select(t.Event.id).where(t.Event.event_id == event.id)):
                return False
            row = {name: getattr(event, name) for name in _EVENT}
            self._db.run(t.Event.insert(row | {"event_id": event.id, "account": account}))
            for notifier in dict.fromkeys(notifiers):
                self._db.run(t.Outbox.insert(event=event.id, notifier=notifier, state=_PENDING))
        return True

    def events(self, *, account: str | None = None, since: datetime | None = None) -> tuple[Event, ...]:
        """What happened (to that account, from that moment on), in the order in which it was recorded."""
        query = t.Event.select().order_by(t.Event.id)
        if account is not None:
            query = query.where(t.Event.account == account)
        if since is not None:
            query = query.where(t.Event.at >= since)
        return tuple(_event(row) for row in self._db.rows(query))

    def undelivered(self, notifier: str, limit: int) -> tuple[Delivery, ...]:
        """The oldest events that the notifier has not told yet, in order."""
        query = (
            t.Event.select(t.Event, t.Outbox.attempts, t.Outbox.error)
            .join(t.Outbox)
            .where(t.Outbox.notifier == notifier, t.Outbox.state == _PENDING)
            .order_by(t.Outbox.id)
            .limit(limit)
        )
        return tuple(
            Delivery(_event(row), notifier, row["attempts"], row["error"]) for row in self._db.rows(query)
        )

    def settle_delivery(self, notifier: str, event_id: str, error: str | None) -> None:
        """Note an attempt to tell an event: delivered where `error` is None, else it stays in the outbox."""
        change: dict[str, Any] = {"attempts": t.Outbox.attempts + 1, "error": error}
        if error is None:
            change["state"] = _DELIVERED
        one = (t.Outbox.notifier == notifier) & (t.Outbox.event == event_id) & (t.Outbox.state == _PENDING)
        self._db.run(t.Outbox.update(change).where(one))


def _event(row: Mapping[str, Any]) -> Event:
    return Event(id=row["event_id"], **{name: row[name] for name in _EVENT})

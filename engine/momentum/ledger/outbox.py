"""The outbox: each event reaches each notifier in order and at least once, whatever dies in between.

A notifier's worker takes what is `pending`, tells it, and only then says `delivered`. If it dies before it can
say so, the event is told again; its stable id lets the receiving side recognise that.
"""

from __future__ import annotations

from momentum.ledger.rows import Delivery
from momentum.ledger.store import Ledger


def pending(ledger: Ledger, notifier: str, limit: int = 50) -> tuple[Delivery, ...]:
    """What the notifier has yet to tell, oldest first; what failed before is among it, with its last error."""
    return ledger.undelivered(notifier, limit)


def delivered(ledger: Ledger, delivery: Delivery) -> None:
    """Note that the notifier told the event."""
    ledger.settle_delivery(delivery.notifier, delivery.event.id, error=None)


def failed(ledger: Ledger, delivery: Delivery, error: str) -> None:
    """Note that telling failed and why (one line); the event stays pending."""
    ledger.settle_delivery(delivery.notifier, delivery.event.id, error=error)

"""Sending an order: intent first, then the broker, then what became of it. Nothing is ever sent twice blind."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from momentum.errors import BrokerError
from momentum.execution import ids, points
from momentum.execution.trading import Trading
from momentum.model.orders import Confirmed, Order, OrderRequest, Outcome, RefusalKind, Refused, Unknown

_LOOKUPS = 3
_SKEW = timedelta(minutes=2)
"""How far the broker's clock may be behind ours."""


def send(
    trading: Trading,
    request: OrderRequest,
    kind: str,
    reason: str,
    context: Mapping[str, object] | None = None,
) -> tuple[OrderRequest, Outcome]:
    """Write the intent of an order, send it, and record the outcome; return the request as it was sent.

    `kind` (buy, sell, stop) goes into the client id, which this sets. An unknown outcome is looked up by
    that id; where the broker does not know it after all, it stays Unknown and is left to reconciliation.
    Raises `LedgerError` where the intent cannot be written: then nothing was sent.
    """
    written = write_down(trading, request, kind, reason, context)
    return hand_over_new(trading, written, kind, reason, context)


def hand_over_new(
    trading: Trading,
    request: OrderRequest,
    kind: str,
    reason: str,
    context: Mapping[str, object] | None = None,
) -> tuple[OrderRequest, Outcome]:
    """Send an order whose intent was just written, and return the request as it was sent.

    A ledger that was put back from a backup does not know the ids used since, and the broker refuses those: then
    the order is written down once more, under an id that the broker does not know.
    """
    outcome = hand_over(trading, request)
    if isinstance(outcome, Refused) and outcome.kind is RefusalKind.DUPLICATE_ID:
        request = write_down(trading, request, kind, reason, context, unknown_to_broker=True)
        outcome = hand_over(trading, request)
    return request, outcome


def write_down(
    trading: Trading,
    request: OrderRequest,
    kind: str,
    reason: str,
    context: Mapping[str, object] | None = None,
    *,
    unknown_to_broker: bool = False,
) -> OrderRequest:
    """Write the intent of an order under a client id of its own, and return the request with that id."""
    client_id = next_id(trading, request.symbol, kind, unknown_to_broker=unknown_to_broker)
    request = replace(request, client_id=client_id)
    trading.ledger.write_intent(
        request,
        account=trading.account,
        scan_id=trading.scan_id,
        reason=reason,
        context=context or {},
        at=trading.now,
        strategy=trading.strategy,
    )
    points.reach("send.intent")
    return request


def hand_over(trading: Trading, request: OrderRequest, since: datetime | None = None) -> Outcome:
    """Send an order whose intent is written, and record what became of it.

    The same request may be handed over again where its outcome is unknown: the broker takes a client id once.
    `since` is when its intent was written, where that was not just now.
    """
    outcome = trading.broker.submit(request)
    points.reach("send.answer")
    return _recorded(trading, request, outcome, since)


def resize(trading: Trading, order: Order, qty: int, reason: str) -> Outcome:
    """Change an open order's quantity, under an intent of its own; an unknown outcome is looked up as in `send`."""
    wanted = OrderRequest(
        client_id="",
        symbol=order.symbol,
        side=order.side,
        type=order.type,
        qty=qty,
        trail=order.trail,
        time_in_force=order.time_in_force,
    )
    for is_again in (False, True):  # an id that only the broker knows is passed over, as in `hand_over_new`
        request = write_down(trading, wanted, "stop", reason, unknown_to_broker=is_again)
        outcome = trading.broker.replace(order.id, request.client_id, qty)
        points.reach("send.answer")
        outcome = _recorded(trading, request, outcome)
        if not isinstance(outcome, Refused) or outcome.kind is not RefusalKind.DUPLICATE_ID:
            break
    with suppress(BrokerError):  # the old order has ended by the change
        if isinstance(outcome, Confirmed) and (old := trading.broker.find(order.client_id)) is not None:
            trading.ledger.record_order(old)
    return outcome


def next_id(trading: Trading, symbol: str, kind: str, *, unknown_to_broker: bool = False) -> str:
    """A client order id that this ledger never used before, nor, where that is asked for, the broker."""
    start = ids.prefix(trading.name, trading.strategy, trading.session, trading.slot, symbol, kind)
    number = trading.ledger.next_seq(start)
    while unknown_to_broker and trading.broker.find(f"{start}{number}") is not None:
        number += 1
    return f"{start}{number}"


def look_up(trading: Trading, client_id: str) -> Order | None:
    """Find an order whose outcome is unknown; not being found at once is no proof, so look more than once.

    Raises `BrokerError` where the broker did not answer once: that is no proof at all.
    """
    silence: BrokerError | None = None
    answered = False
    for attempt in range(_LOOKUPS):
        if attempt:
            trading.sleep(trading.patience.poll.total_seconds())
        try:
            found = trading.broker.find(client_id)
        except BrokerError as error:
            silence = error
            continue
        if found is not None:
            return found
        answered = True
    if silence is not None and not answered:
        raise silence
    return None


def _recorded(
    trading: Trading, request: OrderRequest, outcome: Outcome, since: datetime | None = None
) -> Outcome:
    outcome = _resolved(trading, request, outcome, since or trading.now)
    trading.ledger.record_outcome(request.client_id, outcome)
    points.reach("send.outcome")
    return outcome


def _resolved(trading: Trading, request: OrderRequest, outcome: Outcome, since: datetime) -> Outcome:
    """What became of an order, where the answer alone does not tell.

    A broker that refuses a client id as taken may mean this very order: a client library sends again what was
    not answered.
    """
    if isinstance(outcome, Confirmed):
        return outcome
    is_taken = isinstance(outcome, Refused) and outcome.kind is RefusalKind.DUPLICATE_ID
    if isinstance(outcome, Refused) and not is_taken:
        return outcome
    try:
        found = look_up(trading, request.client_id)
    except BrokerError as error:
        return Unknown(f"{outcome.message}; {error}")
    if found is None or (is_taken and not _is_of(found, request, since)):
        return outcome
    return Confirmed(found)


def _is_of(order: Order, request: OrderRequest, since: datetime) -> bool:
    """Whether an order is what was asked for, and no older one of the same id."""
    same = ("symbol", "side", "type", "qty")
    is_alike = all(getattr(order, name) == getattr(request, name) for name in same)
    return is_alike and max(order.submitted_at, order.updated_at) >= since - _SKEW

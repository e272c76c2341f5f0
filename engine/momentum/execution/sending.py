"""Sending an order: intent first, then the broker, then what became of it. Nothing is ever sent twice blind."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from momentum.errors import BrokerError
from momentum.execution import ids, points
from momentum.execution.trading import Trading
from momentum.model.orders import Confirmed, Order, OrderRequest, Outcome, RefusalKind, Refused, Unknown

_LOOKUPS = 3
_FRESH_IDS = 3
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
    # A ledger that was put back from a backup does not know the ids used since, and the broker refuses those.
    for _ in range(_FRESH_IDS):
        request = write_down(trading, request, kind, reason, context)
        outcome = hand_over(trading, request)
        if not isinstance(outcome, Refused) or outcome.kind is not RefusalKind.DUPLICATE_ID:
            break
    return request, outcome


def write_down(
    trading: Trading,
    request: OrderRequest,
    kind: str,
    reason: str,
    context: Mapping[str, object] | None = None,
) -> OrderRequest:
    """Write the intent of an order under a client id of its own, and return the request with that id."""
    request = replace(request, client_id=next_id(trading, request.symbol, kind))
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


def hand_over(trading: Trading, request: OrderRequest) -> Outcome:
    """Send an order whose intent is written, and record what became of it.

    The same request may be handed over again where its outcome is unknown: the broker takes a client id once.
    """
    outcome = trading.broker.submit(request)
    points.reach("send.answer")
    return _recorded(trading, request, outcome)


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
    request = write_down(trading, wanted, "stop", reason)
    outcome = trading.broker.replace(order.id, request.client_id, qty)
    points.reach("send.answer")
    outcome = _recorded(trading, request, outcome)
    with suppress(BrokerError):  # the old order has ended by the change
        if isinstance(outcome, Confirmed) and (old := trading.broker.find(order.client_id)) is not None:
            trading.ledger.record_order(old)
    return outcome


def next_id(trading: Trading, symbol: str, kind: str) -> str:
    """A client order id that this ledger never used before."""
    start = ids.prefix(trading.name, trading.strategy, trading.session, trading.slot, symbol, kind)
    return f"{start}{trading.ledger.next_seq(start)}"


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


def _recorded(trading: Trading, request: OrderRequest, outcome: Outcome) -> Outcome:
    outcome = _resolved(trading, request, outcome)
    trading.ledger.record_outcome(request.client_id, outcome)
    points.reach("send.outcome")
    return outcome


def _resolved(trading: Trading, request: OrderRequest, outcome: Outcome) -> Outcome:
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
    if found is None or (is_taken and not _is_of(trading, found, request)):
        return outcome
    return Confirmed(found)


def _is_of(trading: Trading, order: Order, request: OrderRequest) -> bool:
    """Whether an order is what was just asked for, and no older one of the same id."""
    same = ("symbol", "side", "type", "qty")
    return (
        all(getattr(order, name) == getattr(request, name) for name in same)
        and order.submitted_at >= trading.now - _SKEW
    )

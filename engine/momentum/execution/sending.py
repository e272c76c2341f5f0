"""Sending an order: intent first, then the broker, then what became of it. Nothing is ever sent twice blind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from momentum.errors import BrokerError
from momentum.execution import ids
from momentum.execution.trading import Trading
from momentum.model.orders import Confirmed, Fill, Order, OrderRequest, Outcome, Unknown

_LOOKUPS = 3
_LATE = timedelta(days=1)
"""How far before the last known fill another may still turn up: a broker may tell fills late and out of order."""


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
    """
    request = replace(request, client_id=next_id(trading, request.symbol, kind))
    trading.ledger.write_intent(
        request, account=trading.account, scan_id=trading.scan_id, reason=reason, context=context or {}
    )
    outcome = trading.broker.submit(request)
    if isinstance(outcome, Unknown):
        outcome = _resolved(trading, request.client_id, outcome)
    trading.ledger.record_outcome(request.client_id, outcome)
    return request, outcome


def resize(trading: Trading, order: Order, qty: int, reason: str) -> Outcome:
    """Change an open order's quantity, under an intent of its own; an unknown outcome is looked up as in `send`."""
    request = OrderRequest(
        client_id=next_id(trading, order.symbol, "stop"),
        symbol=order.symbol,
        side=order.side,
        type=order.type,
        qty=qty,
        trail=order.trail,
        time_in_force=order.time_in_force,
    )
    trading.ledger.write_intent(
        request, account=trading.account, scan_id=trading.scan_id, reason=reason, context={}
    )
    outcome = trading.broker.replace(order.id, request.client_id, qty)
    if isinstance(outcome, Unknown):
        outcome = _resolved(trading, request.client_id, outcome)
    trading.ledger.record_outcome(request.client_id, outcome)
    return outcome


def next_id(trading: Trading, symbol: str, kind: str) -> str:
    """A client order id that was never used before."""
    start = ids.prefix(trading.name, trading.strategy, trading.session, trading.slot, symbol, kind)
    return f"{start}{trading.ledger.next_seq(start)}"


def follow(trading: Trading, client_id: str) -> Order | None:
    """Wait until an order is done; cancel what is left of it when patience ends. Fills are recorded.

    Returns the order as the broker last told it, which may still be open; None where it cannot be read.
    """
    order = _until_done(trading, client_id, trading.patience.fill)
    if order is not None and order.state.is_open:
        trading.broker.cancel(order.id)
        order = _until_done(trading, client_id, trading.patience.free_shares)
    if order is not None:
        trading.ledger.record_order(order)
    record_fills(trading)
    return order


def record_fills(trading: Trading) -> tuple[Fill, ...]:
    """Bring the broker's fills into the ledger and return the new ones; one that is there changes nothing."""
    known = trading.ledger.last_fill(trading.account)
    told = trading.broker.fills(None if known is None else known - _LATE)
    return tuple(fill for fill in told if trading.ledger.record_fill(trading.account, fill))


def _until_done(trading: Trading, client_id: str, patience: timedelta) -> Order | None:
    order: Order | None = None
    for _ in range(1 + int(patience / trading.patience.poll)):
        try:
            order = trading.broker.find(client_id)
        except BrokerError:
            order = None
        if order is not None and not order.state.is_open:
            break
        trading.sleep(trading.patience.poll.total_seconds())
    return order


def _resolved(trading: Trading, client_id: str, outcome: Unknown) -> Outcome:
    """What became of an order that was not answered, where the broker tells."""
    try:
        found = look_up(trading, client_id)
    except BrokerError:
        return outcome
    return Confirmed(found) if found is not None else outcome


def look_up(trading: Trading, client_id: str) -> Order | None:
    """Find an order whose outcome is unknown; not being found at once is no proof, so look more than once.

    Raises `BrokerError` where the broker did not answer once: that is no proof at all.
    """
    silence: BrokerError | None = None
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
        silence = None
    if silence is not None:
        raise silence
    return None

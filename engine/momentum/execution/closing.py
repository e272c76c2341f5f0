"""Closing a position: free its shares from the stop, sell, and put a stop back over what was not sold."""

from __future__ import annotations

from momentum.execution import points
from momentum.execution.following import follow, record_fills
from momentum.execution.outcomes import ended, followed
from momentum.execution.sending import hand_over, hand_over_new, look_up, write_down
from momentum.execution.shares import holding, release
from momentum.execution.stops import cover
from momentum.execution.trading import Trading
from momentum.ledger.rows import INTENDED, UNKNOWN, Intent
from momentum.model.decision import Execution, ExecutionStatus, PlannedOrder
from momentum.model.orders import Confirmed, OrderRequest, Outcome, Refused
from momentum.model.portfolio import Holding


def close_position(trading: Trading, order: PlannedOrder) -> Execution:
    """Sell a whole position at the market.

    The sale's intent is written first, so that a ledger that fails leaves the stop where it is. Then the open
    sell orders are cancelled, and the sale waits until the broker says that the shares are free: a cancel is
    a request, and until it is done the broker refuses the sale. Whatever is not sold has its stop again, or
    an alarm, when this returns.
    """
    status: ExecutionStatus = "unknown"
    try:
        done = _sold(trading, order)
        status = done.status
        points.reach("close.sold")
        return done
    finally:
        if status not in ("filled", "dropped"):
            cover(trading, order.symbol)


def _sold(trading: Trading, order: PlannedOrder) -> Execution:
    held = holding(trading, order.symbol)
    if held is None:
        record_fills(trading)
        return ended(order, "dropped", text="the position is gone already")
    earlier = _unanswered(trading, order.symbol)
    if earlier is not None:
        return _resumed(trading, order, earlier)
    request = _written(trading, order, held.qty)
    try:
        free = _released(trading, order)
    except BaseException as error:  # Ctrl-C included: it surely was not sent
        trading.ledger.record_unsent(request.client_id, str(error) or type(error).__name__)
        raise
    if isinstance(free, Execution):
        trading.ledger.record_unsent(request.client_id, free.text)
        return free
    if free.qty != request.qty:  # part of it was sold meanwhile: a new order for what is left
        trading.ledger.record_unsent(request.client_id, f"{free.qty} shares are left")
        record_fills(trading)
        request = _written(trading, order, free.qty)
    request, outcome = hand_over_new(trading, request, "sell", order.reason, order.context)
    return _outcome(trading, order, request, outcome)


def _resumed(trading: Trading, order: PlannedOrder, earlier: Intent) -> Execution:
    """Go on with a sale of which nobody knows whether it arrived: it is looked up, else sent under its own id.

    The broker takes a client id once, so that the sale cannot happen twice.
    """
    request = earlier.request
    found = look_up(trading, request.client_id)
    if found is not None:
        trading.ledger.record_order(found)
        return _outcome(trading, order, request, Confirmed(found))
    held = _released(trading, order)
    if isinstance(held, Execution):
        return held
    if held.qty != request.qty:
        text = f"an earlier sale of {request.qty} shares may still arrive, and {held.qty} are held"
        return ended(order, "unknown", request.client_id, text=text)
    return _outcome(trading, order, request, hand_over(trading, request, earlier.intended_at))


def _written(trading: Trading, order: PlannedOrder, qty: int) -> OrderRequest:
    wanted = OrderRequest("", order.symbol, "sell", "market", qty)
    return write_down(trading, wanted, "sell", order.reason, order.context)


def _released(trading: Trading, order: PlannedOrder) -> Holding | Execution:
    """The position with all of its shares free, or why it cannot be sold now."""
    held = release(trading, order.symbol)
    if held is None:
        record_fills(trading)
        return ended(order, "dropped", text="its stop filled while it was being closed")
    if held.available < held.qty:
        waited = trading.patience.free_shares.total_seconds()
        bound = f"{held.qty - held.available} of {held.qty} shares are still held by an order"
        return ended(order, "refused", text=f"{bound} after {waited:g} s")
    return held


def _outcome(trading: Trading, order: PlannedOrder, request: OrderRequest, outcome: Outcome) -> Execution:
    if isinstance(outcome, Refused):
        return ended(order, "refused", request.client_id, text=f"{outcome.kind}: {outcome.message}")
    if not isinstance(outcome, Confirmed):
        return ended(order, "unknown", request.client_id, text=outcome.message)
    return followed(order, request, follow(trading, request.client_id))


def _unanswered(trading: Trading, symbol: str) -> Intent | None:
    """A sale of the symbol that was written down and of which the broker has not told."""
    waiting = (
        intent
        for intent in trading.ledger.open_intents(trading.account)
        if intent.status in (INTENDED, UNKNOWN)
        and intent.request.symbol == symbol
        and (intent.request.side, intent.request.type) == ("sell", "market")
    )
    return next(waiting, None)

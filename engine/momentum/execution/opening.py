"""Opening a position, or adding to one: buy, follow to the end, and put a stop over all of it."""

from __future__ import annotations

from collections.abc import Mapping

from momentum.execution import points
from momentum.execution.following import follow
from momentum.execution.outcomes import ended, followed
from momentum.execution.sending import send
from momentum.execution.shares import release
from momentum.execution.stops import cover
from momentum.execution.trading import Trading
from momentum.model.decision import Execution, PlannedOrder
from momentum.model.orders import OrderRequest, Outcome, RefusalKind, Refused, Unknown


def open_position(
    trading: Trading, order: PlannedOrder, at_entry: Mapping[str, object], *, is_held: bool
) -> Execution:
    """Buy at the market; what was bought is covered by a stop, or has an alarm, when this returns.

    Where the position `is_held`, its stop stays while more is bought and is extended afterwards. Only a
    broker that takes no buy beside a resting stop makes it give way, for as long as the buy takes.
    """
    wanted = OrderRequest("", order.symbol, "buy", "market", order.qty)
    try:
        request, outcome = send(trading, wanted, "buy", order.reason, at_entry)
        if is_held and _is_wash_trade(outcome):
            release(trading, order.symbol)
            request, outcome = send(trading, wanted, "buy", order.reason, at_entry)
        if isinstance(outcome, Refused):
            return ended(order, "refused", request.client_id, text=f"{outcome.kind}: {outcome.message}")
        if isinstance(outcome, Unknown):
            return ended(order, "unknown", request.client_id, text=outcome.message)
        last = follow(trading, request.client_id)
        points.reach("buy.filled")
        return followed(order, request, last)
    finally:
        cover(trading, order.symbol)
        points.reach("buy.protected")


def _is_wash_trade(outcome: Outcome) -> bool:
    return isinstance(outcome, Refused) and outcome.kind is RefusalKind.WASH_TRADE

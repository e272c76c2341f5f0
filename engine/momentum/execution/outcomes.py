"""What became of an order of a plan, as an Execution."""

from __future__ import annotations

from momentum.model.decision import Execution, ExecutionStatus, PlannedOrder
from momentum.model.orders import Order, OrderRequest


def followed(order: PlannedOrder, request: OrderRequest, last: Order | None) -> Execution:
    """What a followed order came to, by the broker's last word on it; `last` is None where it gave none."""
    qty = last.filled_qty if last else 0
    status: ExecutionStatus = "filled" if qty == request.qty else "partial" if qty else "unknown"
    if last is not None and not qty:
        status = "pending" if last.state.is_open else "refused"
    text = "" if qty == request.qty else f"{qty} of {request.qty} shares filled"
    if status == "refused" and last is not None:
        text = f"{last.state}: {last.reason}" if last.reason else f"not filled in time, {last.state}"
    price = last.fill_price if last else None
    return ended(order, status, request.client_id, text=text, qty=qty, price=price)


def ended(
    order: PlannedOrder,
    status: ExecutionStatus,
    client_id: str = "",
    *,
    text: str = "",
    qty: int = 0,
    price: float | None = None,
) -> Execution:
    """What became of a planned order."""
    return Execution(
        symbol=order.symbol,
        side=order.side,
        status=status,
        asked=order.asked,
        qty=qty,
        price=price,
        client_id=client_id,
        reason=order.reason,
        text=text,
    )


def planned(order: PlannedOrder) -> Execution:
    """What a dry run says of an order."""
    return ended(order, "planned", qty=order.qty, price=order.price)

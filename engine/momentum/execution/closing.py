"""Closing a position: free its shares from the stop, sell, and leave the restoring of a stop to `protect`."""

from __future__ import annotations

from momentum.errors import BrokerError
from momentum.execution.sending import follow, record_fills, send
from momentum.execution.trading import Trading
from momentum.model.decision import Execution, ExecutionStatus, PlannedOrder
from momentum.model.orders import Confirmed, Order, OrderRequest, Refused
from momentum.model.portfolio import Holding


def close_position(trading: Trading, order: PlannedOrder) -> Execution:
    """Sell a whole position at the market.

    Its open sell orders are cancelled first, and the sale waits until the broker says that the shares are
    free: a cancel is a request, and until it is done the broker refuses the sale. What is not sold stays a
    position, and `protect` puts the stop back over it.
    """
    held = _holding(trading, order.symbol)
    if held is None:
        return ended(order, "dropped", text="the position is gone already")
    for resting in trading.broker.orders():
        if resting.symbol == order.symbol and resting.side == "sell":
            if resting.hwm is not None:  # the peak goes with the stop, and a restored one starts from it
                trading.ledger.update_peak(trading.account, order.symbol, resting.hwm)
            trading.broker.cancel(resting.id)
    held = wait_until_free(trading, order.symbol)
    if held is None:
        record_fills(trading)
        return ended(order, "dropped", text="its stop filled while it was being closed")
    if held.available < held.qty:
        waited = trading.patience.free_shares.total_seconds()
        text = (
            f"{held.qty - held.available} of {held.qty} shares are still held by an order after {waited:g} s"
        )
        return ended(order, "refused", text=text)
    wanted = OrderRequest("", order.symbol, "sell", "market", held.qty)
    request, outcome = send(trading, wanted, "sell", order.reason, order.context)
    if isinstance(outcome, Refused):
        return ended(order, "refused", request.client_id, text=f"{outcome.kind}: {outcome.message}")
    if not isinstance(outcome, Confirmed):
        return ended(order, "unknown", request.client_id, text=outcome.message)
    return followed(order, request, follow(trading, request.client_id))


def followed(order: PlannedOrder, request: OrderRequest, last: Order | None) -> Execution:
    """What a followed order came to, by the broker's last word on it; `last` is None where it gave none."""
    qty = last.filled_qty if last else 0
    status: ExecutionStatus = "filled" if qty == request.qty else "partial" if qty else "unknown"
    if last is not None and not qty:
        status = "pending" if last.state.is_open else "refused"
    text = "" if qty == request.qty else f"{qty} of {request.qty} shares filled"
    if status == "refused" and last is not None:
        text = f"{last.state}: {last.reason}" if last.reason else f"the order ended {last.state}"
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


def _holding(trading: Trading, symbol: str) -> Holding | None:
    return next((held for held in trading.broker.holdings() if held.symbol == symbol), None)


def wait_until_free(trading: Trading, symbol: str, *, besides: int = 0) -> Holding | None:
    """The position once no order holds its shares, or as it is when patience ends; None once it is gone.

    `besides` are shares that may stay held. Raises `BrokerError` where the broker did not answer once.
    """
    read = False
    held: Holding | None = None
    for attempt in range(1 + int(trading.patience.free_shares / trading.patience.poll)):
        if attempt:
            trading.sleep(trading.patience.poll.total_seconds())
        try:
            held = _holding(trading, symbol)
        except BrokerError:
            continue
        read = True
        if held is None or held.available + besides >= held.qty:
            break
    if not read:
        raise BrokerError(f"the broker did not tell whether the shares of {symbol} are free")
    return held

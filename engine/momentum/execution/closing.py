"""Closing a position: free its shares from the stop, sell, and leave the restoring of a stop to `protect`."""

from __future__ import annotations

from momentum.errors import BrokerError
from momentum.execution.sending import follow, record_fills, send
from momentum.execution.trading import Trading
from momentum.model.decision import Execution, PlannedOrder
from momentum.model.orders import Confirmed, OrderRequest, Refused
from momentum.model.portfolio import Holding


def close_position(trading: Trading, order: PlannedOrder) -> Execution:
    """Sell a whole position at the market.

    Its open sell orders are cancelled first, and the sale waits until the broker says that the shares are
    free: a cancel is a request, and until it is done the broker refuses the sale. What is not sold stays a
    position, and `protect` puts the stop back over it.
    """
    held = _holding(trading, order.symbol)
    if held is None:
        return _ended(order, "dropped", text="the position is gone already")
    for resting in trading.broker.orders():
        if resting.symbol == order.symbol and resting.side == "sell":
            if resting.hwm is not None:  # the peak goes with the stop, and a restored one starts from it
                trading.ledger.update_peak(trading.account, order.symbol, resting.hwm)
            trading.broker.cancel(resting.id)
    held = _wait_until_free(trading, order.symbol)
    if held is None:
        record_fills(trading)
        return _ended(order, "dropped", text="its stop filled while it was being closed")
    if held.available < held.qty:
        waited = trading.patience.free_shares.total_seconds()
        text = (
            f"{held.qty - held.available} of {held.qty} shares are still held by an order after {waited:g} s"
        )
        return _ended(order, "refused", text=text)
    wanted = OrderRequest("", order.symbol, "sell", "market", held.qty)
    request, outcome = send(trading, wanted, "sell", order.reason, order.context)
    if isinstance(outcome, Refused):
        return _ended(order, "refused", request.client_id, text=f"{outcome.kind}: {outcome.message}")
    if not isinstance(outcome, Confirmed):
        return _ended(order, "unknown", request.client_id, text=outcome.message)
    sold = follow(trading, request.client_id)
    return filled(order, request, sold.filled_qty if sold else 0, sold.fill_price if sold else None)


def filled(order: PlannedOrder, request: OrderRequest, qty: int, price: float | None) -> Execution:
    """What a followed order came to: all of it, a part, or nothing that is known."""
    status = "filled" if qty == request.qty else "partial" if qty else "pending"
    text = "" if qty == request.qty else f"{qty} of {request.qty} shares filled"
    return Execution(
        symbol=order.symbol,
        side=order.side,
        status=status,  # type: ignore[arg-type]
        asked=order.asked,
        qty=qty,
        price=price,
        client_id=request.client_id,
        reason=order.reason,
        text=text,
    )


def _holding(trading: Trading, symbol: str) -> Holding | None:
    return next((held for held in trading.broker.holdings() if held.symbol == symbol), None)


def _wait_until_free(trading: Trading, symbol: str) -> Holding | None:
    """The position once no order holds its shares, or as it is when patience ends; None once it is gone."""
    held: Holding | None = None
    for attempt in range(1 + int(trading.patience.free_shares / trading.patience.poll)):
        if attempt:
            trading.sleep(trading.patience.poll.total_seconds())
        try:
            held = _holding(trading, symbol)
        except BrokerError:
            continue
        if held is None or held.available >= held.qty:
            break
    return held


def _ended(order: PlannedOrder, status: str, client_id: str = "", text: str = "") -> Execution:
    return Execution(
        symbol=order.symbol,
        side=order.side,
        status=status,  # type: ignore[arg-type]
        asked=order.asked,
        client_id=client_id,
        reason=order.reason,
        text=text,
    )

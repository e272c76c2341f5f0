"""Freeing the shares of a position from the orders that hold them."""

from __future__ import annotations

from momentum.errors import BrokerError
from momentum.execution import points
from momentum.execution.trading import Trading
from momentum.execution.waiting import looks
from momentum.model.orders import Order, OrderState
from momentum.model.portfolio import Holding


def release(trading: Trading, symbol: str) -> Holding | None:
    """Cancel every open sell order of a symbol, whoever gave it, and wait until its shares are free.

    A cancel is a request: the proof that it is done is that no sell order is open and that the position says
    its shares are available. Returns the position as it is then, or when patience ends; None once it is gone.
    Raises `BrokerError` where the broker never told.
    """
    seen = False
    held: Holding | None = None
    for _ in looks(trading, trading.patience.free_shares):
        try:
            resting = _sells(trading, symbol)
            if resting:
                _cancel(trading, resting)
                resting = _sells(trading, symbol)
            held = holding(trading, symbol)
        except BrokerError:
            continue
        seen = True
        if held is None or (held.available >= held.qty and not resting):
            break
    if not seen:
        raise BrokerError(f"the broker did not tell whether the shares of {symbol} are free")
    points.reach("close.free")
    return held


def holding(trading: Trading, symbol: str) -> Holding | None:
    """The position as the broker has it."""
    return next((held for held in trading.broker.holdings() if held.symbol == symbol), None)


def _sells(trading: Trading, symbol: str) -> list[Order]:
    return [order for order in trading.broker.orders() if order.symbol == symbol and order.side == "sell"]


def _cancel(trading: Trading, resting: list[Order]) -> None:
    for order in resting:
        if order.state is OrderState.PENDING_CANCEL:
            continue
        if order.hwm is not None:  # the peak goes with the stop, and the next one starts from it
            trading.ledger.update_peak(trading.account, order.symbol, order.hwm)
        trading.broker.cancel(order.id)
        points.reach("close.cancelled")

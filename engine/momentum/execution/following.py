"""Following an order to its end, and bringing what was filled into the ledger."""

from __future__ import annotations

from datetime import timedelta

from momentum.errors import BrokerError
from momentum.execution import points
from momentum.execution.trading import Trading
from momentum.execution.waiting import looks
from momentum.model.orders import Fill, Order, OrderState

_LATE = timedelta(days=1)
"""How far before the last known fill another may still turn up: a broker may tell fills late and out of order."""


def follow(trading: Trading, client_id: str) -> Order | None:
    """Wait until an order is done; cancel what is left of it when patience ends. Fills are recorded.

    Returns the order as the broker last told it, which may still be open; None where it cannot be read.
    """
    order = _until_done(trading, client_id)
    if order is not None and order.state.is_open:
        order = withdraw(trading, order)
    points.reach("follow.done")
    if order is not None:
        trading.ledger.record_order(order)
    points.reach("follow.order")
    record_fills(trading)
    return order


def withdraw(trading: Trading, order: Order) -> Order:
    """Cancel an order and wait until that is done, or patience ends; returns it as the broker last told it.

    It is asked for at every look until the broker has taken it up: a request may be lost.
    """
    for _ in looks(trading, trading.patience.free_shares):
        if order.state is not OrderState.PENDING_CANCEL:
            trading.broker.cancel(order.id)
        try:
            order = trading.broker.find(order.client_id) or order
        except BrokerError:
            continue
        if not order.state.is_open:
            break
    return order


def withdraw_ours(trading: Trading, order: Order) -> Order | None:
    """Withdraw an order that this ledger wrote down, and record what became of it; None for anybody else's."""
    if trading.ledger.intent(order.client_id) is None:
        return None
    last = withdraw(trading, order)
    trading.ledger.record_order(last)
    return last


def record_fills(trading: Trading) -> tuple[Fill, ...]:
    """Bring the fills of our own orders into the ledger and return the new ones.

    Where the broker counts more shares as filled than it has told fills for, the ledger takes its count: the
    fills that are told later then only refine it. One that is there already changes nothing.
    """
    ours = (fill for fill in told_fills(trading) if trading.ledger.is_ours(trading.account, fill))
    new = [fill for fill in ours if trading.ledger.record_fill(trading.account, fill)]
    points.reach("follow.fills")
    return (*new, *trading.ledger.take_broker_counts(trading.account))


def told_fills(trading: Trading) -> tuple[Fill, ...]:
    """The fills that the broker tells and that may not be known yet, oldest first."""
    known = trading.ledger.last_fill(trading.account)
    return trading.broker.fills(None if known is None else known - _LATE)


def _until_done(trading: Trading, client_id: str) -> Order | None:
    order: Order | None = None
    for _ in looks(trading, trading.patience.fill):
        try:
            order = trading.broker.find(client_id) or order
        except BrokerError:
            continue
        if order is not None and not order.state.is_open:
            break
    return order

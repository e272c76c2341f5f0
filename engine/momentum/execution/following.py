"""Following an order to its end, and bringing what was filled into the ledger."""

from __future__ import annotations

from datetime import timedelta

from momentum.errors import BrokerError
from momentum.execution import points
from momentum.execution.trading import Trading
from momentum.model.orders import Fill, Order, OrderState

_LATE = timedelta(days=1)
"""How far before the last known fill another may still turn up: a broker may tell fills late and out of order."""
_ASK_AGAIN = timedelta(seconds=1)
"""After how long a cancel that shows no effect is asked for again: the request may have been lost."""


def follow(trading: Trading, client_id: str) -> Order | None:
    """Wait until an order is done; cancel what is left of it when patience ends. Fills are recorded.

    Returns the order as the broker last told it, which may still be open; None where it cannot be read.
    """
    order = _until_done(trading, client_id, trading.patience.fill)
    if order is not None and order.state.is_open:
        order = withdraw(trading, order)
    points.reach("follow.done")
    if order is not None:
        trading.ledger.record_order(order)
    points.reach("follow.order")
    record_fills(trading)
    return order


def withdraw(trading: Trading, order: Order) -> Order:
    """Cancel an order and wait until that is done, or patience ends; returns it as the broker last told it."""
    polls = 1 + int(trading.patience.free_shares / trading.patience.poll)
    for poll in range(polls):
        if poll:
            trading.sleep(trading.patience.poll.total_seconds())
        if is_time_to_ask(trading, poll) and order.state is not OrderState.PENDING_CANCEL:
            trading.broker.cancel(order.id)
        try:
            order = trading.broker.find(order.client_id) or order
        except BrokerError:
            continue
        if not order.state.is_open:
            break
    return order


def is_time_to_ask(trading: Trading, poll: int) -> bool:
    """Whether a cancel is to be asked for at a poll: at the first, and now and then again."""
    return poll % max(1, int(_ASK_AGAIN / trading.patience.poll)) == 0


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


def _until_done(trading: Trading, client_id: str, patience: timedelta) -> Order | None:
    order: Order | None = None
    for poll in range(1 + int(patience / trading.patience.poll)):
        if poll:
            trading.sleep(trading.patience.poll.total_seconds())
        try:
            order = trading.broker.find(client_id) or order
        except BrokerError:
            continue
        if order is not None and not order.state.is_open:
            break
    return order

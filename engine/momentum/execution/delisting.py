"""Closing positions whose symbol has ended, in accounts that live on recorded bars."""

from __future__ import annotations

from collections.abc import Collection

from momentum.execution.account import managed
from momentum.execution.corporate import DELISTED
from momentum.execution.following import record_fills
from momentum.execution.sending import write_down
from momentum.execution.trading import Trading
from momentum.model.orders import OrderRequest
from momentum.ports import Delists


def close_ended(trading: Trading, ended: Collection[str]) -> tuple[str, ...]:
    """Close what is held of symbols that have no more bars, at their last price; returns which were closed.

    Nothing is done at a broker that closes them by itself.
    """
    broker = trading.broker
    if not isinstance(broker, Delists):
        return ()
    closed = [held for held in managed(trading) if held.symbol in ended]
    for held in closed:
        sale = OrderRequest("", held.symbol, "sell", "market", held.qty)
        request = write_down(trading, sale, "sell", DELISTED)
        broker.delist(held.symbol, held.price, request.client_id)
        order = trading.broker.find(request.client_id)
        if order is not None:
            trading.ledger.record_order(order)
    if closed:
        record_fills(trading)
    return tuple(held.symbol for held in closed)

"""What a trade remembers of its exit, and what is to be learnt where a reversal closed it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from momentum.ledger import tables as t
from momentum.ledger.entry import number
from momentum.ledger.fields import session_date
from momentum.ledger.rows import Trade


def exit_columns(
    trade: Trade, sold: int, price: float | None, at: datetime, reason: str, commission: float = 0.0
) -> dict[str, Any]:
    """The columns of an open trade that change where so many of its shares are sold.

    The exit price is the average over all shares sold. Once a part of it is unknown so is the whole, and
    what the trade earned with it.
    """
    quantity = trade.exit_quantity + sold
    average = _average(trade, sold, price)
    paid = trade.commission + commission
    change: dict[str, Any] = {
        "exit_date": session_date(at),
        "exit_price": average,
        "exit_quantity": quantity,
        "exit_reason": reason,
        "commission": paid,
        "pnl": None if average is None else quantity * (average - trade.entry_price) - paid,
    }
    if quantity == trade.entry_quantity:
        pnl_pct = None if average is None else (average / trade.entry_price - 1) * 100
        change |= {"status": t.CLOSED, "closed_at": at, "pnl_pct": pnl_pct}
    return change


def poor_signal(
    trade: Trade, exit: Mapping[str, Any], context: Mapping[str, object]
) -> dict[str, object] | None:
    """The row of a trade that the last sale closed, by the context of that sale's intent.

    None where it was no reversal that closed it, or where what the trade earned is not known.
    """
    if exit.get("status") != t.CLOSED or exit["pnl_pct"] is None:
        return None
    if context.get("closed_by_reversal") is not True:
        return None
    row = {name: exit[name] for name in ("exit_date", "exit_price", "exit_reason", "pnl_pct")}
    return row | {
        "trade": trade.id,
        "account": trade.account,
        "strategy": trade.strategy,
        "symbol": trade.symbol,
        "entry_date": trade.entry_date,
        "entry_price": trade.entry_price,
        "holding_days": (exit["exit_date"] - trade.entry_date).days,
        "reversal_score": number(context.get("reversal_score")),
        "reversal_signals": context.get("reversal_signals"),
        "entry_signals": trade.entry_signals,
        "composite_score": trade.composite_score,
        "created_at": exit["closed_at"],
    }


def _average(trade: Trade, sold: int, price: float | None) -> float | None:
    if price is None or (trade.exit_quantity and trade.exit_price is None):
        return None
    if not trade.exit_quantity:
        return price
    before = (trade.exit_price or 0.0) * trade.exit_quantity
    return (before + price * sold) / (trade.exit_quantity + sold)

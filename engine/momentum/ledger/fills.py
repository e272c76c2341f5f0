"""Fills, and what they do to trades and orders."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from peewee import fn

from momentum.ledger import tables as t
from momentum.ledger.entry import entry_columns
from momentum.ledger.exit import exit_columns, poor_signal
from momentum.ledger.fields import session_date
from momentum.ledger.intents import FINAL
from momentum.ledger.rows import REFUSED, Intent, Trade
from momentum.ledger.trades import EXTERNAL, Trades
from momentum.model.orders import Fill, OrderState

_COUNT = "count:"
"""What the id of a fill begins with that the broker counted and did not tell."""
_FILL = "order_id client_id symbol side qty price at commission".split()


class Fills(Trades):
    """The part of the ledger that turns fills into trades."""

    def record_fill(self, account: str, fill: Fill, *, new: int | None = None) -> bool:
        """Record a fill once, with its order and its trade, all or nothing.

        A buy opens the account's trade of the symbol, or extends it at the average price; a sale sells from
        it, and closes it with the last share. `new` is how many of its shares the trade does not have yet; by
        default all but those that `take_broker_counts` brought in. False where the fill was recorded before:
        nothing changes.
        """
        with self._db.transaction():
            told = (t.Fill.account == account) & (t.Fill.fill_id == fill.id)
            if self._db.first(t.Fill.select(t.Fill.id).where(told)):
                return False
            counted, trade_id = self._replace_counts(account, fill)
            fresh = fill.qty - counted if new is None else new
            if fresh:
                trade_id = self._book(account, replace(fill, qty=fresh))
            elif trade_id is not None and fill.commission:
                self._pay(trade_id, fill.commission)
            self._write_fill(account, fill, trade_id)
        return True

    def take_broker_counts(self, account: str) -> tuple[Fill, ...]:
        """Bring in what the broker counts as filled of our orders and has told no fills for; returns it as fills.

        Shares that an order of ours moved must never look as if somebody else had moved them. Their price is
        what the order's average leaves for them; the fills that are told later take their place.
        """
        taken: list[Fill] = []
        with self._db.transaction():
            for intent in self._ahead_of_fills(account):
                told = self.fills(account=account, client_id=intent.client_id)
                qty = intent.filled_qty - sum(fill.qty for fill in told)
                worth = (intent.fill_price or 0.0) * intent.filled_qty
                fill = Fill(
                    id=f"{_COUNT}{intent.client_id}:{intent.filled_qty}",
                    order_id=intent.order_id or "",
                    client_id=intent.client_id,
                    symbol=intent.request.symbol,
                    side=intent.request.side,
                    qty=qty,
                    price=(worth - sum(one.qty * one.price for one in told)) / qty,
                    at=intent.updated_at or intent.intended_at or told[-1].at,
                )
                self._write_fill(account, fill, self._book(account, fill))
                taken.append(fill)
        return tuple(taken)

    def is_ours(self, account: str, fill: Fill) -> bool:
        """True for the fill of an order that this ledger wrote down."""
        return self._intent_of(account, fill) is not None

    def fills(
        self, *, account: str | None = None, client_id: str | None = None, symbol: str | None = None
    ) -> tuple[Fill, ...]:
        """Fills that match all that is given, oldest first."""
        query = t.Fill.select().order_by(t.Fill.at, t.Fill.id)
        if account is not None:
            query = query.where(t.Fill.account == account)
        if client_id is not None:
            query = query.where(t.Fill.client_id == client_id)
        if symbol is not None:
            query = query.where(t.Fill.symbol == symbol)
        return tuple(
            Fill(id=row["fill_id"], **{name: row[name] for name in _FILL}) for row in self._db.rows(query)
        )

    def last_fill(self, account: str) -> datetime | None:
        """The moment of the account's newest recorded fill, from which on a broker is asked for more."""
        query = t.Fill.select(t.Fill.at).where(t.Fill.account == account).order_by(t.Fill.at.desc())
        row = self._db.first(query)
        return row["at"] if row else None

    def _book(self, account: str, fill: Fill) -> int | None:
        """Bring a fill into the trade of its symbol and into its order; returns the trade's id."""
        intent = self._intent_of(account, fill)
        held = self._open_trade(account, fill.symbol)
        if held is None:
            return self._open(account, fill, intent) if fill.side == "buy" else None
        if fill.side == "buy":
            self._extend(held, fill.qty, fill.price, fill.commission)
        else:
            self._sell(held, fill, intent)
        return held.id

    def _open(self, account: str, fill: Fill, intent: Intent | None) -> int:
        row = entry_columns(intent.context if intent else {})
        row |= {
            "account": account,
            "strategy": intent and intent.strategy,
            "scan_id": intent and intent.scan_id,
            "symbol": fill.symbol,
            "status": t.OPEN,
            "opened_at": fill.at,
            "entry_date": session_date(fill.at),
            "entry_price": fill.price,
            "entry_quantity": fill.qty,
            "entry_reason": intent.reason if intent else EXTERNAL,
            "commission": fill.commission,
            "peak_price": fill.price,
        }
        return int(self._db.run(t.Trade.insert(row)))

    def _sell(self, trade: Trade, fill: Fill, intent: Intent | None) -> None:
        # A broker may sell more than this trade holds, where shares were bought behind the ledger's back.
        sold = min(fill.qty, trade.quantity)
        change = exit_columns(trade, sold, fill.price, fill.at, exit_reason(intent), fill.commission)
        self._change(trade.id, change)
        poor = poor_signal(trade, change, intent.context if intent else {})
        if poor is not None:
            self._db.run(t.PoorSignal.insert(poor))

    def _pay(self, trade_id: int, commission: float) -> None:
        paid = {"commission": t.Trade.commission + commission, "pnl": t.Trade.pnl - commission}
        self._db.run(t.Trade.update(paid).where(t.Trade.id == trade_id))

    def _write_fill(self, account: str, fill: Fill, trade_id: int | None) -> None:
        row = {name: getattr(fill, name) for name in _FILL}
        row |= {"fill_id": fill.id, "account": account, "trade": trade_id}
        self._db.run(t.Fill.insert(row | {"session_date": session_date(fill.at)}))
        intent = self._intent_of(account, fill)
        if intent is not None:
            self._fill_intent(intent, fill.at)

    def _fill_intent(self, intent: Intent, at: datetime) -> None:
        fills = self.fills(account=intent.account, client_id=intent.client_id)
        filled = sum(fill.qty for fill in fills)
        if filled < intent.filled_qty or (filled == intent.filled_qty and intent.fill_price is not None):
            return  # the broker's own count and average, recorded before, say as much or more
        change: dict[str, Any] = {
            "filled_qty": filled,
            "fill_price": sum(fill.qty * fill.price for fill in fills) / filled,
            "updated_at": max(at, intent.updated_at or at),
        }
        if filled >= intent.request.qty:
            change["status"] = OrderState.FILLED.value
        elif intent.status not in FINAL:
            change["status"] = OrderState.PARTIALLY_FILLED.value
        self._db.run(t.OrderIntent.update(change).where(t.OrderIntent.client_id == intent.client_id))

    def _replace_counts(self, account: str, fill: Fill) -> tuple[int, int | None]:
        """Let a told fill take the place of shares that were only counted; returns how many, and their trade."""
        counts = t.Fill.fill_id.startswith(f"{_COUNT}{fill.client_id}:")
        rows = self._db.rows(t.Fill.select().where(t.Fill.account == account, counts).order_by(t.Fill.id))
        left, trade_id = fill.qty, None
        for row in rows:
            taken = min(left, row["qty"])
            left -= taken
            trade_id = trade_id if trade_id is not None else row["trade"]
            one = t.Fill.id == row["id"]
            if taken == row["qty"]:
                self._db.run(t.Fill.delete().where(one))
            else:
                self._db.run(t.Fill.update(qty=row["qty"] - taken).where(one))
        return fill.qty - left, trade_id

    def _ahead_of_fills(self, account: str) -> tuple[Intent, ...]:
        """Orders of which the broker counts more shares as filled than it has told fills for."""
        told = t.Fill.select(fn.COALESCE(fn.SUM(t.Fill.qty), 0)).where(
            t.Fill.client_id == t.OrderIntent.client_id, t.Fill.account == t.OrderIntent.account
        )
        return self._select((t.OrderIntent.account == account) & (t.OrderIntent.filled_qty > told))

    def _intent_of(self, account: str, fill: Fill) -> Intent | None:
        """The order of ours that filled; one that was refused never did, and its id is another's."""
        intent = self.intent(fill.client_id)
        if intent is None or intent.account != account or intent.status == REFUSED:
            return None
        return intent


def exit_reason(intent: Intent | None) -> str:
    """Why a trade ended, by the order that sold its last share."""
    if intent is None:
        return EXTERNAL
    kind = intent.request.type
    return kind if kind in ("stop", "trailing_stop") else intent.reason

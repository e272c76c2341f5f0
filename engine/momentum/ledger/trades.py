"""Fills, and the trades that they open, extend and close."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from momentum.ledger import tables as t
from momentum.ledger.entry import AT_ENTRY, entry_columns
from momentum.ledger.exit import exit_columns, poor_signal
from momentum.ledger.fields import session_date, session_start
from momentum.ledger.intents import FINAL, Intents
from momentum.ledger.rows import Intent, Trade
from momentum.model.orders import Fill, OrderState
from momentum.model.portfolio import Holding

ADOPTED, EXTERNAL = "adopted", "external"
"""Why a trade changed without an intent of this ledger: shares found at the broker; shares somebody else traded."""

_FILL = "order_id client_id symbol side qty price at commission".split()
_TRADE = (
    "id account strategy scan_id symbol cap status opened_at entry_date entry_price entry_quantity entry_reason "
    "closed_at exit_date exit_price exit_quantity exit_reason commission pnl pnl_pct composite_score "
    "entry_signals max_gain max_drawdown"
).split()


class Trades(Intents):
    """The part of the ledger that turns fills into trades."""

    def record_fill(self, account: str, fill: Fill) -> bool:
        """Record a fill once, with its order and its trade, all or nothing.

        A buy opens the account's trade of the symbol, or extends it at the average price; a sale sells from
        it, and closes it with the last share. False where the fill was recorded before: nothing changes.
        """
        with self._db.transaction():
            told = (t.Fill.account == account) & (t.Fill.fill_id == fill.id)
            if self._db.first(t.Fill.select(t.Fill.id).where(told)):
                return False
            intent = self._intent_of(account, fill)
            held = self._open_trade(account, fill.symbol)
            trade_id: int | None
            if fill.side == "buy":
                trade_id = held.id if held else self._open(account, fill, intent)
                if held:
                    self._extend(held, fill.qty, fill.price, fill.commission)
            else:
                trade_id = held.id if held else None
                if held:
                    self._sell(held, fill, intent)
            row = {name: getattr(fill, name) for name in _FILL}
            row |= {"fill_id": fill.id, "account": account, "trade": trade_id}
            self._db.run(t.Fill.insert(row | {"session_date": session_date(fill.at)}))
            if intent is not None:
                self._fill_intent(intent, fill.at)
        return True

    def adopt(self, account: str, holding: Holding, session: date, strategy: str | None) -> bool:
        """Take in the shares that the broker has and this ledger does not know, at the broker's average price.

        They open a trade on that session's date, whose reason is `adopted`, or extend the open trade of the
        symbol. False where the ledger knows as many shares: nothing changes.
        """
        with self._db.transaction():
            held = self._open_trade(account, holding.symbol)
            unknown = holding.qty - (held.quantity if held else 0)
            if unknown <= 0:
                return False
            if held:
                self._extend(held, unknown, holding.entry_price)
                return True
            row = {
                "account": account,
                "strategy": strategy,
                "symbol": holding.symbol,
                "status": t.OPEN,
                "opened_at": session_start(session),
                "entry_date": session,
                "entry_price": holding.entry_price,
                "entry_quantity": holding.qty,
                "entry_reason": ADOPTED,
                "peak_price": max(holding.entry_price, holding.price),
            }
            self._db.run(t.Trade.insert(row))
        return True

    def settle_trade(self, account: str, symbol: str, held: int, price: float | None, at: datetime) -> bool:
        """Take out the shares of the symbol's open trade that the broker no longer has: `held` are left of it.

        They are written as sold at `price`, or at an unknown one where it is None; the reason is `external`,
        the exit date that of `at`. The trade is closed where nothing is left. False where no open trade has
        more shares than are held: nothing changes. Record the broker's fills first, which know better.
        """
        with self._db.transaction():
            trade = self._open_trade(account, symbol)
            if trade is None or trade.quantity <= held:
                return False
            self._change(trade.id, exit_columns(trade, trade.quantity - held, price, at, EXTERNAL))
        return True

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

    def open_trades(self, account: str) -> tuple[Trade, ...]:
        """The account's open trades, in symbol order."""
        query = t.Trade.select().where(t.Trade.account == account, t.Trade.status == t.OPEN)
        return tuple(_trade(row) for row in self._db.rows(query.order_by(t.Trade.symbol)))

    def trades(self, account: str | None = None, since: date | None = None) -> tuple[Trade, ...]:
        """Trades, open and closed, whose entry (or exit) is on `since` or later; oldest entry first."""
        query = t.Trade.select().order_by(t.Trade.opened_at, t.Trade.id)
        if account is not None:
            query = query.where(t.Trade.account == account)
        if since is not None:
            query = query.where((t.Trade.entry_date >= since) | (t.Trade.exit_date >= since))
        return tuple(_trade(row) for row in self._db.rows(query))

    def update_peak(self, account: str, symbol: str, peak: float, low: float | None = None) -> bool:
        """Tell the open trade of a symbol the highest (and lowest) price since; False where there is none.

        The peak only rises; `max_gain` and `max_drawdown` are fractions of the entry price, the latter not
        above 0.
        """
        with self._db.transaction():
            trade = self._open_trade(account, symbol)
            if trade is None:
                return False
            highest = max(peak, trade.peak or 0.0)
            change = {"peak_price": highest, "max_gain": max(0.0, highest / trade.entry_price - 1)}
            if low is not None:
                change["max_drawdown"] = min(trade.max_drawdown or 0.0, low / trade.entry_price - 1)
            self._change(trade.id, change)
        return True

    def _intent_of(self, account: str, fill: Fill) -> Intent | None:
        intent = self.intent(fill.client_id)
        return intent if intent is not None and intent.account == account else None

    def _open_trade(self, account: str, symbol: str) -> Trade | None:
        row = self._db.first(
            t.Trade.select().where(
                t.Trade.account == account, t.Trade.symbol == symbol, t.Trade.status == t.OPEN
            )
        )
        return _trade(row) if row else None

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

    def _extend(self, trade: Trade, qty: int, price: float, commission: float = 0.0) -> None:
        quantity = trade.entry_quantity + qty
        average = (trade.entry_price * trade.entry_quantity + price * qty) / quantity
        change = {"entry_price": average, "entry_quantity": quantity}
        self._change(trade.id, change | {"commission": trade.commission + commission})

    def _sell(self, trade: Trade, fill: Fill, intent: Intent | None) -> None:
        # A broker may sell more than this trade holds, where shares were bought behind the ledger's back.
        sold = min(fill.qty, trade.quantity)
        change = exit_columns(trade, sold, fill.price, fill.at, _exit_reason(intent), fill.commission)
        self._change(trade.id, change)
        poor = poor_signal(trade, change, intent.context if intent else {})
        if poor is not None:
            self._db.run(t.PoorSignal.insert(poor))

    def _fill_intent(self, intent: Intent, at: datetime) -> None:
        fills = self.fills(account=intent.account, client_id=intent.client_id)
        filled = sum(fill.qty for fill in fills)
        if filled < intent.filled_qty:
            return  # the broker's own count, recorded before, is ahead of the fills that were told
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

    def _change(self, trade_id: int, change: Mapping[str, object]) -> None:
        self._db.run(t.Trade.update(dict(change)).where(t.Trade.id == trade_id))


def _exit_reason(intent: Intent | None) -> str:
    if intent is None:
        return EXTERNAL
    kind = intent.request.type
    return kind if kind in ("stop", "trailing_stop") else intent.reason


def _trade(row: Mapping[str, Any]) -> Trade:
    return Trade(
        peak=row["peak_price"],
        at_entry={name: row[name] for name in AT_ENTRY},
        **{name: row[name] for name in _TRADE},
    )

"""Trades: what is held and was held, and what happened to it without an order of ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from momentum.ledger import tables as t
from momentum.ledger.entry import AT_ENTRY, extended
from momentum.ledger.exit import exit_columns
from momentum.ledger.fields import session_start
from momentum.ledger.intents import Intents
from momentum.ledger.rows import Trade
from momentum.model.portfolio import Holding

ADOPTED, EXTERNAL = "adopted", "external"
"""Why a trade changed without an intent of this ledger: shares found at the broker; shares somebody else traded."""

IMPORTED = "imported"
"""The account of rows that came from another system's database, until a broker's account takes them over."""

_TRADE = (
    "id account strategy scan_id symbol cap status opened_at entry_date entry_price entry_quantity entry_reason "
    "closed_at exit_date exit_price exit_quantity exit_reason commission pnl pnl_pct composite_score "
    "entry_signals max_gain max_drawdown"
).split()


class Trades(Intents):
    """The part of the ledger that knows what is held."""

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
                self._extend(held, unknown, _price_of_new(held, holding))
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

    def take_over(self, account: str, symbols: Sequence[str]) -> tuple[str, ...]:
        """Make the open trades that were imported from another system this account's, where it holds their symbols.

        Returns the symbols of those that were.
        """
        if not self._db.rows(t.Trade.select(t.Trade.id).where(t.Trade.account == IMPORTED).limit(1)):
            return ()
        taken = []
        with self._db.transaction():
            for symbol in symbols:
                old = self._open_trade(IMPORTED, symbol)
                if old is not None and self._open_trade(account, symbol) is None:
                    self._change(old.id, {"account": account})
                    taken.append(symbol)
        return tuple(taken)

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

    def rescale_trade(self, account: str, symbol: str, held: int) -> bool:
        """Take in a split: the symbol's open trade is `held` shares from now on, at prices that keep its cost.

        False where there is no open trade: nothing changes.
        """
        with self._db.transaction():
            trade = self._open_trade(account, symbol)
            if trade is None:
                return False
            factor = held / trade.quantity
            sold = round(trade.exit_quantity * factor)
            self._change(
                trade.id,
                {
                    "entry_quantity": held + sold,
                    "entry_price": trade.entry_price / factor,
                    "exit_quantity": sold,
                    "exit_price": None if trade.exit_price is None else trade.exit_price / factor,
                    "peak_price": None if trade.peak is None else trade.peak / factor,
                },
            )
        return True

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

    def _open_trade(self, account: str, symbol: str) -> Trade | None:
        row = self._db.first(
            t.Trade.select().where(
                t.Trade.account == account, t.Trade.symbol == symbol, t.Trade.status == t.OPEN
            )
        )
        return _trade(row) if row else None

    def _extend(self, trade: Trade, qty: int, price: float, commission: float = 0.0) -> None:
        self._change(trade.id, extended(trade, qty, price, commission))

    def _change(self, trade_id: int, change: Mapping[str, object]) -> None:
        self._db.run(t.Trade.update(dict(change)).where(t.Trade.id == trade_id))


def _price_of_new(trade: Trade, holding: Holding) -> float:
    """What the shares cost that are new to a trade: what the broker's average leaves for them, else that average."""
    new = holding.qty - trade.quantity
    left = (holding.qty * holding.entry_price - trade.quantity * trade.entry_price) / new
    return left if left > 0 and not trade.exit_quantity else holding.entry_price


def _trade(row: Mapping[str, Any]) -> Trade:
    return Trade(
        peak=row["peak_price"],
        at_entry={name: row[name] for name in AT_ENTRY},
        **{name: row[name] for name in _TRADE},
    )

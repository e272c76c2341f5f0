"""The ledger of a backtest: orders, fills and trades in memory, booked as the ledger on the disk books them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from momentum.ledger.entry import AT_ENTRY, entry_columns, extended
from momentum.ledger.exit import exit_columns
from momentum.ledger.fields import session_date
from momentum.ledger.fills import exit_reason
from momentum.ledger.intents import FINAL
from momentum.ledger.rows import INTENDED, LOST, REFUSED, UNKNOWN, Alarm, Intent, Trade
from momentum.ledger.trades import EXTERNAL
from momentum.model.events import Event
from momentum.model.orders import Confirmed, Fill, Order, OrderRequest, Outcome, Refused
from momentum.model.portfolio import Holding

_ENDED = frozenset({REFUSED, LOST, *FINAL})


class Recorder:
    """A `momentum.ledger.records.Records` of one account, kept in memory.

    `trades` are all of them, in order of entry; `orders` every order by client id, with what was known when it
    was decided.
    """

    def __init__(self) -> None:
        self.trades: list[Trade] = []
        self.orders: dict[str, Intent] = {}
        self._at: dict[str, int] = {}
        self._open_orders: dict[str, Intent] = {}
        self._numbers: Counter[str] = Counter()
        self._fills: set[str] = set()
        self._last_fill: datetime | None = None
        self._alarms: dict[tuple[str, str], Alarm] = {}

    def transaction(self) -> AbstractContextManager[None]:
        """Nothing has to be kept together in memory."""
        return nullcontext()

    def next_seq(self, prefix: str) -> int:
        """The next free number for client order ids that begin so."""
        self._numbers[prefix] += 1
        return self._numbers[prefix]

    def write_intent(
        self,
        request: OrderRequest,
        *,
        account: str,
        scan_id: str | None,
        reason: str,
        context: Mapping[str, object],
        at: datetime | None = None,
        strategy: str | None = None,
    ) -> None:
        """Write down an order."""
        intent = Intent(request, account, strategy, scan_id, reason, context, at, INTENDED)
        self._keep(intent)

    def record_outcome(self, client_id: str, outcome: Outcome) -> None:
        """Record what the broker answered."""
        intent = self.orders[client_id]
        if isinstance(outcome, Confirmed):
            self.record_order(outcome.order)
        elif isinstance(outcome, Refused):
            self._keep(replace(intent, status=REFUSED, error=outcome.message, error_kind=outcome.kind.value))
        else:
            self._keep(replace(intent, status=UNKNOWN, error=outcome.message))

    def record_order(self, order: Order) -> bool:
        """Record an order as the broker has it."""
        intent = self.orders.get(order.client_id)
        if intent is None:
            return False
        self._keep(
            replace(
                intent,
                status=order.state.value,
                order_id=order.id,
                updated_at=order.updated_at,
                filled_qty=order.filled_qty,
                fill_price=order.fill_price,
                error=order.reason or None,
            )
        )
        return True

    def record_lost(self, client_id: str) -> None:
        """Record that an order never arrived."""
        self._keep(replace(self.orders[client_id], status=LOST, error="the broker does not know it"))

    def record_unsent(self, client_id: str, why: str) -> None:
        """Record that an order was given up before it was sent."""
        self._keep(replace(self.orders[client_id], status=LOST, error=f"not sent: {why}"))

    def open_intents(self, account: str) -> tuple[Intent, ...]:
        """Orders that may still fill."""
        return tuple(self._open_orders.values())

    def intent(self, client_id: str) -> Intent | None:
        """The order with that client id."""
        return self.orders.get(client_id)

    def is_ours(self, account: str, fill: Fill) -> bool:
        """True for the fill of an order that was written down here."""
        return fill.client_id in self.orders

    def record_fill(self, account: str, fill: Fill, *, new: int | None = None) -> bool:
        """Book a fill once."""
        if fill.id in self._fills:
            return False
        self._fills.add(fill.id)
        self._last_fill = max(fill.at, self._last_fill or fill.at)
        held = self._open(fill.symbol)
        intent = self.orders.get(fill.client_id)
        if fill.side == "buy" and held is None:
            self._add(_opened(account, fill, intent))
        elif fill.side == "buy" and held is not None:
            self._change(held, extended(held, fill.qty, fill.price, fill.commission))
        elif held is not None:
            sold = min(fill.qty, held.quantity)
            change = exit_columns(held, sold, fill.price, fill.at, exit_reason(intent), fill.commission)
            self._change(held, change)
        return True

    def take_broker_counts(self, account: str) -> tuple[Fill, ...]:
        """Nothing: the broker of a backtest tells every fill at once."""
        return ()

    def last_fill(self, account: str) -> datetime | None:
        """The moment of the newest fill."""
        return self._last_fill

    def fills(
        self, *, account: str | None = None, client_id: str | None = None, symbol: str | None = None
    ) -> tuple[Fill, ...]:
        """None: a backtest's fills stand in its trades and orders."""
        return ()

    def open_trades(self, account: str) -> tuple[Trade, ...]:
        """What is held, in symbol order."""
        return tuple(self.trades[self._at[symbol]] for symbol in sorted(self._at))

    def take_over(self, account: str, symbols: Sequence[str]) -> tuple[str, ...]:
        """None: nothing was imported."""
        return ()

    def adopt(self, account: str, holding: Holding, session: date, strategy: str | None) -> bool:
        """False: a backtest's account holds nothing but what its orders bought."""
        return False

    def settle_trade(self, account: str, symbol: str, held: int, price: float | None, at: datetime) -> bool:
        """Take out shares that the account has lost without an order."""
        trade = self._open(symbol)
        if trade is None or trade.quantity <= held:
            return False
        self._change(trade, exit_columns(trade, trade.quantity - held, price, at, EXTERNAL))
        return True

    def rescale_trade(self, account: str, symbol: str, held: int) -> bool:
        """False: prices of a backtest are adjusted for splits."""
        return False

    def update_peak(self, account: str, symbol: str, peak: float, low: float | None = None) -> bool:
        """Tell the open trade of a symbol the highest (and lowest) price since."""
        held = self._open(symbol)
        if held is None:
            return False
        highest = max(peak, held.peak or 0.0)
        change: dict[str, Any] = {"peak": highest, "max_gain": max(0.0, highest / held.entry_price - 1)}
        if low is not None:
            change["max_drawdown"] = min(held.max_drawdown or 0.0, low / held.entry_price - 1)
        self._change(held, change)
        return True

    def alarms(self, account: str) -> tuple[Alarm, ...]:
        """What stands and must be mended."""
        return tuple(self._alarms.values())

    def raise_alarm(self, account: str, kind: str, symbol: str, text: str, at: datetime) -> bool:
        """Let an alarm stand."""
        is_new = (kind, symbol) not in self._alarms
        self._alarms[kind, symbol] = Alarm(account, kind, symbol, text, at)
        return is_new

    def clear_alarm(self, account: str, kind: str, symbol: str, at: datetime) -> bool:
        """Say that it is mended."""
        return self._alarms.pop((kind, symbol), None) is not None

    def record_event(self, event: Event, notifiers: Sequence[str], *, account: str | None) -> bool:
        """False: nobody is told of a backtest."""
        return False

    def _keep(self, intent: Intent) -> None:
        self.orders[intent.client_id] = intent
        if intent.status in _ENDED:
            self._open_orders.pop(intent.client_id, None)
        else:
            self._open_orders[intent.client_id] = intent

    def _open(self, symbol: str) -> Trade | None:
        place = self._at.get(symbol)
        return None if place is None else self.trades[place]

    def _add(self, trade: Trade) -> None:
        self._at[trade.symbol] = len(self.trades)
        self.trades.append(replace(trade, id=len(self.trades) + 1))

    def _change(self, trade: Trade, change: Mapping[str, Any]) -> None:
        changed = replace(trade, **change)
        self.trades[trade.id - 1] = changed
        if changed.status == "closed":
            del self._at[trade.symbol]


def _opened(account: str, fill: Fill, intent: Intent | None) -> Trade:
    known: Mapping[str, Any] = entry_columns(intent.context if intent else {})
    return Trade(
        id=0,
        account=account,
        strategy=intent.strategy if intent else None,
        scan_id=intent.scan_id if intent else None,
        symbol=fill.symbol,
        cap=known["cap"],
        status="open",
        opened_at=fill.at,
        entry_date=session_date(fill.at),
        entry_price=fill.price,
        entry_quantity=fill.qty,
        entry_reason=intent.reason if intent else EXTERNAL,
        closed_at=None,
        exit_date=None,
        exit_price=None,
        exit_quantity=0,
        exit_reason=None,
        commission=fill.commission,
        pnl=None,
        pnl_pct=None,
        composite_score=known["composite_score"],
        entry_signals=known["entry_signals"],
        peak=fill.price,
        max_gain=None,
        max_drawdown=None,
        at_entry={name: known[name] for name in AT_ENTRY if name in known},
    )

"""Bringing ledger and broker together before anything is decided: lost fills, open intents, unknown positions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from momentum.execution import points
from momentum.execution.account import managed
from momentum.execution.following import record_fills, told_fills, withdraw
from momentum.execution.sending import look_up
from momentum.execution.trading import Trading
from momentum.ledger.rows import INTENDED, UNKNOWN, Trade
from momentum.model.orders import Fill
from momentum.model.portfolio import Holding

_SURELY_LOST = timedelta(minutes=10)
"""How long an order may be unknown to the broker before it counts as lost; until then it counts as open."""
_READINGS = 4
"""How often ledger and broker are compared until they agree, or disagree in the same way twice."""
_SAME_COST = 0.01
"""How far the cost of a position may move in a split, as a fraction: brokers round, and pay out broken shares."""


@dataclass(frozen=True, slots=True)
class Change:
    """A position that changed without an order of ours, in shares."""

    symbol: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What was found. `fills` were not in the ledger yet; `lost` are orders that never reached the broker;
    `withdrawn` orders that a command left open when it died. `adopted`, `gone` and `split` are positions
    that changed without an order of ours."""

    fills: tuple[Fill, ...] = ()
    lost: tuple[str, ...] = ()
    withdrawn: tuple[str, ...] = ()
    adopted: tuple[Change, ...] = ()
    gone: tuple[Change, ...] = ()
    split: tuple[Change, ...] = ()


def reconcile(trading: Trading) -> Reconciled:
    """Take the account to the trading's moment and the ledger to the broker's truth.

    Every bar since the account's last moment is lived through first, so that stops and resting orders have
    met it. Raises `UsageError` where the account is past that moment already, `BrokerError` where the
    broker does not answer, `LedgerError` where the ledger cannot be written; nothing may be bought then.
    """
    trading.broker.advance(trading.now)
    lost: list[str] = []
    withdrawn: list[str] = []
    fills: list[Fill] = []
    before: Mapping[str, tuple[int, int]] | None = None
    for reading in range(_READINGS):
        if reading:
            trading.sleep(trading.patience.poll.total_seconds())
        lost += _settle_intents(trading)
        withdrawn += _withdraw_left_over(trading)
        points.reach("reconcile.intents")
        fills += record_fills(trading)
        points.reach("reconcile.fills")
        differences = _differences(trading)
        if not differences or differences == before:
            break
        before = differences
    fills += _record_foreign(trading)
    changes = _settle_positions(trading)
    points.reach("reconcile.positions")
    return Reconciled(tuple(fills), tuple(lost), tuple(withdrawn), *changes)


def _settle_intents(trading: Trading) -> list[str]:
    """Ask the broker for every order that the ledger holds open; returns those that count as lost.

    One that it does not know, after several looks and a while, was lost on the way; not being found right
    after it was sent is no proof.
    """
    lost = []
    for intent in trading.ledger.open_intents(trading.account):
        order = look_up(trading, intent.client_id)
        if order is not None:
            trading.ledger.record_order(order)
        elif intent.intended_at is None or trading.now - intent.intended_at >= _SURELY_LOST:
            trading.ledger.record_lost(intent.client_id)
            lost.append(intent.client_id)
    return lost


def _withdraw_left_over(trading: Trading) -> list[str]:
    """Cancel what is left of buys: a command follows its own to the end, so that an open one lost its command.

    Outside the session a buy may be waiting for the open, as it was meant to.
    """
    if not trading.broker.is_open():
        return []
    withdrawn = []
    for order in trading.broker.orders():
        left_over = order.side == "buy" and order.type == "market" and trading.ledger.intent(order.client_id)
        if left_over:
            trading.ledger.record_order(withdraw(trading, order))
            withdrawn.append(order.client_id)
    return withdrawn


def _differences(trading: Trading) -> Mapping[str, tuple[int, int]]:
    """Shares in the ledger and at the broker, by symbol, where they are not the same.

    A symbol with an order of which nobody knows yet whether it arrived is left out: that order may be why.
    """
    unknown = {
        intent.request.symbol
        for intent in trading.ledger.open_intents(trading.account)
        if intent.status in (INTENDED, UNKNOWN)
    }
    held = _by_symbol(managed(trading))
    known = {trade.symbol: trade for trade in trading.ledger.open_trades(trading.account)}
    pairs = {
        symbol: (
            known[symbol].quantity if symbol in known else 0,
            held[symbol].qty if symbol in held else 0,
        )
        for symbol in sorted(held.keys() | known.keys())
        if symbol not in unknown and symbol not in trading.limits.ignored
    }
    return {symbol: pair for symbol, pair in pairs.items() if pair[0] != pair[1]}


def _record_foreign(trading: Trading) -> list[Fill]:
    """Record the fills of orders that are not ours, as far as they explain a difference.

    A fill that is told after its shares were taken in without it changes no trade any more.
    """
    differences = dict(_differences(trading))
    recorded = []
    for fill in told_fills(trading):
        if trading.ledger.is_ours(trading.account, fill) or fill.symbol in trading.limits.ignored:
            continue
        known, held = differences.get(fill.symbol, (0, 0))
        sign = 1 if fill.side == "buy" else -1
        new = max(0, min(fill.qty, (held - known) * sign))
        if trading.ledger.record_fill(trading.account, fill, new=new):
            recorded.append(fill)
            differences[fill.symbol] = (known + new * sign, held)
    return recorded


def _settle_positions(trading: Trading) -> tuple[tuple[Change, ...], tuple[Change, ...], tuple[Change, ...]]:
    """Take in what changed without a fill: positions adopted, gone, and split."""
    adopted, gone, split = [], [], []
    held = _by_symbol(managed(trading))
    trades = {trade.symbol: trade for trade in trading.ledger.open_trades(trading.account)}
    for symbol, (before, after) in _differences(trading).items():
        change = Change(symbol, before, after)
        holding = held.get(symbol)
        if holding is not None and _is_split(trades.get(symbol), holding):
            trading.ledger.rescale_trade(trading.account, symbol, after)
            split.append(change)
        elif holding is not None and after > before:
            trading.ledger.adopt(trading.account, holding, trading.session, trading.strategy)
            adopted.append(change)
        else:
            price = holding.price if holding else None
            trading.ledger.settle_trade(trading.account, symbol, after, price, trading.now)
            gone.append(change)
    return tuple(adopted), tuple(gone), tuple(split)


def _is_split(trade: Trade | None, holding: Holding) -> bool:
    """Whether a position has another number of shares at the same cost."""
    if trade is None or not trade.quantity:
        return False
    was, now = trade.quantity * trade.entry_price, holding.qty * holding.entry_price
    return abs(now / was - 1) <= _SAME_COST


def _by_symbol(holdings: Iterable[Holding]) -> dict[str, Holding]:
    return {holding.symbol: holding for holding in holdings}

"""Bringing ledger and broker together before anything is decided: lost fills, open intents, unknown positions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from momentum.execution.sending import look_up, record_fills
from momentum.execution.trading import Trading
from momentum.model.orders import Fill

_SURELY_LOST = timedelta(minutes=10)
"""How long an order may be unknown to the broker before it counts as lost; until then it counts as open."""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What was found. `fills` were not in the ledger yet; `lost` are orders that never reached the broker;
    `adopted` and `gone` are positions that changed without an order of ours."""

    fills: tuple[Fill, ...] = ()
    lost: tuple[str, ...] = ()
    adopted: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()


def reconcile(trading: Trading) -> Reconciled:
    """Take the account to the trading's moment and the ledger to the broker's truth.

    Every bar since the account's last moment is lived through first, so that stops and resting orders have
    met it. Raises `UsageError` where the account is past that moment already, `BrokerError` where the
    broker does not answer.
    """
    trading.broker.advance(trading.now)
    lost = _settle_intents(trading)
    fills = record_fills(trading)
    held = {holding.symbol: holding for holding in trading.broker.holdings()}
    known = {trade.symbol: trade.quantity for trade in trading.ledger.open_trades(trading.account)}
    gone = [symbol for symbol, qty in known.items() if qty > (held[symbol].qty if symbol in held else 0)]
    for symbol in gone:
        left = held.get(symbol)
        trading.ledger.settle_trade(
            trading.account, symbol, left.qty if left else 0, left.price if left else None, trading.now
        )
    adopted = [symbol for symbol, holding in held.items() if holding.qty > known.get(symbol, 0)]
    for symbol in adopted:
        trading.ledger.adopt(trading.account, held[symbol], trading.session, trading.strategy)
    return Reconciled(fills, lost, tuple(adopted), tuple(gone))


def _settle_intents(trading: Trading) -> tuple[str, ...]:
    """Ask the broker for every order that the ledger holds open.

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
    return tuple(lost)

"""Bringing ledger and broker together before anything is decided: lost fills, open intents, unknown positions."""

from __future__ import annotations

from dataclasses import dataclass

from momentum.execution.sending import record_fills
from momentum.execution.trading import Trading
from momentum.model.orders import Fill


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What was found. `fills` happened since the account's last moment; `lost` are intents that never arrived."""

    fills: tuple[Fill, ...]
    lost: tuple[str, ...]
    adopted: tuple[str, ...]


def reconcile(trading: Trading) -> Reconciled:
    """Take the account to the trading's moment and the ledger to the broker's truth.

    Every bar since the account's last moment is lived through first, so that stops and resting orders have
    met it. Raises `UsageError` where the account is past that moment already, `BrokerError` where the
    broker does not answer.
    """
    fills = trading.broker.advance(trading.now)
    lost = _settle_intents(trading)
    record_fills(trading)
    return Reconciled(fills, lost, _adopt(trading))


def _settle_intents(trading: Trading) -> tuple[str, ...]:
    """Ask the broker for every order that the ledger holds open; one it never had was lost on the way."""
    lost = []
    for intent in trading.ledger.open_intents(trading.account):
        order = trading.broker.find(intent.client_id)
        if order is not None:
            trading.ledger.record_order(order)
        else:
            trading.ledger.record_lost(intent.client_id)
            lost.append(intent.client_id)
    return tuple(lost)


def _adopt(trading: Trading) -> tuple[str, ...]:
    """Positions that the ledger does not know become trades of unknown origin, so that they are watched too."""
    known = {trade.symbol for trade in trading.ledger.open_trades(trading.account)}
    unknown = [holding for holding in trading.broker.holdings() if holding.symbol not in known]
    for holding in unknown:
        trading.ledger.adopt(trading.account, holding, trading.session, trading.strategy)
    return tuple(holding.symbol for holding in unknown)

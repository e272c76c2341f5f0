"""The account as the engine sees it: the broker's positions with what the ledger knows of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from momentum.errors import BrokerError, DataError
from momentum.execution.trading import Trading
from momentum.ledger.rows import INTENDED, UNKNOWN
from momentum.model.market import Quote
from momentum.model.orders import Order, OrderState
from momentum.model.portfolio import Holding, Portfolio, Position

_GOING = (OrderState.PENDING_CANCEL, OrderState.PENDING_REPLACE)


def portfolio(trading: Trading) -> Portfolio:
    """Positions, orders, cash and equity at this moment. Raises `BrokerError`.

    Prices are the market data's at `trading.now` where it has one, else the broker's; equity is cash plus
    the positions at these prices. An order of which nobody knows whether it arrived counts as open. Positions
    that the settings say to ignore are somebody else's and not part of it.
    """
    # Orders before positions: what fills in between is then seen twice, and never not at all.
    orders = (*_unresolved(trading), *trading.broker.orders())
    ours = [order for order in orders if order.symbol not in trading.limits.ignored]
    everything = [held for held in trading.broker.holdings() if held.symbol not in trading.limits.ignored]
    account = trading.broker.account()
    quotes = _quotes(trading, [holding.symbol for holding in everything])
    trades = {trade.symbol: trade for trade in trading.ledger.open_trades(trading.account)}
    prices = {
        holding.symbol: quotes[holding.symbol].price if holding.symbol in quotes else holding.price
        for holding in everything
    }
    positions = tuple(
        _position(
            trading,
            holding,
            ours,
            prices[holding.symbol],
            trades[holding.symbol].entry_date if holding.symbol in trades else None,
            trades[holding.symbol].peak if holding.symbol in trades else None,
        )
        for holding in everything
        if holding.qty > 0
    )
    # Shares that somebody sold short are no position here, but they are owed.
    equity = account.cash + sum(holding.qty * prices[holding.symbol] for holding in everything)
    return Portfolio(trading.now, equity, account.cash, positions, tuple(ours))


def managed(trading: Trading) -> tuple[Holding, ...]:
    """The broker's long positions but those that the settings say to ignore; shares sold short are nobody's here."""
    ignored = trading.limits.ignored
    return tuple(held for held in trading.broker.holdings() if held.qty > 0 and held.symbol not in ignored)


def _quotes(trading: Trading, symbols: Sequence[str]) -> Mapping[str, Quote]:
    """Prices, or none at all where the data cannot be read: stops are placed by the broker's prices then."""
    try:
        return trading.prices.quotes(symbols, trading.now)
    except DataError:
        return {}


def _unresolved(trading: Trading) -> tuple[Order, ...]:
    """Orders that were written down, and of which the broker has not told yet whether it has them."""
    waiting = [i for i in trading.ledger.open_intents(trading.account) if i.status in (INTENDED, UNKNOWN)]
    return tuple(
        Order(
            id="",
            client_id=intent.client_id,
            symbol=intent.request.symbol,
            side=intent.request.side,
            type=intent.request.type,
            qty=intent.request.qty,
            state=OrderState.UNKNOWN,
            submitted_at=intent.intended_at or trading.now,
            updated_at=intent.updated_at or trading.now,
        )
        for intent in waiting
        if intent.request.type == "market" and not _is_known(trading, intent.client_id)
    )


def _is_known(trading: Trading, client_id: str) -> bool:
    """Whether the broker has the order after all: then it stands among its orders or holdings, and counts there."""
    try:
        return trading.broker.find(client_id) is not None
    except BrokerError:
        return False


def covers(order: Order, symbol: str) -> bool:
    """True for an open order that takes care of a symbol's shares: a stop over them, or their sale at the market.

    One that is being cancelled or changed takes care of nothing that can be relied on.
    """
    is_there = order.symbol == symbol and order.state not in _GOING
    return is_there and order.side == "sell" and (order.is_stop or order.type == "market")


def _position(
    trading: Trading,
    holding: Holding,
    orders: Sequence[Order],
    price: float,
    opened: date | None,
    peak: float | None,
) -> Position:
    stops = [order for order in orders if order.is_stop and covers(order, holding.symbol)]
    levels = [order.stop_price for order in stops if order.stop_price is not None]
    peaks = [order.hwm for order in stops if order.hwm is not None]
    known_peaks = [value for value in (peak, *peaks, holding.entry_price, price) if value is not None]
    return Position(
        symbol=holding.symbol,
        qty=holding.qty,
        entry_price=holding.entry_price,
        price=price,
        cap=trading.universe.cap_of(holding.symbol),
        sector=trading.universe.sector_of(holding.symbol),
        opened=opened,
        peak=max(known_peaks),
        days=trading.sessions.count(opened, trading.session) if opened else 0,
        stop_qty=sum(order.remaining for order in stops),
        stop_price=max(levels) if levels else None,
    )

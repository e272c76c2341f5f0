"""The account as the engine sees it: the broker's positions with what the ledger knows of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from momentum.execution.trading import Trading
from momentum.model.orders import Order
from momentum.model.portfolio import Holding, Portfolio, Position


def portfolio(trading: Trading) -> Portfolio:
    """Positions, orders, cash and equity at this moment. Raises `BrokerError`.

    Prices are the market data's at `trading.now` where it has one, else the broker's; equity is cash plus
    the positions at these prices.
    """
    account = trading.broker.account()
    holdings = trading.broker.holdings()
    orders = trading.broker.orders()
    quotes = trading.data.quotes([holding.symbol for holding in holdings], trading.now)
    trades = {trade.symbol: trade for trade in trading.ledger.open_trades(trading.account)}
    positions = tuple(
        _position(
            trading,
            holding,
            orders,
            quotes[holding.symbol].price if holding.symbol in quotes else holding.price,
            trades[holding.symbol].entry_date if holding.symbol in trades else None,
            trades[holding.symbol].peak if holding.symbol in trades else None,
        )
        for holding in holdings
    )
    equity = account.cash + sum(position.value for position in positions)
    return Portfolio(trading.now, equity, account.cash, positions, orders)


def _position(
    trading: Trading,
    holding: Holding,
    orders: Sequence[Order],
    price: float,
    opened: date | None,
    peak: float | None,
) -> Position:
    stops = [order for order in orders if order.symbol == holding.symbol and order.is_stop]
    levels = [order.stop_price for order in stops if order.stop_price is not None]
    peaks = [order.hwm for order in stops if order.hwm is not None]
    known_peaks = [value for value in (peak, *peaks, holding.entry_price) if value is not None]
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

"""A backtest's result to report on: an account that moved, trades with orders, and settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from backtest_builders import curve, days_of, result, trade
from momentum.backtest.result import Result
from momentum.ledger.rows import Intent, Trade
from momentum.model.orders import OrderRequest, OrderType, Side

SETTINGS = {
    "backtest.cash": {"value": 100000, "origin": "strategies/momentum_breakout.yaml:40"},
    "backtest.slippage": {"value": "5bps", "origin": "default"},
    "backtest.sell_fees.per_million": {"value": 27.8, "origin": "--set"},
    "limits.max_positions": {"value": 6, "origin": "momentum.yaml:52"},
}

TRADES = (
    trade(120.0, symbol="MU", entry=1, exit=3, signals={"gap": 2.0, "strength": 3.0}),
    trade(-55.0, symbol="AMD", entry=2, exit=2, reason="signal: close < sma_20", cap="small"),
    trade(None, symbol="INTC", entry=4, exit=None),
)


def numbered(trades: Sequence[Trade]) -> tuple[Trade, ...]:
    """The trades with the ids and the excursions that a backtest gives them."""
    return tuple(
        replace(one, id=number, max_gain=0.04, max_drawdown=-0.02) for number, one in enumerate(trades, 1)
    )


def order(of: Trade, side: Side = "buy", type: OrderType = "market", reason: str = "bought") -> Intent:
    """A filled order of a trade, at the trade's own moment, price and size."""
    at = of.opened_at if side == "buy" or type == "trailing_stop" else of.closed_at
    known: dict[str, object] = {
        "score": 15.0,
        "rank": 1.0,
        "score:gap": 2.0,
        "close": 99.5,
        "breakout_5d": True,
        "vix": None,
    }
    request = OrderRequest(
        f"{of.symbol}-{side}-{of.id}", of.symbol, side, type, of.entry_quantity,
        trail=0.05 if type == "trailing_stop" else None,
    )  # fmt: skip
    return Intent(
        request=request,
        account="backtest",
        strategy="momentum_breakout",
        scan_id="",
        reason=reason,
        context=known if side == "buy" else {},
        intended_at=at,
        status="filled",
        updated_at=at if side == "buy" else of.closed_at,
        filled_qty=of.entry_quantity,
        fill_price=of.entry_price if side == "buy" else of.exit_price,
    )


def reported(
    trades: Sequence[Trade] = TRADES, *, strategy: str = "momentum_breakout", sessions: int = 12
) -> Result:
    """A result with these trades, each with its orders, over some sessions, beside a benchmark."""
    made = numbered(trades)
    orders = [one for each in made for one in _orders(each)]
    equity = curve([0.01, -0.02, 0.005] * sessions)[:sessions]
    found = result(days_of(equity, benchmark=[200.0 + n for n in range(sessions)]), made)
    return replace(
        found,
        strategy=strategy,
        description="Gaps that follow through",
        orders={one.client_id: one for one in orders},
        settings=SETTINGS,
        data="made for a test",
        data_hash="0123456789abcdef",
        notes=("the data holds no delisted symbol",),
    )


def _orders(of: Trade) -> list[Intent]:
    """A trade's orders as they are written down: the buy, then the stop or the sale that closed it."""
    if of.exit_reason is None:
        return [order(of)]
    is_stop = of.exit_reason == "trailing_stop"
    return [order(of), order(of, "sell", "trailing_stop" if is_stop else "market", of.exit_reason)]

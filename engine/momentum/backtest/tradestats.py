"""What the closed trades say: how often they won, how much, and how long they took."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from momentum.backtest.performance import known
from momentum.backtest.ratios import SESSIONS_A_YEAR, Numbers, quotient
from momentum.backtest.result import Day, Result
from momentum.ledger.rows import Trade


@dataclass(frozen=True, slots=True)
class TradeStats:
    """The closed trades of an account, in dollars after commissions; None is not defined.

    `average_loss` is negative. `expectancy_rate` and the average rates are fractions of what a trade's entry
    cost. `holding` counts sessions from entry to exit, 0 for a trade of one session. `commission` is what all
    trades paid, open ones too; `open` are those held at the end, and count nowhere else.
    """

    trades: int
    open: int
    wins: int
    losses: int
    pnl: float
    win_rate: float | None
    profit_factor: float | None
    expectancy: float | None
    expectancy_rate: float | None
    average_win: float | None
    average_loss: float | None
    average_win_rate: float | None
    average_loss_rate: float | None
    holding: float | None
    commission: float


def win_rate(pnl: Numbers) -> Numbers:
    """The share of trades that earned more than nothing after costs; a trade of 0 dollars is no win.

    Takes dollars of shape (..., n), as the two below do; NaN where there is no trade.
    """
    return _mean((pnl > 0).astype(np.float64))


def profit_factor(pnl: Numbers) -> Numbers:
    """Dollars won by the winners for each dollar lost by the losers: sum(wins) / |sum(losses)|.

    Infinite where no trade lost, NaN where none won either.
    Source: Tharp (1998), Trade Your Way to Financial Freedom; so in every trading platform's report.
    """
    won, lost = np.maximum(pnl, 0.0), np.minimum(pnl, 0.0)
    return quotient(won.sum(axis=-1), -lost.sum(axis=-1))


def expectancy(pnl: Numbers) -> Numbers:
    """What a trade earned on average: win rate * average win + loss rate * average loss, the mean of all.

    Source: Tharp (1998), Trade Your Way to Financial Freedom.
    """
    return _mean(pnl)


def measured(result: Result) -> tuple[Trade, ...]:
    """The closed trades of which it is known what they earned, by exit session."""
    return tuple(trade for trade in result.closed if trade.pnl is not None)


def dollars(trades: Sequence[Trade]) -> Numbers:
    """What each trade earned after commissions."""
    return np.array([trade.pnl for trade in trades], dtype=np.float64)


def trade_stats(result: Result) -> TradeStats:
    """Count and average the closed trades."""
    closed = measured(result)
    pnl = dollars(closed)
    rates = pnl / np.array([trade.entry_price * trade.entry_quantity for trade in closed], dtype=np.float64)
    won, lost = pnl > 0, pnl < 0
    days = [day.day for day in result.days]
    held = np.array([_sessions_held(trade, days) for trade in closed], dtype=np.float64)
    return TradeStats(
        trades=len(closed),
        open=sum(trade.status == "open" for trade in result.trades),
        wins=int(won.sum()),
        losses=int(lost.sum()),
        pnl=float(pnl.sum()),
        win_rate=known(win_rate(pnl)),
        profit_factor=known(profit_factor(pnl)),
        expectancy=known(expectancy(pnl)),
        expectancy_rate=known(_mean(rates)),
        average_win=known(_mean(pnl[won])),
        average_loss=known(_mean(pnl[lost])),
        average_win_rate=known(_mean(rates[won])),
        average_loss_rate=known(_mean(rates[lost])),
        holding=known(_mean(held)),
        commission=float(sum(trade.commission for trade in result.trades)),
    )


def turnover(result: Result) -> float | None:
    """How often a year the account was turned over: the lesser of dollars bought and sold / mean equity / years.

    None for a single session. Source: U.S. SEC, Form N-1A, Item 13, portfolio turnover rate.
    """
    mean = sum(day.equity for day in result.days) / len(result.days)
    years = (len(result.days) - 1) / SESSIONS_A_YEAR
    if not years or mean <= 0:
        return None
    bought = sum(trade.entry_price * trade.entry_quantity for trade in result.trades)
    sold = sum((trade.exit_price or 0.0) * trade.exit_quantity for trade in result.trades)
    return min(bought, sold) / mean / years


def exposure(days: Sequence[Day]) -> float | None:
    """The mean share of equity that was invested at the close, over sessions with any equity."""
    shares = [day.invested / day.equity for day in days if day.equity > 0]
    return sum(shares) / len(shares) if shares else None


def time_in_market(days: Sequence[Day]) -> float:
    """The share of sessions at whose close a position was held."""
    return sum(day.positions > 0 for day in days) / len(days)


def _sessions_held(trade: Trade, days: Sequence[date]) -> int:
    assert trade.exit_date is not None
    return bisect_left(days, trade.exit_date) - bisect_left(days, trade.entry_date)


def _mean(values: Numbers) -> Numbers:
    if values.shape[-1] == 0:
        return np.full(values.shape[:-1], np.nan)
    return np.asarray(np.mean(values, axis=-1))

"""Builders for the tests of what a backtest found: an account's curve, and trades with what they earned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta

import numpy as np

from momentum.backtest.ratios import Numbers
from momentum.backtest.result import Day, Result
from momentum.ledger.rows import Trade

FIRST = date(2015, 1, 5)
"""A Monday."""


def weekday(number: int) -> date:
    """The date of a session that comes so many weekdays after the first."""
    weeks, days = divmod(number, 5)
    return FIRST + timedelta(weeks=weeks, days=days)


def curve(returns: Sequence[float] | Numbers, start: float = 100_000.0) -> list[float]:
    """The equity of an account that begins with `start` and then has these daily returns."""
    return [start, *(start * np.cumprod(1 + np.asarray(returns, dtype=float))).tolist()]


def days_of(
    equity: Sequence[float],
    *,
    benchmark: Sequence[float | None] | None = None,
    invested: Sequence[float] | None = None,
) -> tuple[Day, ...]:
    """A day for each value of the account, on weekdays; nothing invested by default."""
    held = invested or [0.0] * len(equity)
    known = benchmark or [None] * len(equity)
    return tuple(
        Day(weekday(n), value, value - held[n], held[n], int(held[n] > 0), known[n])
        for n, value in enumerate(equity)
    )


def trade(
    pnl: float | None,
    *,
    symbol: str = "MU",
    entry: int = 0,
    exit: int | None = 1,
    price: float = 100.0,
    quantity: int = 10,
    commission: float = 0.0,
    cap: str | None = "large",
    reason: str = "trailing_stop",
    signals: Mapping[str, float] | None = None,
) -> Trade:
    """A trade that earned so many dollars after commissions; `exit=None` leaves it open."""
    closed = exit is not None
    exit_day = weekday(exit) if exit is not None else None
    sold = price + (pnl + commission) / quantity if closed and pnl is not None else None
    return Trade(
        id=1,
        account="backtest",
        strategy="momentum_breakout",
        scan_id="",
        symbol=symbol,
        cap=cap,
        status="closed" if closed else "open",
        opened_at=_noon(weekday(entry)),
        entry_date=weekday(entry),
        entry_price=price,
        entry_quantity=quantity,
        entry_reason="score 15",
        closed_at=_noon(exit_day) if exit_day else None,
        exit_date=exit_day,
        exit_price=sold,
        exit_quantity=quantity if closed else 0,
        exit_reason=reason if closed else None,
        commission=commission,
        pnl=pnl if closed else None,
        pnl_pct=None if sold is None else (sold / price - 1) * 100,
        composite_score=15.0,
        entry_signals=dict(signals or {}),
        peak=price,
        max_gain=None,
        max_drawdown=None,
        at_entry={},
    )


def result(
    days: Sequence[Day], trades: Sequence[Trade] = (), sectors: Mapping[str, str] | None = None
) -> Result:
    """What a backtest found: these days and trades."""
    return Result(
        strategy="momentum_breakout",
        description="",
        days=tuple(days),
        trades=tuple(trades),
        orders={},
        sectors=sectors or {},
        benchmark_name="SPY",
        settings={},
        data="made for a test",
        data_hash="",
    )


def _noon(day: date) -> datetime:
    return datetime.combine(day, time(16), tzinfo=UTC)

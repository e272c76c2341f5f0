"""The metrics of a backtest, all in one place: what a table shows and what metrics.json holds."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import date

import numpy as np

from momentum.backtest.attribution import Attribution, YearReturns, attribution, monthly_returns
from momentum.backtest.performance import (
    Performance,
    Regression,
    against_benchmark,
    benchmark_values,
    performance,
)
from momentum.backtest.ratios import SESSIONS_A_YEAR
from momentum.backtest.result import Result
from momentum.backtest.tradestats import TradeStats, exposure, time_in_market, trade_stats, turnover

_NO_TRADE = "no trade was closed"
_ONE_SESSION = "needs at least two sessions"
_UNDEFINED = {
    "cagr": _ONE_SESSION,
    "volatility": "needs at least three sessions",
    "sharpe": "needs at least three sessions, and returns that vary",
    "sortino": "no return differs from the risk-free rate",
    "calmar": "neither growth nor a drawdown",
    "drawdown": "the value never fell",
    "best_day": _ONE_SESSION,
    "worst_day": _ONE_SESSION,
    "alpha": "needs at least two returns of a benchmark that varies",
    "beta": "needs at least two returns of a benchmark that varies",
    "correlation": "needs at least two returns, and both sides to vary",
    "win_rate": _NO_TRADE,
    "profit_factor": "no closed trade won or lost anything",
    "expectancy": _NO_TRADE,
    "expectancy_rate": _NO_TRADE,
    "average_win": "no closed trade won",
    "average_win_rate": "no closed trade won",
    "average_loss": "no closed trade lost",
    "average_loss_rate": "no closed trade lost",
    "holding": _NO_TRADE,
    "turnover": "needs at least two sessions, and equity",
    "exposure": "no session had any equity",
}
_INFINITE = {
    "profit_factor": "infinite: no closed trade lost",
    "sortino": "infinite: no return was below the risk-free rate",
    "calmar": "infinite: growth without a drawdown",
    "cagr": "too large to be written: a short span extrapolated to a year",
}


@dataclass(frozen=True, slots=True)
class Metrics:
    """What a backtest comes to. Rates are fractions, money is dollars, a year is 252 sessions.

    The account is measured from the close of its first session. `benchmark` is None where its value is not known
    then. `exposure` is the mean share of equity invested, `time_in_market` the share of sessions that closed with
    a position, `turnover` how often a year the account was turned over. A value that is not defined is None, a
    gain without any loss an infinity; `notes` says why for each, by its place (`trades.profit_factor`).
    """

    start: date
    end: date
    sessions: int
    risk_free: float
    initial_equity: float
    final_equity: float
    account: Performance
    benchmark_name: str
    benchmark: Performance | None
    against: Regression
    trades: TradeStats
    turnover: float | None
    exposure: float | None
    time_in_market: float
    months: tuple[YearReturns, ...]
    benchmark_months: tuple[YearReturns, ...]
    attribution: Attribution
    notes: Mapping[str, str]


def metrics_of(result: Result, risk_free: float = 0.0) -> Metrics:
    """Measure a result that has at least one session; `risk_free` is a fraction a year."""
    days = [day.day for day in result.days]
    equity = np.array([day.equity for day in result.days])
    index = benchmark_values(result.days)
    account = performance(equity, days, risk_free)
    benchmark = None if index is None else performance(index, days, risk_free)
    against = against_benchmark(result.days, risk_free)
    trades = trade_stats(result)
    turned, invested = turnover(result), exposure(result.days)
    parts = {
        "account": account,
        "benchmark": benchmark,
        "against": against,
        "trades": trades,
        "turnover": turned,
        "exposure": invested,
    }
    return Metrics(
        start=days[0],
        end=days[-1],
        sessions=len(days),
        risk_free=risk_free,
        initial_equity=float(equity[0]),
        final_equity=float(equity[-1]),
        account=account,
        benchmark_name=result.benchmark_name,
        benchmark=benchmark,
        against=against,
        trades=trades,
        turnover=turned,
        exposure=invested,
        time_in_market=time_in_market(result.days),
        months=monthly_returns(days, equity),
        benchmark_months=() if index is None else monthly_returns(days, index),
        attribution=attribution(result),
        notes={**_notes_on(result), **dict(_reasons("", parts))},
    )


def to_json(metrics: Metrics) -> dict[str, object]:
    """The metrics as JSON's own types: dates as ISO text; what is None or infinite as null, with its note."""
    return {field.name: plain(getattr(metrics, field.name)) for field in fields(metrics)}


def plain(value: object) -> object:
    """A value of metrics or intervals in JSON's own types; dates as ISO text, what is not finite as null."""
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _notes_on(result: Result) -> dict[str, str]:
    """What must be known to read the numbers, other than why one is missing."""
    notes = {}
    count = len(result.days)
    if 1 < count <= SESSIONS_A_YEAR:
        notes["account.cagr"] = f"{count - 1} returns extrapolated to a year of {SESSIONS_A_YEAR}"
    missing = sum(day.benchmark is None for day in result.days)
    if result.days[0].benchmark is None:
        notes["benchmark"] = "not known at the first session"
    elif missing:
        notes["benchmark"] = f"not known at {missing} of {count} sessions: its last known value stands there"
    unknown = sum(trade.pnl is None for trade in result.closed)
    if unknown:
        notes["trades"] = f"{unknown} closed without a known price: left out of every metric of trades"
    return notes


def _reasons(place: str, value: object) -> Iterator[tuple[str, str]]:
    """Why each number under a place is missing or infinite."""
    if is_dataclass(value):
        value = {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _reasons(f"{place}.{key}" if place else key, item)
        return
    name = place.rpartition(".")[2]
    if value is None and name in _UNDEFINED:
        yield place, _UNDEFINED[name]
    elif isinstance(value, float) and math.isinf(value):
        yield place, _INFINITE[name]

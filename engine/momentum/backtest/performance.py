"""How an account did, and how its benchmark did: the ratios of one curve, with the dates of its extremes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from momentum.backtest import ratios
from momentum.backtest.ratios import Numbers
from momentum.backtest.result import Day


@dataclass(frozen=True, slots=True)
class Drawdown:
    """The deepest fall from a peak. `depth` is a fraction, 0 or less.

    `peak` is the last session at the peak, `trough` the lowest, `recovered` the first that was no lower than the
    peak again, None where that never came. `sessions` are those from the peak to the recovery, or to the end.
    """

    depth: float
    peak: date
    trough: date
    recovered: date | None
    sessions: int


@dataclass(frozen=True, slots=True)
class DayReturn:
    """The return of one session, as a fraction."""

    day: date
    rate: float


@dataclass(frozen=True, slots=True)
class Performance:
    """One curve, judged. Rates are fractions, annual ones by 252 sessions; None is not defined.

    `drawdown` is None where the curve never fell; `longest_drawdown` counts the sessions of the longest time
    under a peak, which need not be the deepest.
    """

    total_return: float
    cagr: float | None
    volatility: float | None
    sharpe: float | None
    sortino: float | None
    calmar: float | None
    drawdown: Drawdown | None
    longest_drawdown: int
    best_day: DayReturn | None
    worst_day: DayReturn | None

    @property
    def max_drawdown(self) -> float:
        """The depth of the drawdown, 0 where there is none."""
        return self.drawdown.depth if self.drawdown else 0.0


@dataclass(frozen=True, slots=True)
class Regression:
    """The account against its benchmark over `sessions` daily returns; `alpha` is a fraction a year."""

    alpha: float | None
    beta: float | None
    correlation: float | None
    sessions: int


def performance(values: Numbers, days: Sequence[date], risk_free: float = 0.0) -> Performance:
    """Judge a curve: its value at each of the sessions, at least one of them, the first above 0."""
    returns = ratios.daily_returns(values)
    return Performance(
        total_return=float(ratios.total_return(values)),
        cagr=known(ratios.cagr(values)),
        volatility=known(ratios.volatility(returns)),
        sharpe=known(ratios.sharpe(returns, risk_free)),
        sortino=known(ratios.sortino(returns, risk_free)),
        calmar=known(ratios.calmar(values)),
        drawdown=deepest_drawdown(values, days),
        longest_drawdown=longest_drawdown(values),
        best_day=_day_return(returns, days, int(returns.argmax())) if returns.size else None,
        worst_day=_day_return(returns, days, int(returns.argmin())) if returns.size else None,
    )


def deepest_drawdown(values: Numbers, days: Sequence[date]) -> Drawdown | None:
    """The deepest drawdown with its dates, the first of equals; None where the values never fall."""
    falls = ratios.drawdowns(values)
    trough = int(falls.argmin())
    if falls[trough] >= 0:
        return None
    peak = trough - int(values[: trough + 1][::-1].argmax())
    later = np.flatnonzero(values[trough:] >= values[peak])
    recovered = trough + int(later[0]) if later.size else None
    end = len(days) - 1 if recovered is None else recovered
    back = None if recovered is None else days[recovered]
    return Drawdown(float(falls[trough]), days[peak], days[trough], back, end - peak)


def longest_drawdown(values: Numbers) -> int:
    """The most sessions from a peak to its recovery, or to the end; 0 where the values never fall."""
    above = np.flatnonzero(ratios.drawdowns(values) >= 0)
    ends = np.append(above[1:], values.size - 1)
    lengths = ends - above
    fell = np.append(lengths[:-1] > 1, lengths[-1] > 0)
    return int(np.max(lengths * fell))


def benchmark_values(days: Sequence[Day]) -> Numbers | None:
    """The benchmark at each session, its last known value where it is not known.

    None where it is not known at the first session: what starts later cannot be compared.
    """
    if not days or days[0].benchmark is None:
        return None
    values: list[float] = []
    for day in days:
        values.append(values[-1] if day.benchmark is None else day.benchmark)
    return np.array(values)


def against_benchmark(days: Sequence[Day], risk_free: float = 0.0) -> Regression:
    """Alpha, beta and correlation, over the sessions of which both returns are known."""
    values = np.array([[day.equity, np.nan if day.benchmark is None else day.benchmark] for day in days])
    account, benchmark = ratios.daily_returns(values[:, 0]), values[1:, 1] / values[:-1, 1] - 1
    both = np.isfinite(benchmark)
    alpha, beta, correlation = ratios.regression(account[both], benchmark[both], risk_free)
    return Regression(known(alpha), known(beta), known(correlation), int(both.sum()))


def known(value: float | Numbers) -> float | None:
    """A number as Python's float; None for NaN."""
    number = float(value)
    return None if np.isnan(number) else number


def _day_return(returns: Numbers, days: Sequence[date], at: int) -> DayReturn:
    return DayReturn(days[at + 1], float(returns[at]))

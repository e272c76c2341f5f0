"""The ratios by which an account's curve is judged: formulas over arrays, by the year of 252 sessions.

Every function takes arrays of shape (..., n) along their last axis, so that one formula serves the account and
thousands of resampled accounts alike. What is not defined is NaN, and a gain without any loss an infinity.
Returns are simple returns of one session as fractions; the risk-free rate is a fraction a year.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

SESSIONS_A_YEAR = 252

Numbers = NDArray[np.float64]

_ROUNDING = 1e-12
"""A deviation of returns below this is what float64 leaves of none at all."""


def daily_returns(values: Numbers) -> Numbers:
    """The returns from session to session: v[t] / v[t-1] - 1, one fewer than values.

    Once nothing is left nothing more is won or lost: after a value of 0 or less the returns are 0.
    """
    before, after = values[..., :-1], values[..., 1:]
    return np.divide(after, before, out=np.ones_like(after), where=before > 0) - 1


def total_return(values: Numbers) -> Numbers:
    """What became of the first value: v[last] / v[first] - 1."""
    return np.asarray(values[..., -1] / values[..., 0] - 1)


def cagr(values: Numbers) -> Numbers:
    """Compound annual growth rate: (v[last] / v[first]) ** (252 / returns) - 1; -1 where all is lost.

    NaN for a single session. Less than a year is extrapolated to one, which says little.
    Source: CFA Institute, GIPS 2020, annualised time-weighted return.
    """
    count = values.shape[-1] - 1
    growth = np.maximum(values[..., -1] / values[..., 0], 0.0)
    if count == 0:
        return np.full_like(growth, np.nan)
    with np.errstate(over="ignore"):
        return np.asarray(np.power(growth, SESSIONS_A_YEAR / count) - 1)


def volatility(returns: Numbers) -> Numbers:
    """Annualised standard deviation: s * sqrt(252), with s over n - 1. NaN for fewer than two returns."""
    return _deviation(returns) * math.sqrt(SESSIONS_A_YEAR)


def sharpe(returns: Numbers, risk_free: float = 0.0) -> Numbers:
    """Sharpe ratio: mean(r - f) / s(r - f) * sqrt(252), with s over n - 1.

    f = (1 + risk_free) ** (1 / 252) - 1. NaN for fewer than two returns, or returns that never vary.
    Source: Sharpe (1994), The Sharpe Ratio, Journal of Portfolio Management 21(1).
    """
    excess = returns - daily_rate(risk_free)
    deviation = _deviation(excess)
    if excess.shape[-1] == 0:
        return deviation
    defined = np.where(deviation > _ROUNDING, deviation, np.nan)
    return np.asarray(np.mean(excess, axis=-1) / defined * math.sqrt(SESSIONS_A_YEAR))


def sortino(returns: Numbers, risk_free: float = 0.0) -> Numbers:
    """Sortino ratio: mean(r - f) / sqrt(mean(min(r - f, 0) ** 2)) * sqrt(252).

    The downside deviation is taken over all returns, not the losing ones alone. Infinite where no return is
    below f and one is above it; NaN where none differs from it.
    Source: Sortino and Price (1994), Performance Measurement in a Downside Risk Framework, Journal of Investing 3(3).
    """
    excess = returns - daily_rate(risk_free)
    if excess.shape[-1] == 0:
        return np.full(excess.shape[:-1], np.nan)
    downside = np.sqrt(np.mean(np.minimum(excess, 0.0) ** 2, axis=-1))
    return quotient(np.mean(excess, axis=-1), downside) * math.sqrt(SESSIONS_A_YEAR)


def drawdowns(values: Numbers) -> Numbers:
    """How far each value lies under the highest so far: v[t] / max(v[0..t]) - 1, 0 or less."""
    return values / np.maximum.accumulate(values, axis=-1) - 1


def max_drawdown(values: Numbers) -> Numbers:
    """The deepest drawdown, 0 or less: -0.2 is a fifth lost from a peak.

    Source: Magdon-Ismail and Atiya (2004), Maximum Drawdown, Risk Magazine 17(10).
    """
    return np.asarray(np.min(drawdowns(values), axis=-1))


def calmar(values: Numbers) -> Numbers:
    """Calmar ratio: CAGR / |max drawdown|, over the whole span.

    Infinite where there was a gain and no drawdown. Source: Young (1991), Calmar Ratio: A Smoother Tool, Futures
    20(1), who takes the last 36 months.
    """
    return quotient(cagr(values), -max_drawdown(values))


def regression(returns: Numbers, benchmark: Numbers, risk_free: float = 0.0) -> tuple[float, float, float]:
    """Alpha, beta and correlation of returns against a benchmark's, both of shape (n,).

    Ordinary least squares of r - f = a + beta * (b - f): beta = cov(r, b) / var(b), alpha = a * 252. NaN for
    fewer than two returns, or where one side never varies (beta is then 0 if that side is the account).
    Source: Jensen (1968), The Performance of Mutual Funds in the Period 1945-1964, Journal of Finance 23(2).
    """
    if returns.size < 2 or _deviation(benchmark) <= _ROUNDING:
        return math.nan, math.nan, math.nan
    rate = daily_rate(risk_free)
    apart, apart_b = returns - returns.mean(), benchmark - benchmark.mean()
    beta = float(apart @ apart_b / (apart_b @ apart_b))
    alpha = float(returns.mean() - rate - beta * (benchmark.mean() - rate)) * SESSIONS_A_YEAR
    if _deviation(returns) <= _ROUNDING:
        return alpha, beta, math.nan
    correlation = float(apart @ apart_b) / math.sqrt(float(apart @ apart) * float(apart_b @ apart_b))
    return alpha, beta, min(1.0, max(-1.0, correlation))


def daily_rate(annual: float) -> float:
    """The rate of one session that compounds to an annual one: (1 + annual) ** (1 / 252) - 1."""
    return float((1 + annual) ** (1 / SESSIONS_A_YEAR) - 1)


def quotient(above: Numbers, below: Numbers) -> Numbers:
    """above / below; an infinity where only `below` is 0, NaN where both are."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.asarray(np.divide(above, below + 0.0))  # -0.0 becomes 0.0, or a gain would be -inf


def _deviation(returns: Numbers) -> Numbers:
    if returns.shape[-1] < 2:
        return np.full(returns.shape[:-1], np.nan)
    return np.asarray(np.std(returns, axis=-1, ddof=1))

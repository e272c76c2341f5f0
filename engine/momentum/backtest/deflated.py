"""Is it luck? The Sharpe ratio against its own uncertainty, and against how many variants were tried.

All Sharpe ratios are annual, by 252 sessions; the formulas of the papers are in returns of one session.
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

from momentum.backtest.ratios import SESSIONS_A_YEAR, Numbers, daily_rate, sharpe

_NORMAL = NormalDist()
_EULER = float(np.euler_gamma)


def probabilistic_sharpe(returns: Numbers, benchmark: float = 0.0, risk_free: float = 0.0) -> float | None:
    """The probability that the true Sharpe ratio is above a benchmark, from daily returns of shape (n,).

    PSR = Z((SR - SR*) sqrt(n - 1) / sqrt(1 - g3 SR + (g4 - 1) / 4 SR**2)), with the Sharpe ratios of one session, g3
    the skewness and g4 the kurtosis (3 for a normal distribution) of the returns: losses that are rare and large
    make a Sharpe ratio less certain. None where the Sharpe ratio is not defined.
    Source: Bailey and López de Prado (2012), The Sharpe Ratio Efficient Frontier, Journal of Risk 15(2).
    """
    annual = float(sharpe(returns, risk_free))
    if math.isnan(annual):
        return None
    skew, kurtosis = _shape(returns - daily_rate(risk_free))
    return probability_above(annual, benchmark, returns.size, skew, kurtosis)


def probability_above(
    annual: float, benchmark: float, count: int, skew: float = 0.0, kurtosis: float = 3.0
) -> float:
    """The same from a Sharpe ratio, the number of its returns and their shape."""
    root = math.sqrt(SESSIONS_A_YEAR)
    observed, above = annual / root, (annual - benchmark) / root
    spread = math.sqrt(max(0.0, 1 - skew * observed + (kurtosis - 1) / 4 * observed**2))
    if spread == 0:
        return 0.5 if above == 0 else float(above > 0)
    return _NORMAL.cdf(above * math.sqrt(count - 1) / spread)


def expected_best(tried: int, variance: float) -> float:
    """The Sharpe ratio that the best of so many variants without any edge is expected to show; 0 for one.

    E[max] = sqrt(V) ((1 - g) Zinv(1 - 1/N) + g Zinv(1 - 1/(N e))), with V the variance of the variants' (annual) Sharpe
    ratios and g the Euler-Mascheroni constant. Source: Bailey and López de Prado (2014), as below.
    """
    if tried <= 1:
        return 0.0
    usual, rare = _NORMAL.inv_cdf(1 - 1 / tried), _NORMAL.inv_cdf(1 - 1 / (tried * math.e))
    return math.sqrt(variance) * ((1 - _EULER) * usual + _EULER * rare)


def deflated_sharpe(returns: Numbers, tried: int, variance: float, risk_free: float = 0.0) -> float | None:
    """The probability that the true Sharpe ratio is above what luck gives the best of the variants tried.

    DSR = PSR against `expected_best(tried, variance)`; `variance` is that of the annual Sharpe ratios of all that
    were tried, this one among them. None where the Sharpe ratio is not defined. Above 0.95 is the usual mark.
    Source: Bailey and López de Prado (2014), The Deflated Sharpe Ratio, Journal of Portfolio Management 40(5).
    """
    return probabilistic_sharpe(returns, expected_best(tried, variance), risk_free)


def verdict(returns: Numbers, tried: int, variance: float, risk_free: float = 0.0) -> str:
    """What the deflated Sharpe ratio says, as a sentence for a trader."""
    variants = f"With {tried} variants tried" if tried > 1 else "With one variant tried"
    span = f"{returns.size + 1:,} sessions"
    probability = deflated_sharpe(returns, tried, variance, risk_free)
    if probability is None:
        return (
            f"{variants}, nothing can be said of luck: {span} whose returns do not vary have no Sharpe ratio."
        )
    annual = float(sharpe(returns, risk_free))
    found = f"{variants}, a Sharpe of {annual:.2f} over {span}"
    if annual <= 0:
        return f"{found} is no gain that luck would have to explain."
    luck = 1 - probability
    if luck <= 0.05:
        return f"{found} is what luck alone would give in {_odds(luck)}: hardly luck."
    return f"{found} is what luck alone would give in {_odds(luck)}: not told apart from luck."


def _odds(probability: float) -> str:
    if probability >= 0.95:
        return "nearly every case"
    for cases in (10, 100, 1000):
        count = round(probability * cases)
        if count >= 1 and probability * cases >= 0.95:
            return f"{count} of {cases:,} cases"
    return "fewer than 1 of 1,000 cases"


def _shape(returns: Numbers) -> tuple[float, float]:
    """Skewness and kurtosis, as moments over n."""
    apart = returns - returns.mean()
    scale = float(np.mean(apart**2))
    return float(np.mean(apart**3)) / scale**1.5, float(np.mean(apart**4)) / scale**2

"""How far the metrics of a backtest can be trusted: confidence intervals from resampled days and trades."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from momentum.backtest import ratios
from momentum.backtest.bootstrap import block_length, resampled, varies
from momentum.backtest.ratios import Numbers
from momentum.backtest.result import Result
from momentum.backtest.tradestats import dollars, expectancy, measured, profit_factor, win_rate

LEAST = 10
"""Of fewer returns or trades than this no interval is given: it would only look like knowledge."""

_CELLS = 262_144
"""How many returns are resampled at a time: few enough that they stay in the processor's cache."""

Statistics = Callable[[Numbers], Mapping[str, Numbers]]


@dataclass(frozen=True, slots=True)
class Interval:
    """A metric and the range that holds its true value in `level` of all cases (0.9 is 90 %).

    A bound is infinite where too many samples hold no loss at all.
    """

    value: float
    low: float
    high: float
    level: float


def intervals(
    result: Result, *, samples: int = 2000, seed: int = 0, level: float = 0.9, risk_free: float = 0.0
) -> Mapping[str, Interval]:
    """Intervals of `cagr`, `sharpe`, `sortino` and `max_drawdown`, of `win_rate`, `profit_factor` and `expectancy`.

    The first four come from the daily returns, the others from the closed trades in order of exit: percentiles of
    the metric over series resampled by the stationary bootstrap, (1 - level) / 2 cut off at each end. The same
    seed gives the same intervals. A metric that the result does not define, or of fewer than `LEAST` returns or
    trades, is not among them.
    """
    returns = ratios.daily_returns(np.array([day.equity for day in result.days]))
    pnl = dollars(measured(result))

    def of_days(sample: Numbers) -> Mapping[str, Numbers]:
        values = _wealth(sample)
        return {
            "cagr": ratios.cagr(values),
            "sharpe": ratios.sharpe(sample, risk_free),
            "sortino": ratios.sortino(sample, risk_free),
            "max_drawdown": ratios.max_drawdown(values),
        }

    return {
        **_intervals(returns, of_days, samples, np.random.default_rng([seed, 0]), level),
        **_intervals(pnl, _of_trades, samples, np.random.default_rng([seed, 1]), level),
    }


def _wealth(returns: Numbers) -> Numbers:
    """What a dollar becomes, itself first; never less than nothing, or two losses would make a gain."""
    values = np.ones((*returns.shape[:-1], returns.shape[-1] + 1))
    np.cumprod(np.maximum(1 + returns, 0.0), axis=-1, out=values[..., 1:])
    return values


def _of_trades(pnl: Numbers) -> Mapping[str, Numbers]:
    return {"win_rate": win_rate(pnl), "profit_factor": profit_factor(pnl), "expectancy": expectancy(pnl)}


def _intervals(
    values: Numbers, statistics: Statistics, samples: int, rng: np.random.Generator, level: float
) -> dict[str, Interval]:
    if values.size < LEAST or not varies(values):
        return {}
    found = {name: float(value) for name, value in statistics(values).items()}
    drawn: dict[str, list[Numbers]] = {name: [] for name in found}
    block, at_a_time = block_length(values), max(1, _CELLS // values.size)
    for start in range(0, samples, at_a_time):
        sample = resampled(values, block, min(at_a_time, samples - start), rng)
        for name, statistic in statistics(sample).items():
            drawn[name].append(statistic)
    return {
        name: _interval(value, np.concatenate(drawn[name]), level)
        for name, value in found.items()
        if not np.isnan(value)
    }


def _interval(value: float, drawn: Numbers, level: float) -> Interval:
    """Samples in which the metric is not defined say nothing, and are left out."""
    defined = drawn[~np.isnan(drawn)]
    cut = (1 - level) / 2
    low, high = np.quantile(
        defined, [cut, 1 - cut], method="inverted_cdf"
    )  # exact samples: some are infinite
    return Interval(value, float(low), float(high), level)

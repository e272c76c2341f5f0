"""The ratios of a curve: against closed forms, plain loops and what must hold of any curve."""

from __future__ import annotations

import math
import statistics
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtest_builders import curve, days_of, weekday
from momentum.backtest import ratios
from momentum.backtest.performance import (
    against_benchmark,
    benchmark_values,
    deepest_drawdown,
    longest_drawdown,
    performance,
)

rates = st.lists(st.floats(-0.2, 0.2), min_size=3, max_size=60)
curves = rates.map(lambda returns: np.array(curve(returns)))


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def test_a_doubling_in_two_years_grows_by_the_root_of_two_a_year():
    values = 100 * 2 ** (np.arange(505) / 504)
    assert float(ratios.cagr(values)) == pytest.approx(math.sqrt(2) - 1)
    assert float(ratios.total_return(values)) == pytest.approx(1)


def test_alternating_returns_have_the_volatility_and_ratios_of_their_closed_form():
    returns = np.array([0.03, -0.01] * 50)  # mean 0.01, deviation 0.02 over n, downside 0.01 / sqrt(2)
    deviation = 0.02 * math.sqrt(100 / 99)
    year = math.sqrt(252)
    assert float(ratios.volatility(returns)) == pytest.approx(deviation * year)
    assert float(ratios.sharpe(returns)) == pytest.approx(0.01 / deviation * year)
    assert float(ratios.sortino(returns)) == pytest.approx(math.sqrt(2) * year)


def test_the_downside_counts_the_winning_days_too():
    returns = np.array([0.02, 0.02, 0.02, -0.02])
    assert float(ratios.sortino(returns)) == pytest.approx(0.01 / 0.01 * math.sqrt(252))


def test_the_risk_free_rate_compounds_to_its_year():
    assert (1 + ratios.daily_rate(0.05)) ** 252 == pytest.approx(1.05)
    returns = np.array([0.01, -0.02, 0.005])
    excess = returns - ratios.daily_rate(0.05)
    assert float(ratios.sharpe(returns, 0.05)) == pytest.approx(float(ratios.sharpe(excess)))
    assert float(ratios.sortino(returns, 0.05)) == pytest.approx(float(ratios.sortino(excess)))


def test_a_drawdown_is_told_with_its_peak_trough_and_recovery():
    values = np.array([100.0, 120.0, 120.0, 90.0, 110.0, 120.0, 119.0])
    days = [weekday(n) for n in range(7)]
    found = deepest_drawdown(values, days)
    assert found is not None
    assert (found.depth, found.sessions) == (pytest.approx(-0.25), 3)
    assert (found.peak, found.trough, found.recovered) == (days[2], days[3], days[5])


def test_a_drawdown_without_recovery_lasts_to_the_end():
    values = np.array([100.0, 80.0, 90.0, 85.0])
    found = deepest_drawdown(values, [weekday(n) for n in range(4)])
    assert found is not None and found.recovered is None and found.sessions == 3


def test_the_longest_time_under_a_peak_need_not_be_the_deepest():
    assert longest_drawdown(np.array([100.0, 50.0, 100.0, 99.0, 99.0, 99.5, 101.0])) == 4
    assert longest_drawdown(np.array([100.0, 101.0, 101.0, 102.0])) == 0
    assert longest_drawdown(np.array([100.0])) == 0


@given(curves)
def test_drawdowns_agree_with_a_plain_loop(values):
    peak, since, deepest, longest = values[0], 0, 0.0, 0
    for at, value in enumerate(values):
        if value >= peak:
            longest = max(longest, at - since if at - since > 1 else 0)
            peak, since = value, at
        deepest = min(deepest, value / peak - 1)
    longest = max(longest, values.size - 1 - since)
    assert (float(ratios.max_drawdown(values)), longest_drawdown(values)) == (deepest, longest)


@given(curves, st.floats(0.01, 100))
def test_the_size_of_an_account_changes_no_rate(values, scale):
    days = [weekday(n) for n in range(values.size)]
    one, other = performance(values, days), performance(values * scale, days)
    assert other.total_return == pytest.approx(one.total_return, abs=1e-9)
    assert other.max_drawdown == pytest.approx(one.max_drawdown, abs=1e-9)
    if one.volatility is not None and one.volatility > 1e-6:
        assert other.sharpe == pytest.approx(one.sharpe, rel=1e-6, abs=1e-6)


@given(rates, st.floats(0.1, 3))
def test_leverage_scales_volatility_and_leaves_the_sharpe_ratio(returns, times):
    plain = np.array(returns)
    assert float(ratios.volatility(plain * times)) == pytest.approx(times * float(ratios.volatility(plain)))
    if float(ratios.volatility(plain)) > 1e-6:
        assert float(ratios.sharpe(plain * times)) == pytest.approx(float(ratios.sharpe(plain)), abs=1e-9)


@given(rates, st.randoms(use_true_random=False))
def test_the_order_of_days_matters_to_the_drawdown_alone(returns, random):
    shuffled = random.sample(returns, len(returns))
    one, other = np.array(returns), np.array(shuffled)
    assert float(ratios.volatility(other)) == pytest.approx(float(ratios.volatility(one)), abs=1e-12)
    assert curve(shuffled)[-1] == pytest.approx(curve(returns)[-1])


@given(st.lists(rates.filter(lambda r: len(r) >= 20).map(lambda r: r[:20]), min_size=2, max_size=5))
def test_many_curves_at_once_are_each_as_alone(rows):
    together = np.array(rows)
    for ratio in (ratios.volatility, ratios.sharpe, ratios.sortino):
        np.testing.assert_allclose(ratio(together), [float(ratio(row)) for row in together], rtol=1e-9)
    values = np.array([curve(row) for row in rows])
    for measure in (ratios.cagr, ratios.max_drawdown, ratios.calmar):
        np.testing.assert_allclose(measure(values), [float(measure(row)) for row in values], rtol=1e-9)


def test_alpha_and_beta_are_those_that_made_the_returns():
    market = np.array([0.01, -0.02, 0.015, 0.0, -0.005, 0.02])
    rate = ratios.daily_rate(0.03)
    account = rate + 0.0004 + 1.5 * (market - rate)
    alpha, beta, correlation = ratios.regression(account, market, 0.03)
    assert (alpha, beta, correlation) == (pytest.approx(0.0004 * 252), pytest.approx(1.5), pytest.approx(1))


def test_beta_and_correlation_agree_with_the_statistics_module():
    rng = np.random.default_rng(3)
    market = rng.normal(0, 0.01, 200)
    account = 0.7 * market + rng.normal(0, 0.01, 200)
    alpha, beta, correlation = ratios.regression(account, market)
    line = statistics.linear_regression(market.tolist(), account.tolist())
    assert (beta, alpha) == (pytest.approx(line.slope), pytest.approx(line.intercept * 252))
    assert correlation == pytest.approx(statistics.correlation(market.tolist(), account.tolist()))


def test_a_benchmark_with_gaps_is_compared_where_it_is_known():
    equity = curve([0.01, -0.01, 0.02, 0.03])
    days = days_of(equity, benchmark=[10.0, 10.1, None, 10.0, 10.2])
    assert against_benchmark(days).sessions == 2
    values = benchmark_values(days)
    assert values is not None and values.tolist() == [10.0, 10.1, 10.1, 10.0, 10.2]
    assert benchmark_values(days_of(equity, benchmark=[None, 1.0, 2.0, 3.0, 4.0])) is None


def test_a_benchmark_that_never_moves_explains_nothing():
    found = against_benchmark(days_of(curve([0.01, -0.01]), benchmark=[5.0, 5.0, 5.0]))
    assert (found.alpha, found.beta, found.correlation) == (None, None, None)


def test_one_session_has_no_rate():
    found = performance(np.array([100_000.0]), [weekday(0)])
    assert (found.total_return, found.longest_drawdown, found.max_drawdown) == (0.0, 0, 0.0)
    unknown = (found.cagr, found.volatility, found.sharpe, found.sortino, found.calmar, found.best_day)
    assert unknown == (None,) * 6


@pytest.mark.parametrize("rate", [0.0, 0.01])
def test_returns_that_never_vary_have_no_sharpe_ratio(rate):
    values = np.array(curve([rate] * 30))
    found = performance(values, [weekday(n) for n in range(31)])
    assert found.volatility == pytest.approx(0, abs=1e-12) and found.sharpe is None
    assert found.sortino == (math.inf if rate else None)
    assert found.calmar == (math.inf if rate else None)


def test_an_account_that_lost_everything_stays_there():
    values = np.array([100.0, 110.0, 0.0, 0.0])
    found = performance(values, [weekday(n) for n in range(4)])
    assert (found.total_return, found.cagr, found.max_drawdown) == (-1, -1, -1)
    assert ratios.daily_returns(values)[1:].tolist() == [-1, 0]
    assert found.calmar == -1


def test_growth_that_no_float_holds_is_infinite():
    assert float(ratios.cagr(np.array([1.0, 1000.0]))) == math.inf


def test_the_best_and_the_worst_day_have_their_dates():
    found = performance(np.array([100.0, 90.0, 108.0, 108.0]), [weekday(n) for n in range(4)])
    assert found.best_day is not None and found.worst_day is not None
    assert (found.best_day.day, found.best_day.rate) == (weekday(2), pytest.approx(0.2))
    assert (found.worst_day.day, found.worst_day.rate) == (weekday(1), pytest.approx(-0.1))

"""Confidence intervals: what the bootstrap draws, and that its intervals hold the truth as often as they say."""

from __future__ import annotations

import math
import time
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtest_builders import curve, days_of, result, trade
from momentum.backtest.bootstrap import block_length, resampled
from momentum.backtest.intervals import LEAST, intervals
from momentum.backtest.metrics import metrics_of
from momentum.backtest.ratios import Numbers

_OF_DAYS = {"cagr", "sharpe", "sortino", "max_drawdown"}
_OF_TRADES = {"win_rate", "profit_factor", "expectancy"}


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def autoregressive(count: int, rho: float, rng: np.random.Generator, mean: float = 0.0) -> Numbers:
    """Returns of which each keeps the share `rho` of the one before, with a deviation of 1 %."""
    noise = rng.normal(0, 0.01 * math.sqrt(1 - rho**2), count + 50)
    values = np.zeros(count + 50)
    for at in range(1, count + 50):
        values[at] = rho * values[at - 1] + noise[at]
    return values[50:] + mean


def found(returns: Numbers, pnl: Numbers | None = None):
    return result(
        days_of(curve(returns)), [trade(earned) for earned in ([] if pnl is None else pnl.tolist())]
    )


@given(st.integers(2, 40), st.floats(1, 30), st.integers(0, 2**32 - 1))
def test_samples_are_runs_of_the_series_that_go_on_at_its_beginning(count, block, seed):
    values = np.arange(count, dtype=float)
    sample = resampled(values, block, 20, np.random.default_rng(seed))
    assert sample.shape == (20, count)
    assert set(np.unique(sample)) <= set(values)


def test_blocks_have_the_mean_length_asked_for():
    values = np.arange(1000, dtype=float)
    sample = resampled(values, 8.0, 200, np.random.default_rng(1))
    goes_on = (np.diff(sample, axis=1) % 1000) == 1
    assert 1 / (1 - goes_on.mean()) == pytest.approx(8, rel=0.05)


def test_an_endless_block_is_the_series_turned_round():
    values = np.arange(7, dtype=float)
    for row in resampled(values, 1e12, 30, np.random.default_rng(2)):
        np.testing.assert_array_equal(row, (values + row[0]) % 7)


def test_every_day_is_drawn_as_often_as_any_other():
    values = np.arange(50, dtype=float)
    drawn = resampled(values, 5.0, 4000, np.random.default_rng(3))
    counts = np.bincount(drawn.astype(int).ravel(), minlength=50)
    assert counts.min() > 0.94 * counts.mean() and counts.max() < 1.06 * counts.mean()


def test_blocks_of_one_forget_what_follows_upon_what_and_long_ones_keep_it():
    values = autoregressive(2000, 0.6, np.random.default_rng(4))

    def kept(block: float) -> float:
        sample = resampled(values, block, 50, np.random.default_rng(5))
        return float(np.mean([np.corrcoef(row[:-1], row[1:])[0, 1] for row in sample]))

    assert abs(kept(1.0)) < 0.02
    assert kept(20.0) == pytest.approx(0.6 * (1 - 1 / 20), abs=0.05)


def test_noise_asks_for_short_blocks_and_what_lasts_for_long_ones():
    rng = np.random.default_rng(6)
    lengths = [block_length(autoregressive(1000, rho, rng)) for rho in (0.0, 0.5, 0.9)]
    assert lengths[0] < 4 < lengths[1] < lengths[2] <= 3 * math.sqrt(1000) + 1


def test_the_block_length_of_an_autoregression_is_near_its_closed_form():
    rho, count = (
        0.5,
        50_000,
    )  # G = 2 rho / (1 - rho)**2 / (1 - rho**2), spectrum = 1 / (1 - rho)**2, times the noise
    slope, spectrum = 2 * rho / (1 - rho) ** 2 / (1 - rho**2), 1 / (1 - rho) ** 2
    asked = (slope**2 / spectrum**2 * count) ** (1 / 3)
    got = block_length(autoregressive(count, rho, np.random.default_rng(7)))
    assert got == pytest.approx(asked, rel=0.15)


def test_a_series_that_never_varies_needs_no_blocks():
    assert block_length(np.full(100, 0.01)) == 1.0


def test_the_same_seed_gives_the_same_intervals_and_another_gives_others():
    rng = np.random.default_rng(8)
    one = found(rng.normal(0.0005, 0.01, 300), rng.normal(20, 200, 80))
    assert intervals(one, seed=5) == intervals(one, seed=5)
    assert intervals(one, seed=5) != intervals(one, seed=6)


def test_intervals_hold_the_metrics_that_they_are_of():
    rng = np.random.default_rng(9)
    one = found(rng.normal(0.0005, 0.01, 300), rng.normal(20, 200, 80))
    got, metrics = intervals(one), metrics_of(one)
    assert set(got) == _OF_DAYS | _OF_TRADES
    for name in _OF_DAYS:
        assert got[name].value == pytest.approx(getattr(metrics.account, name))
    for name in _OF_TRADES:
        assert got[name].value == pytest.approx(getattr(metrics.trades, name))
    assert all(interval.low < interval.value < interval.high for interval in got.values())


def test_a_higher_level_gives_a_wider_interval():
    rng = np.random.default_rng(10)
    one = found(rng.normal(0.0005, 0.01, 300), rng.normal(20, 200, 80))
    narrow, wide = intervals(one, level=0.5), intervals(one, level=0.95)
    for name, interval in narrow.items():
        assert wide[name].low < interval.low < interval.high < wide[name].high


def test_too_few_days_and_trades_get_no_interval():
    few = np.linspace(-0.01, 0.01, LEAST - 1)
    assert intervals(found(few, few * 1000)) == {}
    assert set(intervals(found(np.append(few, 0.02), few * 1000))) == _OF_DAYS


def test_an_account_that_never_traded_gets_no_interval():
    assert intervals(found(np.zeros(100))) == {}
    assert intervals(found(np.full(100, 0.01))) == {}


def test_hardly_a_losing_trade_leaves_the_profit_factor_without_an_upper_bound():
    pnl = np.append(np.linspace(10, 200, 29), -50.0)
    got = intervals(found(np.zeros(5), pnl))["profit_factor"]
    assert math.isfinite(got.low) and got.high == math.inf


def test_an_account_that_was_lost_has_an_interval_that_says_so():
    returns = np.random.default_rng(11).normal(0, 0.01, 60)
    returns[40], returns[41:] = -1.0, 0.0
    got = intervals(found(returns))
    assert got["cagr"].low == -1 and got["max_drawdown"].low == -1


@pytest.mark.parametrize("rho", [0.0, 0.3])
def test_intervals_hold_the_true_sharpe_ratio_about_as_often_as_their_level_says(rho):
    rng, truth = np.random.default_rng(12), 0.0008 / 0.01 * math.sqrt(252)
    held = 0
    for _ in range(200):
        got = intervals(found(autoregressive(400, rho, rng, mean=0.0008)), samples=300)["sharpe"]
        held += got.low <= truth <= got.high
    assert 0.80 <= held / 200 <= 0.96  # 0.9, less what a percentile interval of runs of days is known to miss


def test_intervals_hold_the_true_expectancy_and_win_rate_about_as_often_as_their_level_says():
    rng = np.random.default_rng(13)
    held = {"win_rate": 0, "expectancy": 0}
    true_win_rate = 0.5 * (1 + math.erf(20 / 200 / math.sqrt(2)))
    for _ in range(200):
        got = intervals(found(np.zeros(5), rng.normal(20, 200, 200)), samples=300)
        held["expectancy"] += got["expectancy"].low <= 20 <= got["expectancy"].high
        held["win_rate"] += got["win_rate"].low <= true_win_rate <= got["win_rate"].high
    assert all(0.82 <= count / 200 <= 0.97 for count in held.values())


def test_five_years_and_a_thousand_trades_take_well_under_a_second_of_processor_time():
    rng = np.random.default_rng(14)
    one = found(rng.normal(0.0005, 0.01, 1259), rng.normal(20, 200, 1000))
    begun = time.process_time()
    assert len(intervals(one)) == 7
    assert time.process_time() - begun < 1.5  # 0.2 s on an idle machine; a shared one is slower

"""The probabilistic and the deflated Sharpe ratio: the examples of their papers, simulations, and the sentence."""

from __future__ import annotations

import math
import statistics
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from momentum.backtest.deflated import (
    deflated_sharpe,
    expected_best,
    probabilistic_sharpe,
    probability_above,
    verdict,
)
from momentum.backtest.ratios import Numbers, sharpe

_FROM_12 = math.sqrt(252 / 12)
_FROM_250 = math.sqrt(252 / 250)
"""The papers count a year as 12 months and as 250 sessions: this makes their annual ratios ours."""


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def returns_with_sharpe(annual: float, count: int = 323) -> Numbers:
    """Returns of exactly that Sharpe ratio, of the shape of a normal distribution."""
    normal = statistics.NormalDist()
    drawn = np.array([normal.inv_cdf((at + 0.5) / count) for at in range(count)])
    unit = (drawn - drawn.mean()) / drawn.std(ddof=1)
    return 0.01 * (unit + annual / math.sqrt(252))


@pytest.mark.parametrize(("skew", "kurtosis", "probability"), [(0, 3, 0.982), (-2.448, 10.164, 0.913)])
def test_the_hedge_fund_of_the_paper_is_as_probable_as_it_says(skew, kurtosis, probability):
    """Bailey and López de Prado (2012): 24 months, a monthly Sharpe ratio of 0.458."""
    found = probability_above(0.458 * math.sqrt(12) * _FROM_12, 0, 24, skew, kurtosis)
    assert found == pytest.approx(probability, abs=5e-4)


@pytest.mark.parametrize(
    ("tried", "skew", "kurtosis", "probability"),
    [(100, -3, 10, 0.9004), (46, -3, 10, 0.9505), (88, 0, 3, 0.9505)],
)
def test_the_strategy_of_the_paper_deflates_as_it_says(tried, skew, kurtosis, probability):
    """Bailey and López de Prado (2014): a Sharpe ratio of 2.5 over 1,250 sessions, a variance of 1/2."""
    luck = expected_best(tried, 0.5) * _FROM_250
    found = probability_above(2.5 * _FROM_250, luck, 1250, skew, kurtosis)
    assert found == pytest.approx(probability, abs=5e-5)


def test_the_expected_best_of_a_hundred_is_that_of_the_paper():
    assert expected_best(100, 0.5) / math.sqrt(250) == pytest.approx(0.1132, abs=5e-5)


@pytest.mark.parametrize("tried", [5, 12, 100])
def test_the_expected_best_is_what_drawing_variants_without_an_edge_gives(tried):
    drawn = np.random.default_rng(2).normal(0, 0.7, (20_000, tried))
    assert expected_best(tried, 0.49) == pytest.approx(drawn.max(axis=1).mean(), rel=0.03)


def test_a_single_variant_has_nothing_to_be_deflated_by():
    returns = returns_with_sharpe(1.2)
    assert expected_best(1, 0.5) == 0
    assert deflated_sharpe(returns, 1, 0.5) == probabilistic_sharpe(returns)


def test_normal_returns_agree_with_the_closed_form():
    returns = returns_with_sharpe(1.0, 5000)
    daily = 1 / math.sqrt(252)
    spread = math.sqrt((1 + daily**2 / 2) / 4999)
    expected = statistics.NormalDist().cdf((daily - 0.5 / math.sqrt(252)) / spread)
    assert probabilistic_sharpe(returns, 0.5) == pytest.approx(expected, abs=5e-4)


def test_of_strategies_without_an_edge_one_in_twenty_looks_like_one():
    drawn = np.random.default_rng(3).normal(0, 0.01, (4000, 250))
    passed = sum((probabilistic_sharpe(row) or 0) > 0.95 for row in drawn)
    assert passed / 4000 == pytest.approx(0.05, abs=0.012)


def test_the_best_of_many_without_an_edge_hardly_ever_passes_once_deflated():
    rng = np.random.default_rng(4)
    fooled = passed = 0
    for _ in range(200):
        variants = rng.normal(0, 0.01, (20, 250))
        ratios = sharpe(variants)
        best = variants[int(ratios.argmax())]
        fooled += (probabilistic_sharpe(best) or 0) > 0.95
        passed += (deflated_sharpe(best, 20, float(ratios.var(ddof=1))) or 0) > 0.95
    assert fooled / 200 > 0.5
    assert passed / 200 < 0.05


@given(st.integers(1, 500), st.integers(1, 500), st.floats(0.01, 2))
def test_the_more_were_tried_the_less_is_left(few, many, variance):
    few, many = sorted((few, many))
    returns = returns_with_sharpe(1.5)
    assert deflated_sharpe(returns, many, variance) <= deflated_sharpe(returns, few, variance) + 1e-12


@given(st.floats(-3, 3), st.floats(-3, 3), st.integers(1, 100))
def test_a_higher_sharpe_ratio_is_never_less_probable(one, other, tried):
    low, high = sorted((one, other))
    found = [deflated_sharpe(returns_with_sharpe(annual), tried, 0.3) for annual in (low, high)]
    assert 0 <= found[0] <= found[1] + 1e-9 <= 1 + 1e-9


def test_rare_large_losses_make_a_sharpe_ratio_less_certain():
    assert probability_above(1.0, 0, 300, skew=-2, kurtosis=12) < probability_above(1.0, 0, 300)


def test_the_risk_free_rate_is_taken_off_first():
    returns = returns_with_sharpe(1.0)
    assert probabilistic_sharpe(returns, risk_free=0.05) < probabilistic_sharpe(returns)


@pytest.mark.parametrize("returns", [np.zeros(100), np.array([0.01]), np.array([])])
def test_without_a_sharpe_ratio_there_is_no_probability(returns):
    assert probabilistic_sharpe(returns) is None and deflated_sharpe(returns, 12, 0.5) is None


def test_two_returns_are_enough_for_a_probability():
    assert 0 <= probabilistic_sharpe(np.array([0.01, 0.02])) <= 1


def test_a_verdict_says_how_often_luck_alone_would_do_it():
    assert verdict(returns_with_sharpe(0.9), 12, 0.2) == (
        "With 12 variants tried, a Sharpe of 0.90 over 324 sessions is what luck alone would give in 4 of 10 cases: "
        "not told apart from luck."
    )
    assert verdict(returns_with_sharpe(2.25), 1, 0.0) == (
        "With one variant tried, a Sharpe of 2.25 over 324 sessions is what luck alone would give in "
        "6 of 1,000 cases: hardly luck."
    )


@pytest.mark.parametrize(
    ("annual", "tried", "says"),
    [
        (0.2, 400, "in nearly every case: not told apart from luck"),
        (1.55, 1, "in 4 of 100 cases: hardly luck"),
        (6.0, 12, "in fewer than 1 of 1,000 cases: hardly luck"),
        (-0.4, 12, "a Sharpe of -0.40 over 324 sessions is no gain that luck would have to explain"),
    ],
)
def test_a_verdict_finds_the_words_for_every_case(annual, tried, says):
    assert says in verdict(returns_with_sharpe(annual), tried, 0.6)


def test_a_verdict_on_nothing_says_why():
    assert "have no Sharpe ratio" in verdict(np.zeros(100), 3, 0.5)

"""The metrics of a result: trades, exposure, months, attribution, and what of it can be written as JSON."""

from __future__ import annotations

import json
import math
import warnings
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtest_builders import curve, days_of, result, trade, weekday
from momentum.backtest.attribution import attribution, monthly_returns
from momentum.backtest.metrics import metrics_of, to_json
from momentum.backtest.result import Day
from momentum.backtest.tradestats import (
    expectancy,
    exposure,
    profit_factor,
    time_in_market,
    trade_stats,
    turnover,
    win_rate,
)

dollars = st.lists(st.floats(-1000, 1000).map(lambda d: round(d, 2)), min_size=1, max_size=40)


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def flat(sessions: int) -> tuple[Day, ...]:
    return days_of([100_000.0] * sessions)


def test_trades_are_counted_and_averaged_after_commissions():
    trades = [
        trade(300.0, exit=2, commission=2.0),
        trade(-100.0, exit=5, quantity=20, commission=2.0),
        trade(0.0, exit=0),
        trade(None, exit=None, commission=1.0),
    ]
    found = trade_stats(result(flat(10), trades))
    assert (found.trades, found.open, found.wins, found.losses) == (3, 1, 1, 1)
    assert found.win_rate == pytest.approx(1 / 3)
    assert found.profit_factor == pytest.approx(3)
    assert (found.average_win, found.average_loss) == (300, -100)
    assert found.expectancy == pytest.approx(200 / 3)
    assert found.expectancy_rate == pytest.approx((0.3 - 0.05) / 3)
    assert (found.average_win_rate, found.average_loss_rate) == (pytest.approx(0.3), pytest.approx(-0.05))
    assert found.holding == pytest.approx((2 + 5 + 0) / 3)
    assert (found.pnl, found.commission) == (200, 5)


@given(dollars)
def test_expectancy_is_what_wins_and_losses_come_to(pnl):
    found = trade_stats(result(flat(3), [trade(earned) for earned in pnl]))
    assert found.expectancy is not None and found.win_rate is not None
    loss_rate = found.losses / found.trades
    apart = found.win_rate * (found.average_win or 0) + loss_rate * (found.average_loss or 0)
    assert found.expectancy == pytest.approx(apart, abs=1e-9)


@given(dollars, st.floats(0.01, 50))
def test_the_size_of_positions_changes_neither_win_rate_nor_profit_factor(pnl, times):
    one, other = np.array(pnl), np.array(pnl) * times
    assert float(win_rate(one)) == float(win_rate(other))
    assert float(profit_factor(other)) == pytest.approx(float(profit_factor(one)), nan_ok=True)
    assert float(expectancy(other)) == pytest.approx(float(expectancy(one)) * times, abs=1e-9)


@given(dollars)
def test_a_profit_factor_above_one_is_a_gain(pnl):
    factor, total = float(profit_factor(np.array(pnl))), math.fsum(pnl)
    if total and not math.isclose(factor, 1):
        assert (factor > 1) == (total > 0)


def test_turnover_is_the_lesser_side_over_mean_equity_a_year():
    bought = [trade(0.0, price=500.0, quantity=100), trade(None, exit=None, price=100.0, quantity=100)]
    found = turnover(result(flat(127), bought))  # 126 returns: half a year; 60,000 bought, 50,000 sold
    assert found == pytest.approx(50_000 / 100_000 * 2)


def test_exposure_is_the_mean_share_invested_and_time_in_market_the_share_of_sessions():
    days = days_of([100.0, 200.0, 100.0, 0.0], invested=[50.0, 50.0, 0.0, 0.0])
    assert exposure(days) == pytest.approx((0.5 + 0.25 + 0) / 3)
    assert time_in_market(days) == 0.5


def test_months_are_measured_from_the_end_of_the_month_before():
    days = [date(2015, 12, 30), date(2015, 12, 31), date(2016, 1, 4), date(2016, 1, 29), date(2016, 3, 1)]
    first, second = monthly_returns(days, np.array([100.0, 110.0, 99.0, 121.0, 60.5]))
    assert first.year == 2015 and first.months[:11] == (None,) * 11
    assert (first.months[11], first.total) == (pytest.approx(0.1), pytest.approx(0.1))
    assert second.months[:4] == (pytest.approx(0.1), None, pytest.approx(-0.5), None)
    assert second.total == pytest.approx(-0.45)


@given(st.lists(st.floats(-0.05, 0.05), min_size=1, max_size=300))
def test_the_months_of_a_year_compound_to_it_and_the_years_to_the_whole(returns):
    values = np.array(curve(returns))
    years = monthly_returns([weekday(n) for n in range(values.size)], values)
    for year in years:
        grown = math.prod(1 + rate for rate in year.months if rate is not None)
        assert year.total is not None and grown == pytest.approx(1 + year.total)
    whole = math.prod(1 + (year.total or 0) for year in years)
    assert whole == pytest.approx(values[-1] / values[0])


def test_a_month_that_began_with_nothing_has_no_return():
    days = [date(2015, 1, 30), date(2015, 2, 27), date(2015, 3, 31)]
    (year,) = monthly_returns(days, np.array([100.0, 0.0, 0.0]))
    assert year.months[:3] == (0.0, -1.0, None)


def test_trades_are_attributed_to_what_they_have_in_common():
    trades = [
        trade(50.0, symbol="MU", signals={"gap": 3.0, "ROC": 4.0}, reason="signal: close < sma_20; 1% lost"),
        trade(-20.0, symbol="AMD", signals={"ROC": 4.0, "gap": 0.0}, cap="mid"),
        trade(10.0, symbol="X", cap=None, exit=300, reason="signal: close < sma_20; 3% since entry"),
    ]
    found = attribution(result(flat(301), trades, {"MU": "Technology", "AMD": "Technology", "X": ""}))
    assert [(g.name, g.pnl) for g in found.cap] == [("large", 50), ("unknown", 10), ("mid", -20)]
    assert [(g.name, g.trades, g.win_rate) for g in found.sector] == [
        ("Technology", 2, 0.5),
        ("unknown", 1, 1.0),
    ]
    assert [(g.name, g.pnl) for g in found.signal] == [("gap", 50), ("ROC", 30), ("none", 10)]
    assert [(g.name, g.pnl) for g in found.exit] == [("signal: close < sma_20", 60), ("trailing_stop", -20)]
    assert [(g.name, g.trades) for g in found.year] == [("2015", 2), ("2016", 1)]


@given(dollars, st.randoms(use_true_random=False))
def test_every_way_of_grouping_adds_up_to_the_whole(pnl, random):
    caps = ["large", "mid", "small", None]
    trades = [trade(earned, cap=random.choice(caps), exit=random.randrange(400)) for earned in pnl]
    found = attribution(result(flat(400), trades))
    for groups in (found.cap, found.sector, found.exit, found.year):
        assert sum(group.trades for group in groups) == len(pnl)
        assert math.fsum(group.pnl for group in groups) == pytest.approx(math.fsum(pnl), abs=1e-6)


def test_a_result_without_a_trade_says_so():
    found = metrics_of(result(flat(30)))
    assert found.trades.win_rate is None and found.account.total_return == 0
    assert found.notes["trades.win_rate"] == "no trade was closed"
    assert found.notes["account.sharpe"] == "needs at least three sessions, and returns that vary"
    assert found.notes["benchmark"] == "not known at the first session"
    assert found.attribution.cap == ()


def test_a_result_without_a_losing_trade_has_an_infinite_profit_factor_that_json_holds_as_null():
    found = metrics_of(result(days_of(curve([0.01, 0.02, 0.01])), [trade(100.0)]))
    assert found.trades.profit_factor == math.inf and found.account.sortino == math.inf
    written = to_json(found)
    assert written["trades"]["profit_factor"] is None
    assert written["notes"]["trades.profit_factor"] == "infinite: no closed trade lost"
    assert written["notes"]["account.sortino"].startswith("infinite")


def test_a_span_under_a_year_is_noted_as_extrapolated():
    assert metrics_of(result(flat(85))).notes["account.cagr"] == "84 returns extrapolated to a year of 252"
    assert "account.cagr" not in metrics_of(result(flat(253))).notes


def test_trades_closed_without_a_known_price_are_left_out_and_noted():
    found = metrics_of(result(flat(5), [trade(None), trade(10.0)]))
    assert found.trades.trades == 1
    assert found.notes["trades"].startswith("1 closed without a known price")


def test_the_benchmark_is_measured_as_the_account_is():
    equity = curve([0.01, -0.02, 0.03])
    found = metrics_of(result(days_of(equity, benchmark=[value / 500 for value in equity])))
    assert found.benchmark is not None and found.benchmark.sharpe == pytest.approx(found.account.sharpe)
    assert found.against.beta == pytest.approx(1) and found.against.alpha == pytest.approx(0, abs=1e-12)
    assert found.benchmark_months[0].total == pytest.approx(found.months[0].total)


@given(
    st.lists(st.floats(-1, 1), max_size=30),
    st.lists(st.floats(-1000, 1000), max_size=10),
    st.booleans(),
)
def test_every_result_can_be_written_as_json_with_a_note_for_each_null(returns, pnl, has_benchmark):
    equity = curve(returns)
    days = days_of(equity, benchmark=[100.0] * len(equity) if has_benchmark else None)
    found = to_json(metrics_of(result(days, [trade(earned) for earned in pnl])))
    json.dumps(found, allow_nan=False)
    for part in ("account", "benchmark", "against", "trades"):
        for name, value in (found[part] or {}).items():
            if value is None:
                assert f"{part}.{name}" in found["notes"]
    assert date.fromisoformat(found["end"]) - date.fromisoformat(found["start"]) >= timedelta(0)

"""The bars of a scan at a moment, and the market around it."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

import polars as pl
import pytest

from fakes import FakeMarket, closes, daily_bar, day, minute_bar, opens, session
from momentum.errors import DataError
from momentum.execution.matching import Bar
from momentum.market.context import market_context
from momentum.market.panel import Panel, load_panel
from momentum.market.universe import Universe
from momentum.market.volume_curve import day_fraction
from momentum.ports import MarketData

MINUTE = timedelta(minutes=1)
FIVE = 5 * MINUTE


def panel_at(data: MarketData, at: datetime, number: int) -> Panel:
    return load_panel(data, Universe.everything(), "all", (), at, session(number))


def daily(*closes_of_spy: float) -> FakeMarket:
    return FakeMarket(
        [daily_bar("SPY", number, price, price, price) for number, price in enumerate(closes_of_spy)]
    )


def five_minutes(bars: int) -> FakeMarket:
    """A whole day of one share price in bars of five minutes, `bars` of them."""
    made = [
        Bar("AAA", opens(0) + number * FIVE, opens(0) + (number + 1) * FIVE, 10, 10, 10, 10)
        for number in range(bars)
    ]
    return FakeMarket(made, timeframe="minute", resolution=FIVE)


def test_daily_bars_show_the_session_before_until_the_close() -> None:
    data = daily(100, 101, 102)
    before = panel_at(data, closes(2) - MINUTE, 2)
    assert before.session == day(1)
    assert before.bars["close"].to_list() == [100, 101]
    assert before.bars["day_fraction"].to_list() == [1, 1]
    at_close = panel_at(data, closes(2), 2)
    assert at_close.session == day(2)
    assert at_close.bars["close"].to_list() == [100, 101, 102]


def test_daily_bars_before_the_first_close_are_an_error_with_a_way_out() -> None:
    with pytest.raises(DataError, match=r"^fake: no session has closed by 2026-01-05 14:30 UTC.*later --at$"):
        panel_at(daily(100), opens(0), 0)


def test_minutes_show_the_running_session() -> None:
    data = FakeMarket([minute_bar("AAA", opens(1), 1, 1, 1, 1)], timeframe="minute")
    found = panel_at(data, opens(1) + MINUTE, 1)
    assert found.session == day(1)
    assert found.bars["day_fraction"].to_list() == [day_fraction(session(1), opens(1) + MINUTE)]


@pytest.mark.parametrize(("minutes", "whole"), [(5, 5), (8, 5), (9.99, 5), (10, 10), (389, 385)])
def test_volume_is_weighed_by_the_end_of_the_newest_whole_bar(minutes: float, whole: int) -> None:
    found = panel_at(five_minutes(77), opens(0) + minutes * MINUTE, 0)
    assert found.bars["day_fraction"].to_list() == [day_fraction(session(0), opens(0) + whole * MINUTE)]


def test_a_whole_session_has_the_whole_days_volume() -> None:
    assert panel_at(five_minutes(78), closes(0), 0).bars["day_fraction"].to_list() == [1]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_is_unknown(value: float) -> None:
    data = FakeMarket([daily_bar("AAA", 0, 1, value, 1, 2)], volume=value)
    (row,) = panel_at(data, closes(0), 0).bars.to_dicts()
    assert (row["high"], row["volume"]) == (None, None)
    assert (row["open"], row["low"], row["close"], row["day_fraction"]) == (1, 1, 2, 1)


def test_spy_and_its_trend_are_those_of_its_last_closes() -> None:
    data = daily(*(100 + number for number in range(10)))
    found = market_context(panel_at(data, closes(9), 9), data, closes(9))
    assert (found.spy_price, found.spy_change) == (109, pytest.approx(1 / 108))
    assert (found.spy_sma_20, found.spy_trend, found.vix) == (None, None, None)


@pytest.mark.parametrize("unknown", [math.nan, math.inf, 0.0])
def test_nothing_of_spy_is_known_where_its_last_close_is_not(unknown: float) -> None:
    data = daily(100, 101, unknown)
    found = market_context(panel_at(data, closes(2), 2), data, closes(2))
    assert (found.spy_price, found.spy_change, found.spy_trend) == (None, None, None)


@pytest.mark.parametrize("unknown", [math.nan, 0.0])
def test_a_close_that_is_not_known_before_the_last_is_passed_over(unknown: float) -> None:
    data = daily(100, unknown, 110)
    found = market_context(panel_at(data, closes(2), 2), data, closes(2))
    assert (found.spy_price, found.spy_change) == (110, pytest.approx(0.1))


def test_the_proxy_of_the_vix_is_spys_volatility_over_the_known_closes() -> None:
    prices = [100.0 * (1.01 if number % 2 else 1.0) for number in range(40)]
    shown = pl.DataFrame({"symbol": "SPY", "ts": [day(n) for n in range(40)], "close": prices})
    data = daily(100)
    whole = market_context(Panel(shown, day(39), ("SPY",)), data, closes(39))
    holes = shown.with_columns(close=pl.when(pl.int_range(pl.len()) != 3).then("close"))
    assert market_context(Panel(holes, day(39), ("SPY",)), data, closes(39)) == whole
    assert whole.vix_source == "proxy"
    assert whole.vix == pytest.approx(100 * math.sqrt(252) * 0.01 * math.sqrt(20 / 19), rel=0.02)

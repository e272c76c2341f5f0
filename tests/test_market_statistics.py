"""The statistics behind docs/sample-market.md, on bars whose figures can be told by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

import market_statistics as statistics
from market_statistics import prepared

FIRST = date(2026, 1, 5)


def bars(
    symbol: str, closes: Sequence[float], opens: Sequence[float] = (), volume: object = 1000.0
) -> pl.DataFrame:
    """Daily bars; each opens at the close before where nothing else is said, and is as wide as its move."""
    open_ = list(opens) or [closes[0], *closes[:-1]]
    ends = pl.DataFrame({"open": open_, "close": closes}, schema={"open": pl.Float64, "close": pl.Float64})
    return ends.select(
        pl.lit(symbol).alias("symbol"),
        pl.Series("ts", [FIRST + timedelta(days=place) for place in range(len(closes))]),
        "open",
        high=pl.max_horizontal("open", "close"),
        low=pl.min_horizontal("open", "close"),
        close="close",
        volume=pl.Series(volume) if isinstance(volume, list) else pl.lit(volume),
    )


def figure(key: str, market: pl.DataFrame) -> float:
    (found,) = (one for one in (*statistics.DAILY, *statistics.INTRADAY) if one.key == key)
    return found.of(market)


def moved(*moves: float) -> list[float]:
    """Closes from 100 on, by log returns."""
    return list(100 * np.exp(np.cumsum([0.0, *moves])))


def test_no_figure_reaches_from_one_symbol_into_another() -> None:
    market = prepared(pl.concat([bars("A", [100.0] * 40), bars("B", [5.0] * 40)]))
    assert market["move"].null_count() == 2
    assert market["roc"].null_count() == 2 * 10
    assert market["surge"].null_count() == 2 * 20
    assert market["ahead"].null_count() == 2 * 5
    assert market.select(pl.col("move", "gap", "day", "roc", "ahead").abs().max()).row(0) == (0, 0, 0, 0, 0)


def test_deviation_and_kurtosis_are_those_of_daily_log_returns() -> None:
    moves = [0.01, -0.02, 0.03, -0.01, 0.0, 0.2]
    found = prepared(bars("A", moved(*moves)))
    scaled = (np.array(moves) - np.mean(moves)) / np.std(moves)
    assert figure("deviation", found) == pytest.approx(np.std(moves, ddof=1))
    assert figure("kurtosis", found) == pytest.approx(np.mean(scaled**4) - 3)


def test_a_split_that_nobody_adjusted_is_left_out() -> None:
    market = prepared(bars("A", [100, 101, 50, 51], volume=1.0))
    assert market["move"].is_null().to_list() == [True, False, True, False]


def test_moves_that_alternate_in_size_remember_every_second_session() -> None:
    market = prepared(bars("A", moved(*[0.01, -0.03] * 30)))
    assert statistics.clusters(market, [1, 2]) == pytest.approx([-1, 1])
    assert figure("memory", market) == pytest.approx(-1)


def test_gaps_are_opens_away_from_the_close_before() -> None:
    market = prepared(bars("A", [100, 100, 100, 100, 100], opens=[100, 102, 96, 100, 100.5]))
    assert figure("gap_1", market) == 0.5
    assert figure("gap_3", market) == 0.25
    sizes = market.with_columns(pl.col("gap").abs())
    assert statistics.exceeding(sizes, "gap", [0.0, 0.03]) == pytest.approx([0.75, 0.25])


def test_a_price_that_moves_only_overnight_has_all_its_variance_there() -> None:
    closes = [100.0, 104.0, 99.0, 103.0]
    assert figure("overnight", prepared(bars("A", closes, opens=closes))) == 1
    assert figure("overnight", prepared(bars("A", closes))) == 0


def test_symbols_that_move_alike_and_against_each_other() -> None:
    up, down = moved(0.01, -0.02, 0.03), moved(-0.01, 0.02, -0.03)
    assert figure("correlation", prepared(pl.concat([bars("A", up), bars("B", up)]))) == pytest.approx(1)
    assert figure("correlation", prepared(pl.concat([bars("A", up), bars("B", down)]))) == pytest.approx(-1)


def test_a_surge_is_over_the_twenty_sessions_before() -> None:
    market = prepared(bars("A", [100.0] * 22, volume=[1000.0] * 20 + [1300.0, 2030.0]))
    assert market["surge"].to_list()[20:] == [1.3, 2.0]
    assert (figure("surge_13", market), figure("surge_2", market), figure("surge_3", market)) == (
        1.0,
        0.5,
        0.0,
    )


def test_a_breakout_needs_the_high_the_volume_and_the_ten_days() -> None:
    closes = [*[100.0] * 25, 104.0, 103.0, *[103.0] * 4, 110.0]
    volume = [*[1000.0] * 25, 1500.0, 900.0, *[1000.0] * 4, 1000.0]
    market = prepared(bars("A", closes, volume=volume))
    assert market.filter("breakout")["close"].to_list() == [104.0]
    usual = market["ahead"].mean()
    assert figure("followed", market) == pytest.approx(np.log(103 / 104) - usual)


def test_the_density_of_returns_adds_up_to_one() -> None:
    market = prepared(bars("A", moved(*np.random.default_rng(3).normal(0, 0.01, 200))))
    edges = list(np.arange(-6, 6.1, 0.5))
    assert sum(statistics.returns_density(market, edges)) * 0.5 == pytest.approx(1)


def test_the_widest_bar_and_the_volume_curve_of_a_day() -> None:
    minutes = pl.DataFrame(
        {
            "symbol": ["A"] * 4,
            "day": [FIRST] * 4,
            "minute": [0, 100, 200, 389],
            "high": [12.0, 13.0, 15.0, 14.0],
            "low": [10.0, 12.0, 12.0, 14.0],
            "volume": [40.0, 10.0, 20.0, 30.0],
        }
    )
    assert statistics.widest_bar(minutes) == pytest.approx(3 / 5)
    assert statistics.volume_curve(minutes, [0, 1, 200, 390]) == pytest.approx([0, 0.4, 0.5, 1])
    assert statistics.widths(minutes, 195) == pytest.approx([1.0, 1.0])
    assert figure("last_half_hour", minutes) == pytest.approx(0.3)

"""Where built-in features have no value, what they refuse, and that they never look ahead."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bar_builders import by_symbol, panel_of, random_panel, real_panel, values
from momentum.market.lookahead import looks_ahead
from momentum_plugins import indicators

FACTORIES = indicators.momentum_features()
FIRST_KNOWN = {
    "bar": 0,
    "change": 1,
    "roc": 10,
    "gap_up": 1,
    "follow_through": 0,
    "prior_high": 5,
    "prior_low": 5,
    "breakout": 5,
    "breakout_5d": 5,
    "rvol": 1,
    "volume_surge": 20,
    "intraday_strength": 0,
    "sma": 19,
    "ema": 19,
    "rsi": 13,
    "atr": 13,
    "macd": 25,
    "macd_signal": 33,
    "macd_diff": 33,
}


def every_feature() -> dict[str, pl.Expr]:
    return {name: factory() for name, factory in FACTORIES.items()}


def rising_bars(length: int, **columns: float) -> pl.DataFrame:
    """One symbol whose prices rise by 1 a bar, with ranges of 2 and a volume of 1,000."""
    prices = [100.0 + place for place in range(length)]
    bars = pl.DataFrame(
        {
            "symbol": "UP",
            "ts": range(length),
            "open": prices,
            "high": [price + 1 for price in prices],
            "low": [price - 1 for price in prices],
            "close": prices,
            "volume": 1_000.0,
        }
    )
    return panel_of(bars.with_columns(pl.lit(value).alias(name) for name, value in columns.items()))


@pytest.mark.parametrize("name", FACTORIES)
def test_a_feature_is_null_until_its_window_is_full_and_known_from_then_on(name: str) -> None:
    found = values(rising_bars(60), {"found": FACTORIES[name]()})["found"]
    first = FIRST_KNOWN[name]
    assert found.head(first).null_count() == first
    assert found.tail(60 - first).null_count() == 0


@pytest.mark.parametrize("name", FACTORIES)
def test_a_symbol_without_enough_bars_is_null_and_never_takes_another_symbols(name: str) -> None:
    found = values(random_panel(3), {"found": FACTORIES[name]()})
    for symbol, bars in by_symbol(found).items():
        assert bars["found"].head(FIRST_KNOWN[name]).null_count() == min(FIRST_KNOWN[name], bars.height), (
            symbol
        )


@pytest.mark.parametrize("name", [name for name in FACTORIES if name not in ("bar", "follow_through")])
def test_no_division_by_zero_leaves_nan_or_infinity(name: str) -> None:
    nothing_moves = rising_bars(60, open=5.0, high=5.0, low=5.0, close=5.0, volume=0.0)
    found = values(nothing_moves, {"found": FACTORIES[name]()})["found"]
    if found.dtype == pl.Float64:
        assert found.drop_nulls().is_finite().all()
    if name in ("rvol", "volume_surge", "intraday_strength"):
        assert found.null_count() == 60


def test_rsi_is_100_where_nothing_was_lost_and_0_where_nothing_was_gained() -> None:
    up = rising_bars(30)
    down = up.with_columns(close=200 - pl.col("close"))
    assert values(up, {"found": indicators.rsi(14)})["found"].drop_nulls().unique().to_list() == [100.0]
    assert values(down, {"found": indicators.rsi(14)})["found"].drop_nulls().unique().to_list() == [0.0]


@pytest.mark.parametrize(
    "factory", [f for name, f in FACTORIES.items() if name in ("roc", "sma", "rsi", "atr")]
)
@pytest.mark.parametrize("window", [0, -1, 2.5, "14", None, True, float("nan")])
def test_a_window_must_be_a_whole_number_of_bars(factory: Any, window: object) -> None:
    with pytest.raises(ValueError, match="a window is a whole number of bars, at least 1, not"):
        factory(window)


def test_every_feature_with_a_window_checks_it() -> None:
    for name in (
        "prior_high",
        "prior_low",
        "breakout",
        "volume_surge",
        "ema",
        "macd",
        "macd_signal",
        "macd_diff",
    ):
        with pytest.raises(ValueError, match="a window is a whole number"):
            FACTORIES[name](0)
    with pytest.raises(ValueError, match="a window is a whole number"):
        indicators.macd_diff(12, 26, 0)


@pytest.mark.parametrize("factory", [indicators.macd, indicators.macd_signal, indicators.macd_diff])
def test_the_fast_average_must_be_shorter_than_the_slow_one(factory: Any) -> None:
    with pytest.raises(ValueError, match=r"fast \(26\) must be shorter than slow \(12\)"):
        factory(26, 12)


def test_only_columns_of_the_bar_can_be_lagged() -> None:
    with pytest.raises(ValueError, match="'vwap' is not a column of a bar: open, high, low, close, volume"):
        indicators.bar("vwap")


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10_000), window=st.integers(1, 30))
def test_cutting_off_later_bars_changes_no_earlier_value_on_random_panels(seed: int, window: int) -> None:
    windowed = ("roc", "prior_high", "prior_low", "breakout", "volume_surge", "sma", "ema", "rsi", "atr")
    features = {name: FACTORIES[name](window) for name in windowed}
    panel = random_panel(seed, missing=("close", "high", "volume"), length=60)
    assert looks_ahead(list(features.items()), panel, truncations=60) == ()


def test_cutting_off_later_bars_changes_no_earlier_value_on_the_real_market(real_data: Any) -> None:
    assert looks_ahead(list(every_feature().items()), real_panel(real_data, symbols=20)) == ()

"""The built-in features equal the indicators of `ta`, to 1e-9 of their size, once their windows are full."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import ta.momentum
import ta.others
import ta.trend
import ta.volatility

from bar_builders import NUMBERS, by_symbol, random_panel, real_panel, values
from momentum_plugins import indicators

Bars = Any  # a pandas frame of one symbol's bars, oldest first


def rsi(bars: Bars, window: int) -> Any:
    return ta.momentum.rsi(bars.close, window)


def roc(bars: Bars, window: int) -> Any:
    return ta.momentum.roc(bars.close, window) / 100


def change(bars: Bars) -> Any:
    return ta.others.daily_return(bars.close) / 100


def atr(bars: Bars, window: int) -> Any:
    """ta raises on fewer bars than the window, and gives 0 until it is full."""
    if len(bars) < window:
        return np.full(len(bars), np.nan)
    found = ta.volatility.average_true_range(bars.high, bars.low, bars.close, window)
    return found.where(np.arange(len(bars)) >= window - 1)


def macd(bars: Bars, fast: int, slow: int) -> Any:
    return ta.trend.macd(bars.close, slow, fast)


def macd_signal(bars: Bars, fast: int, slow: int, signal: int) -> Any:
    return ta.trend.macd_signal(bars.close, slow, fast, signal)


def macd_diff(bars: Bars, fast: int, slow: int, signal: int) -> Any:
    return ta.trend.macd_diff(bars.close, slow, fast, signal)


def sma(bars: Bars, window: int) -> Any:
    return ta.trend.sma_indicator(bars.close, window)


def ema(bars: Bars, window: int) -> Any:
    return ta.trend.ema_indicator(bars.close, window)


# No average over 3 bars: pandas 3.0 and 3.1 weigh what follows a missing value wrongly there (GH-31178, GH-66521).
CASES: list[tuple[Callable[..., Any], tuple[int, ...]]] = [
    *((factory, (window,)) for factory in (rsi, roc, atr, sma, ema) for window in (1, 2, 5, 14, 20)),
    (change, ()),
    *((factory, spans) for factory in (macd,) for spans in ((12, 26), (1, 2), (4, 10))),
    *(
        (factory, spans)
        for factory in (macd_signal, macd_diff)
        for spans in ((12, 26, 9), (1, 2, 1), (4, 10, 5))
    ),
]
IDS = [f"{factory.__name__}{parameters}" for factory, parameters in CASES]


def assert_equal_to_ta(
    panel: pl.DataFrame, reference: Callable[..., Any], parameters: tuple[int, ...]
) -> int:
    """Compare where the bar itself is known; returns how many values were compared."""
    feature = indicators.momentum_features()[reference.__name__](*parameters)
    compared = 0
    for symbol, bars in by_symbol(values(panel, {"found": feature})).items():
        columns = {name: pd.Series(bars[name].to_numpy(), dtype="float64") for name in NUMBERS}
        wanted = np.asarray(reference(pd.DataFrame(columns), *parameters), dtype=float)
        found = bars["found"].to_numpy().astype(float)
        known = (
            bars["close"].is_not_null() & bars["high"].is_not_null() & bars["low"].is_not_null()
        ).to_numpy()
        wanted = np.where(np.isfinite(wanted), wanted, np.nan)
        scale = np.nanmax(bars["close"].to_numpy()) if reference in (macd, macd_signal, macd_diff) else 1e-3
        same = np.isclose(found, wanted, rtol=1e-9, atol=1e-12 * scale, equal_nan=True) | ~known
        assert same.all(), (
            f"{symbol} differs first at bar {np.argmin(same)}: {found[~same][0]}, {wanted[~same][0]}"
        )
        compared += int((known & np.isfinite(wanted)).sum())
    return compared


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("reference", "parameters"), CASES, ids=IDS)
def test_features_equal_ta_on_random_panels_with_gaps_and_one_bar_symbols(
    reference: Callable[..., Any], parameters: tuple[int, ...], seed: int
) -> None:
    assert assert_equal_to_ta(random_panel(seed), reference, parameters) > 100


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("reference", "parameters"), CASES, ids=IDS)
def test_features_equal_ta_where_closes_are_missing_or_nan(
    reference: Callable[..., Any], parameters: tuple[int, ...], seed: int
) -> None:
    assert assert_equal_to_ta(random_panel(seed, missing=("close", "volume")), reference, parameters) > 10


@pytest.mark.parametrize(("reference", "parameters"), CASES, ids=IDS)
def test_features_equal_ta_on_the_real_market(
    reference: Callable[..., Any], parameters: tuple[int, ...], sample: pl.DataFrame
) -> None:
    assert assert_equal_to_ta(sample, reference, parameters) > 5_000


@pytest.fixture(scope="module")
def sample(real_data: Path) -> pl.DataFrame:
    return real_panel(real_data)

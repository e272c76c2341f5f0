"""Plugin `ta`: ta's own values by name; null where a window is not full; refused where they look ahead."""

from __future__ import annotations

import inspect
import subprocess
import sys
from functools import cache

import numpy as np
import pandas as pd
import polars as pl
import pytest

from bar_builders import NUMBERS, by_symbol, random_panel, symbol_bars
from momentum.market.lookahead import looks_ahead, trial_panel
from momentum.model.strategy import FeatureCall
from momentum.rules.features import Factory, build, feature_type
from momentum_plugins import ta_indicators
from momentum_plugins.ta_indicators import ta

AHEAD = ("trend.kst", "trend.kst_sig")


@cache
def indicators() -> tuple[str, ...]:
    return tuple(sorted(ta_indicators._indicators()))


def every_indicator() -> list[str]:
    return [name for name in indicators() if name not in AHEAD]


def computed(panel: pl.DataFrame, feature: pl.Expr) -> pl.DataFrame:
    return panel.with_columns(feature.over("symbol").alias("found"))


def of_ta(indicator: str, bars: pl.DataFrame, **parameters: object) -> np.ndarray:
    function = ta_indicators._indicators()[indicator]
    series = [name for name in inspect.signature(function).parameters if name in NUMBERS]
    values = function(**{name: pd.Series(bars[name].to_numpy()) for name in series}, **parameters)
    return np.asarray(values, dtype=float)


def test_every_function_of_the_five_families_is_there() -> None:
    assert len(indicators()) >= 80
    families = {name.partition(".")[0] for name in indicators()}
    assert families == {"momentum", "trend", "volatility", "volume", "others"}
    assert {"momentum.stoch", "trend.adx", "volume.on_balance_volume", "others.daily_return"} <= set(
        indicators()
    )


@pytest.mark.parametrize("indicator", every_indicator())
def test_values_are_those_of_ta_after_a_warm_up_of_nulls(indicator: str) -> None:
    for symbol, bars in by_symbol(computed(random_panel(1), ta(indicator))).items():
        found = bars["found"].to_numpy().astype(float)
        if symbol in ("FEW", "ONE"):
            continue
        wanted = of_ta(indicator, bars)
        known = np.isfinite(found)
        assert known.sum() > 20, symbol
        assert np.array_equal(found[known], wanted[known]), symbol
        first = int(np.argmax(known))
        assert not np.isfinite(wanted[first:][~known[first:]]).any(), symbol
        assert not np.isfinite(wanted[:first]).any() or indicator in ta_indicators._WARM_UP, symbol


@pytest.mark.parametrize(
    ("indicator", "parameters", "unknown"),
    [
        ("volatility.average_true_range", {"window": 5}, 4),
        ("volatility.average_true_range", {"window": 1}, 0),
        ("trend.adx", {"window": 5}, 9),
        ("trend.adx_pos", {"window": 5}, 6),
        ("trend.adx_neg", {"window": 5}, 6),
        ("trend.ichimoku_b", {"window2": 3, "window3": 10}, 9),
        ("trend.ichimoku_b", {"window2": 3, "window3": 10, "visual": True}, 12),
        ("trend.psar_up_indicator", {}, 2),
        ("volatility.bollinger_hband_indicator", {"window": 7}, 6),
        ("volatility.keltner_channel_hband", {"window": 7}, 6),
        ("volatility.keltner_channel_lband", {"window": 7, "window_atr": 9, "original_version": False}, 8),
        (
            "volatility.keltner_channel_hband_indicator",
            {"window": 9, "window_atr": 7, "original_version": False},
            8,
        ),
        ("momentum.rsi", {"window": 5}, 4),
        ("others.cumulative_return", {}, 0),
    ],
)
def test_the_warm_up_that_ta_fills_is_null(
    indicator: str, parameters: dict[str, object], unknown: int
) -> None:
    bars = random_panel(2).filter(pl.col("symbol") == "FULL")
    found = computed(bars, ta(indicator, **parameters))["found"]
    assert found.head(unknown).null_count() == unknown
    assert found.tail(len(found) - unknown).null_count() == 0


@pytest.mark.parametrize("indicator", every_indicator())
def test_a_symbol_of_any_length_gives_values_or_nulls_and_never_raises(indicator: str) -> None:
    random = np.random.default_rng(4)
    lengths = (1, 2, 3, 5, 13, 14, 15, 16, 26, 27, 28, 29, 40, 80)
    panel = pl.concat([symbol_bars(f"S{length:02}", random, length) for length in lengths])
    found = computed(panel, ta(indicator))
    assert found.height == sum(lengths)
    assert found["found"].drop_nulls().is_finite().all()
    assert feature_type(ta(indicator), indicator) == pl.Float64


@pytest.mark.parametrize("indicator", every_indicator())
def test_what_is_admitted_does_not_look_ahead(indicator: str) -> None:
    assert looks_ahead([(indicator, ta(indicator))], trial_panel(), truncations=5) == ()


@pytest.mark.parametrize("indicator", every_indicator())
def test_a_bar_with_a_missing_value_is_null_and_left_out(indicator: str) -> None:
    panel = random_panel(5, missing=NUMBERS)
    found = computed(panel, ta(indicator))
    series = [n for n in inspect.signature(ta_indicators._indicators()[indicator]).parameters if n in NUMBERS]
    is_missing = pl.any_horizontal(pl.col(name).is_null() for name in series)
    missing = found.filter(is_missing)
    assert missing["found"].null_count() == missing.height > 0
    without = computed(panel.filter(~is_missing), ta(indicator))
    assert found.filter(~is_missing)["found"].equals(without["found"])


def test_percents_stay_as_ta_gives_them() -> None:
    bars = random_panel(1).filter(pl.col("symbol") == "FULL")
    found = computed(bars, ta("momentum.roc", window=10)).with_columns(
        fraction=pl.col("close") / pl.col("close").shift(10) - 1
    )
    assert np.allclose(found["found"][10:], 100 * found["fraction"][10:], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("indicator", "parameters"),
    [
        ("trend.kst", {}),
        ("trend.kst_sig", {}),
        ("trend.kst", {"roc1": 2, "roc2": 3, "roc3": 4, "roc4": 5, "window1": 2, "window2": 2}),
        ("trend.ichimoku_a", {"visual": True}),
        ("trend.trix", {"window": 1}),
        ("trend.dpo", {"window": 1}),
    ],
)
def test_what_looks_ahead_is_refused_by_name(indicator: str, parameters: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=f"{indicator}.* looks ahead: its values change when later bars"):
        ta(indicator, **parameters)


@pytest.mark.parametrize("indicator", ["momentum.rsi", "volatility.keltner_channel_hband", "trend.kst"])
def test_filling_is_refused(indicator: str) -> None:
    with pytest.raises(ValueError, match=f"{indicator}: fillna fills the first bars from later ones"):
        ta(indicator, fillna=True)
    with pytest.raises(ValueError, match="fillna"):
        ta(indicator, fillna=1)


@pytest.mark.parametrize(
    ("indicator", "parameters", "message"),
    [
        ("momentum.stock", {}, "no indicator 'momentum.stock' in ta; did you mean 'momentum.stoch'"),
        ("stoch", {}, "no indicator 'stoch' in ta; did you mean 'momentum.stoch'"),
        ("xyzzy", {}, "no indicator 'xyzzy' in ta; it is written as momentum.stoch"),
        ("momentum._ema", {}, "no indicator 'momentum._ema' in ta"),
        (14, {}, "no indicator 14 in ta"),
        ("momentum.stoch", {"windw": 14}, "momentum.stoch has no parameter 'windw'; did you mean 'window'"),
        ("others.daily_return", {"xyz": 1}, "others.daily_return has no parameter 'xyz'; it takes fillna"),
        ("momentum.rsi", {"close": 5}, "momentum.rsi: close is the bar's own column and cannot be set"),
        ("momentum.rsi", {"window": 0}, "momentum.rsi: window must be a whole number, at least 1, not 0"),
        ("momentum.rsi", {"window": -14}, "momentum.rsi: window must be a whole number, at least 1, not -14"),
        ("momentum.rsi", {"window": 2.5}, "momentum.rsi: window must be a whole number, at least 1, not 2.5"),
        (
            "momentum.rsi",
            {"window": "14"},
            "momentum.rsi: window must be a whole number, at least 1, not '14'",
        ),
        (
            "momentum.rsi",
            {"window": True},
            "momentum.rsi: window must be a whole number, at least 1, not True",
        ),
        (
            "momentum.rsi",
            {"window": [14]},
            r"momentum.rsi: window must be a whole number, at least 1, not \[14\]",
        ),
        ("trend.psar_up", {"step": "x"}, "trend.psar_up: step must be a number, not 'x'"),
        ("trend.ichimoku_a", {"visual": 1}, "trend.ichimoku_a: visual must be true or false, not 1"),
        (
            "volatility.donchian_channel_hband",
            {"offset": -2},
            "offset must be a whole number, at least 0, not -2",
        ),
        (
            "volume.volume_price_trend",
            {"smoothing_factor": 0},
            "smoothing_factor must be a whole number, at least 1",
        ),
        (
            "volume.volume_price_trend",
            {"dropnans": True},
            "cannot be computed: it gives another number of values",
        ),
        (
            "momentum.rsi",
            {"window": 10**9},
            "momentum.rsi with window=1000000000 gives no value within 4,000 bars",
        ),
        ("trend.psar_up", {"step": float("nan")}, "trend.psar_up with step=nan"),
    ],
)
def test_a_wrong_name_or_parameter_is_refused_when_the_feature_is_built(
    indicator: str, parameters: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        ta(indicator, **parameters)


def test_windows_longer_than_the_usual_trial_are_tried_on_more_bars() -> None:
    bars = symbol_bars("LONG", np.random.default_rng(0), 600)
    assert computed(bars, ta("trend.sma_indicator", window=500))["found"].null_count() == 499


def test_a_band_may_be_a_broken_number_of_deviations_wide() -> None:
    bars = random_panel(1).filter(pl.col("symbol") == "FULL")
    found = computed(bars, ta("volatility.bollinger_hband", window_dev=2.5))["found"].to_numpy()
    wanted = of_ta("volatility.bollinger_hband", bars, window_dev=2.5)
    assert np.array_equal(found, wanted, equal_nan=True)


def test_the_yaml_form_names_the_indicator_and_its_parameters() -> None:
    (name, function), *rest = ta_indicators.momentum_features().items()
    known = {name: Factory(name, "ta", function, inspect.signature(function))}
    call = FeatureCall("stoch", "ta", "momentum.stoch", {"window": 5}, lag=1)
    bars = random_panel(1).filter(pl.col("symbol") == "FULL")
    found = computed(bars, build(call, known))["found"].to_numpy()
    wanted = of_ta("momentum.stoch", bars, window=5)
    assert not rest
    assert not known["ta"].needs_nothing
    assert np.array_equal(found[1:], wanted[:-1], equal_nan=True)


def test_pandas_is_imported_only_when_an_indicator_is_asked_for() -> None:
    program = (
        "import sys; import momentum_plugins.ta_indicators as plugin; plugin.momentum_features();"
        "assert not {'ta', 'pandas'} & set(sys.modules); plugin.ta('momentum.rsi'); assert 'pandas' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)

"""Plugin `ta`: any indicator of the `ta` library by name, as `{ta: momentum.stoch, window: 14}`.

The values are ta's own: percents stay percents (`momentum.roc` of 10 is 10 %), RSI is 0 to 100. What ta gives while
a window is not yet full is null here, as is a symbol shorter than a window. ta works on one symbol at a time,
in Python: ten thousand symbols take some 25 seconds where the features of the plugin `momentum` take one.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import cache, lru_cache
from importlib import import_module
from typing import Any

import numpy as np
import polars as pl

from momentum import hookimpl
from momentum.market.lookahead import looks_ahead, trial_bars

_FAMILIES = ("momentum", "trend", "volatility", "volume", "others")
_SERIES = ("open", "high", "low", "close", "volume")
_LEAST_TRIAL, _LONGEST_TRIAL = 150, 4_000
_TRIAL_CUTS = 6

Parameters = Mapping[str, Any]


def _keltner(p: Parameters) -> int:
    return int(p["window"] if p["original_version"] else max(p["window"], p["window_atr"])) - 1


_WARM_UP: Mapping[str, Callable[[Parameters], int]] = {
    "trend.adx": lambda p: 2 * p["window"] - 1,
    "trend.adx_pos": lambda p: p["window"] + 1,
    "trend.adx_neg": lambda p: p["window"] + 1,
    "trend.ichimoku_b": lambda p: p["window3"] - 1 + (p["window2"] if p["visual"] else 0),
    "trend.psar_up_indicator": lambda p: 2,
    "trend.psar_down_indicator": lambda p: 2,
    "volatility.average_true_range": lambda p: p["window"] - 1,
    "volatility.bollinger_hband_indicator": lambda p: p["window"] - 1,
    "volatility.bollinger_lband_indicator": lambda p: p["window"] - 1,
    "volatility.keltner_channel_hband": _keltner,
    "volatility.keltner_channel_lband": _keltner,
    "volatility.keltner_channel_wband": _keltner,
    "volatility.keltner_channel_pband": _keltner,
    "volatility.keltner_channel_hband_indicator": _keltner,
    "volatility.keltner_channel_lband_indicator": _keltner,
}
"""How many first bars ta fills with 0, or with a value over a part of the window; elsewhere it gives NaN itself."""


@hookimpl
def momentum_features() -> Mapping[str, Callable[..., pl.Expr]]:
    """The factory `ta`."""
    return {"ta": ta}


def ta(indicator: str, **parameters: object) -> pl.Expr:
    """An indicator of the `ta` library over one symbol's bars, with ta's parameters and their defaults.

    `indicator` is a function of ta.momentum, ta.trend, ta.volatility, ta.volume or ta.others, as `momentum.stoch`;
    its series are the bar's columns. A bar with a missing value gives null and is left out of the others.

    Raises ValueError for an unknown indicator or parameter, a value that ta cannot use, and an indicator that
    looks ahead with these parameters (`trend.kst` does, and everything with `fillna`).
    """
    known = _indicators()
    if indicator not in known:
        raise ValueError(f"there is no indicator {indicator!r} in ta{_near_indicator(str(indicator), known)}")
    _tried(indicator, tuple(sorted(_checked(indicator, known[indicator], parameters).items())))
    return _expression(indicator, known[indicator], parameters)


@cache
def _indicators() -> Mapping[str, Callable[..., Any]]:
    """ta's functions by name. ta brings pandas, so it is imported when an indicator is asked for."""
    found = {}
    for family in _FAMILIES:
        module = import_module(f"ta.{family}")
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if function.__module__ == module.__name__ and not name.startswith("_"):
                found[f"{family}.{name}"] = function
    return found


def _near_indicator(name: str, known: Mapping[str, object]) -> str:
    bare = [full for full in known if full.rpartition(".")[2] == name]
    near = bare or get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else "; it is written as momentum.stoch or trend.adx"


def _checked(indicator: str, function: Callable[..., Any], parameters: Parameters) -> Parameters:
    """The parameters, where each is one of the function's and of the kind of its default."""
    defaults = _defaults(function)
    for name, value in parameters.items():
        if name in _SERIES:
            raise ValueError(f"{indicator}: {name} is the bar's own column and cannot be set")
        if name not in defaults:
            near = get_close_matches(name, defaults, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"it takes {', '.join(defaults) or 'none'}"
            raise ValueError(f"{indicator} has no parameter {name!r}; {hint}")
        if name == "fillna" and value:
            raise ValueError(f"{indicator}: fillna fills the first bars from later ones, which looks ahead")
        problem = _problem(value, float(defaults[name]) if name == "window_dev" else defaults[name])
        if problem:
            raise ValueError(f"{indicator}: {name} must be {problem}, not {value!r}")
    return parameters


def _defaults(function: Callable[..., Any]) -> Parameters:
    signature = inspect.signature(function)
    return {name: p.default for name, p in signature.parameters.items() if name not in _SERIES}


def _series(function: Callable[..., Any]) -> list[str]:
    return [name for name in inspect.signature(function).parameters if name in _SERIES]


def _problem(value: object, default: object) -> str:
    """What a value should have been, or nothing where it can stand in the place of a default."""
    if isinstance(default, bool):
        return "" if isinstance(value, bool) else "true or false"
    if isinstance(default, float):
        return "" if isinstance(value, int | float) and not isinstance(value, bool) else "a number"
    least = min(default, 1) if isinstance(default, int) else 1
    if isinstance(value, int) and not isinstance(value, bool) and value >= least:
        return ""
    return f"a whole number, at least {least}"


@lru_cache(maxsize=256)
def _tried(indicator: str, parameters: tuple[tuple[str, Any], ...]) -> None:
    """Compute an indicator on made-up bars. Raises ValueError where it fails, gives nothing, or looks ahead."""
    function = _indicators()[indicator]
    chosen = dict(parameters)
    windows = [value for _, value in parameters if isinstance(value, int)]
    length = min(max([_LEAST_TRIAL, *(4 * window for window in windows)]), _LONGEST_TRIAL)
    bars = trial_bars("TRIAL", length)
    shown = f"{indicator} with {', '.join(f'{k}={v}' for k, v in parameters)}" if parameters else indicator
    try:
        columns = {name: bars[name].to_numpy() for name in _series(function)}
        values = _computed(indicator, function, chosen, columns)
    except Exception as error:
        raise ValueError(f"{shown} cannot be computed: {error}") from error
    if np.isnan(values).all():
        raise ValueError(f"{shown} gives no value within {length:,} bars")
    if looks_ahead([(indicator, _expression(indicator, function, chosen))], bars, _TRIAL_CUTS):
        raise ValueError(f"{shown} looks ahead: its values change when later bars are taken away")


def _expression(indicator: str, function: Callable[..., Any], parameters: Parameters) -> pl.Expr:
    series = _series(function)

    def compute(bars: pl.Series) -> pl.Series:
        columns = {name: bars.struct.field(name).to_numpy() for name in series}
        try:
            values = _computed(indicator, function, parameters, columns)
        except (
            IndexError,
            ValueError,
        ):  # what ta raises for fewer bars than a window; the parameters were tried
            values = np.full(len(bars), np.nan)
        return pl.Series(values, dtype=pl.Float64, nan_to_null=True)

    return pl.struct(series).map_batches(compute, return_dtype=pl.Float64)


def _computed(
    indicator: str, function: Callable[..., Any], parameters: Parameters, columns: Mapping[str, Any]
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """An indicator's values, NaN where there is none: in the warm-up, at a missing value, over a division by 0.

    ta is given the whole bars only: one missing value would make its ADX and ATR unknown for ever after, and its
    kama look ahead.
    """
    import pandas as pd

    bars = np.column_stack(list(columns.values()))
    whole = ~np.isnan(bars).any(axis=1)
    series = {name: pd.Series(values[whole], dtype="float64") for name, values in columns.items()}
    values = np.array(function(**series, **parameters), dtype=np.float64)
    if len(values) != whole.sum():
        raise ValueError("it gives another number of values than there are bars")
    values[~np.isfinite(values)] = np.nan
    if indicator in _WARM_UP:
        values[: _WARM_UP[indicator]({**_defaults(function), **parameters})] = np.nan
    found = np.full(len(whole), np.nan)
    found[whole] = values
    return found

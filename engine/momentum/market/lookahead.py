"""Does a feature see the future? Later bars are taken away, and the values before them must stay as they were."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import polars as pl

from momentum.rules.features import BROKEN, why_broken
from momentum.rules.language import RuleError

TRUNCATIONS = 16
"""At how many dates the bars are cut off, evenly spread from the first bars on."""

_TOLERANCE = 1e-9
_FIRST_DAY = date(2020, 1, 1)


def looks_ahead(
    features: Sequence[tuple[str, pl.Expr]], bars: pl.DataFrame, truncations: int = TRUNCATIONS
) -> tuple[str, ...]:
    """The names of the features that give another value at some bar once later bars are removed.

    `bars` has symbol, ts, open, high, low, close, volume and day_fraction, sorted by symbol and ts; a feature is an
    expression over one symbol's bars. Numbers are the same within 1e-9 of their size; unknown is the same as
    unknown. Raises `RuleError` for a feature that cannot be computed on some of the bars.
    """
    if not features:
        return ()
    names = [name for name, _ in features]
    whole = computed(features, bars)
    found: set[str] = set()
    for last in cuts(bars["ts"].unique().sort().to_list(), truncations):
        part = computed(features, bars.filter(pl.col("ts") <= last))
        found |= changed(whole.filter(pl.col("ts") <= last), part, names).keys()
    return tuple(name for name in names if name in found)


def computed(features: Sequence[tuple[str, pl.Expr]], bars: pl.DataFrame) -> pl.DataFrame:
    """The features of each bar, with its `ts`. Raises `RuleError` that names the one which cannot be computed."""
    try:
        return bars.select("ts", *(expression.over("symbol").alias(name) for name, expression in features))
    except BROKEN as error:
        if len(features) > 1:
            for feature in features:
                computed([feature], bars)
        raise RuleError(f"feature {features[0][0]} cannot be computed: {why_broken(error)}") from error


def cuts(days: Sequence[date], count: int) -> list[date]:
    """At most so many of the days in order, evenly spread, after each of which later ones remain to be cut off."""
    if len(days) < 2:
        return []
    return [days[place] for place in np.unique(np.linspace(0, len(days) - 2, count).astype(int))]


def changed(before: pl.DataFrame, after: pl.DataFrame, names: Sequence[str]) -> dict[str, int]:
    """The first row in which each of the columns differs, by its name; what is the same everywhere is absent.

    Both frames hold the same rows in the same order. Numbers are the same within 1e-9 of their size.
    """
    if not names or before.is_empty():
        return {}
    both = pl.concat([before.select(names), after.select(pl.col(names).name.suffix("'"))], how="horizontal")
    differs = (~_same(name, before.schema[name]) for name in names)
    first = both.select(
        pl.when(column.any()).then(column.arg_max()).alias(name)
        for name, column in zip(names, differs, strict=True)
    )
    return {name: place for name, place in first.row(0, named=True).items() if place is not None}


def _same(name: str, found: pl.DataType) -> pl.Expr:
    before, after = pl.col(name), pl.col(f"{name}'")
    if not found.is_float():
        return before.eq_missing(after)
    before, after = before.fill_nan(None), after.fill_nan(None)
    near = (before - after).abs() <= _TOLERANCE * pl.max_horizontal(before.abs(), after.abs())
    return before.eq_missing(after) | (near & before.is_finite() & after.is_finite()).fill_null(False)


def trial_panel(length: int = 150) -> pl.DataFrame:
    """A small made-up panel, the same every time, with what real ones have: jumps, gaps between bars, volumes of 0,
    missing values, a flat stretch, symbols of one and of a few bars, and one that is listed late.
    """
    place = pl.int_range(pl.len())
    return pl.concat(
        [
            trial_bars("FEW", length, seed=1).head(5),
            trial_bars("GAPS", length, seed=2).filter((place % 7 != 3) & ~place.is_between(60, 75)),
            trial_bars("LATE", length, seed=3).tail(length // 3),
            trial_bars("MISSING", length, seed=4).with_columns(
                pl.when((place + shift) % 41 != 40).then(pl.col(name))
                for shift, name in enumerate(("open", "high", "low", "close", "volume"))
            ),
            trial_bars("ONE", length, seed=5).slice(length // 2, 1),
            trial_bars("WHOLE", length),
        ]
    )


def trial_bars(symbol: str, length: int, seed: int = 0) -> pl.DataFrame:
    """One symbol's made-up bars, `length` of them, one a day; prices in dollars, volume in shares."""
    random = np.random.default_rng(seed)
    close = 40 * np.exp(np.cumsum(0.02 * random.standard_t(4, length)))
    opens = close * np.exp(0.01 * random.standard_normal(length))
    high = np.maximum(opens, close) * np.exp(np.abs(0.01 * random.standard_normal(length)))
    low = np.minimum(opens, close) * np.exp(-np.abs(0.01 * random.standard_normal(length)))
    volume = np.floor(np.exp(random.normal(12, 0.8, length)))
    volume[random.random(length) < 0.03] = 0
    flat = slice(length // 3, length // 3 + 4)
    for prices in (opens, high, low, close):
        prices[flat] = close[length // 3 - 1]
    return pl.DataFrame(
        {
            "symbol": [symbol] * length,
            "ts": [_FIRST_DAY + timedelta(days=day) for day in range(length)],
            "open": opens,
            "high": high,
            "low": low,
            "close": close,
            "volume": volume,
            "day_fraction": 1.0,
        }
    )

"""Builders of bars for tests: random panels with what real ones have, and how features are computed on them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from momentum.rules.features import feature_type, finite

NUMBERS = ("open", "high", "low", "close", "volume")


def panel_of(bars: pl.DataFrame) -> pl.DataFrame:
    """Bars as the engine hands them to features: Float64, and NaN is null, as `market.panel` makes it."""
    numbers = [pl.col(name).cast(pl.Float64).fill_nan(None) for name in NUMBERS]
    return bars.with_columns(*numbers, day_fraction=pl.lit(1.0)).sort("symbol", "ts")


def symbol_bars(symbol: str, random: np.random.Generator, length: int) -> pl.DataFrame:
    """One symbol's random walk; some bars are flat, some have no volume."""
    close = random.uniform(2, 400) * np.exp(
        np.cumsum(random.uniform(0.005, 0.04) * random.standard_t(4, length))
    )
    opens = close * np.exp(0.01 * random.standard_normal(length))
    high = np.maximum(opens, close) * np.exp(np.abs(0.01 * random.standard_normal(length)))
    low = np.minimum(opens, close) * np.exp(-np.abs(0.01 * random.standard_normal(length)))
    volume = np.floor(np.exp(random.normal(12, 1, length)))
    volume[random.random(length) < 0.05] = 0
    flat = random.random(length) < 0.03
    for prices in (opens, high, low):
        prices[flat] = close[flat]
    days = [date(2021, 1, 4) + timedelta(days=day) for day in range(length)]
    prices = {"open": opens, "high": high, "low": low, "close": close, "volume": volume}
    return pl.DataFrame({"symbol": [symbol] * length, "ts": days, **prices})


def random_panel(seed: int, missing: tuple[str, ...] = (), length: int = 120) -> pl.DataFrame:
    """Symbols with every bar, with gaps between bars, of few bars, of one; `missing` columns have nulls and NaN."""
    random = np.random.default_rng(seed)
    frames = [symbol_bars("FULL", random, length)]
    gaps = symbol_bars("GAPS", random, length)
    frames.append(gaps.filter(pl.Series(random.random(length) > 0.15)))
    frames += [symbol_bars("FEW", random, 6), symbol_bars("ONE", random, 1)]
    bars = pl.concat(frames)
    for name in missing:
        chance = pl.Series(random.random(bars.height))
        value = (
            pl.when(chance < 0.03).then(None).when(chance < 0.06).then(float("nan")).otherwise(pl.col(name))
        )
        bars = bars.with_columns(value.alias(name))
    return panel_of(bars)


def real_panel(directory: Path, symbols: int = 40) -> pl.DataFrame:
    """Every so-manieth symbol of the real market, and those with bars of volume 0 among them."""
    bars = pl.read_parquet(directory / "daily.parquet").rename({"date": "ts"})
    names = bars["symbol"].unique().sort()
    chosen = names.gather_every(len(names) // symbols).to_list()
    return panel_of(bars.filter(pl.col("symbol").is_in(chosen)))


def values(panel: pl.DataFrame, features: Mapping[str, pl.Expr]) -> pl.DataFrame:
    """The features by symbol, as rules see them: numbers Float64, never NaN or infinite."""
    types = {name: feature_type(expression, name) for name, expression in features.items()}
    frame = panel.with_columns(expression.over("symbol").alias(name) for name, expression in features.items())
    return frame.with_columns(finite(name, found) for name, found in types.items())


def by_symbol(panel: pl.DataFrame) -> Mapping[str, pl.DataFrame]:
    """The bars of each symbol, oldest first."""
    return {str(key[0]): frame for key, frame in panel.group_by("symbol", maintain_order=True)}

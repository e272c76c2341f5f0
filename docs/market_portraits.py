"""Portraits of markets for docs/sample-market.md: of the sample market by seed, and of the real data kept outside.

A portrait is plain data, so that the real ones can be kept in docs/real-market.json where the bars themselves cannot:
`{"symbols": 559, "sessions": 324, "figures": {"deviation": 0.017, ...}, "curves": {"gap": [...], ...}}`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

import market_statistics as statistics
from momentum.market.calendar import EXCHANGE
from momentum.market.clock import FixedClock
from momentum.market.universe import load_universe
from momentum.settings.template import template_directory
from momentum_plugins.sample.market import SampleMarket

Portrait = Mapping[str, Any]

CLASSES = ("large", "mid", "small")
SEEDS = (7, 1, 42)
EVENING = datetime(2026, 11, 24, 18, 0, tzinfo=EXCHANGE)
"""The moment up to which the sample market is made: the two years before it are its portrait."""
FIRST_MINUTE = datetime(2026, 11, 9, tzinfo=EXCHANGE)
"""Its minutes are those of the sessions from here on."""

LEAST_PRICE, LEAST_TURNOVER = 5.0, 5e6
"""Median close and median turnover a day, in dollars, of the real companies that are compared."""
_REAL_DAILY = (
    ("2015-16", "daily.parquet", date(2015, 7, 31), CLASSES),
    ("2018-21", "daily_2018.parquet", date(2021, 1, 29), CLASSES[:2]),
)
_WHOLE_DAY = 380
"""Minutes with a trade that make a real symbol's day a whole one."""

EDGES = [float(edge) for edge in np.arange(-8.25, 8.26, 0.5)]
LAGS = tuple(range(1, 41))
GAPS = [float(gap) for gap in np.arange(0.0025, 0.0801, 0.0025)]
ROCS = [float(roc) for roc in np.arange(0.01, 0.301, 0.01)]
MARKS = tuple(range(0, 391, 10))


def of_days(bars: pl.DataFrame) -> Portrait:
    """The portrait of daily bars."""
    market = statistics.prepared(bars)
    sizes = market.with_columns(gap=pl.col("gap").abs())
    return {
        "symbols": market["symbol"].n_unique(),
        "sessions": market["ts"].n_unique(),
        "figures": statistics.figures(market, statistics.DAILY),
        "curves": {
            "returns": statistics.returns_density(market, EDGES),
            "clusters": statistics.clusters(market, LAGS),
            "gaps": statistics.exceeding(sizes, "gap", GAPS),
            "rocs": statistics.exceeding(market, "roc", ROCS),
        },
    }


def of_minutes(minutes: pl.DataFrame) -> Portrait:
    """The portrait of minutes, or of longer bars within the day."""
    return {
        "days": minutes.select(pl.struct("symbol", "day").n_unique()).item(),
        "figures": statistics.figures(minutes, statistics.INTRADAY),
        "curves": {
            "volume": statistics.volume_curve(minutes, MARKS),
            "widths": statistics.widths(minutes, 15),
        },
    }


def sample_market(seed: int) -> SampleMarket:
    """The sample market over the shipped universe, on a fixed evening."""
    return SampleMarket(seed, 2, (), FixedClock(EVENING))


def sample_days(seed: int) -> dict[str, Portrait]:
    """The sample market's daily bars by size class."""
    bars = sample_market(seed).daily(None, EVENING, 10_000)
    caps = load_universe(template_directory() / "data" / "universe.json").caps
    return {
        cap: of_days(_only(bars, (name for name, found in caps.items() if found == cap))) for cap in CLASSES
    }


def sample_minutes(seed: int) -> dict[str, Portrait]:
    """The sample market's minutes, and 5-minute bars made of them."""
    market = sample_market(seed)
    minutes = _within_the_day(market.bars(market.symbols(), FIRST_MINUTE, EVENING))
    fives = minutes.group_by("symbol", "day", pl.col("minute") // 5 * 5).agg(
        pl.col("high").max(), pl.col("low").min(), pl.col("volume").sum()
    )
    return {"1 minute": of_minutes(minutes), "5 minutes": of_minutes(fives.sort("symbol", "day", "minute"))}


def real_market(directory: Path) -> dict[str, Any]:
    """All portraits of real data, from a directory that holds the files that are named here."""
    caps = pl.read_parquet(directory / "market_caps.parquet").filter(pl.col("market_cap") > 0)
    daily: dict[str, dict[str, Portrait]] = {cap: {} for cap in CLASSES}
    for period, name, as_of, classes in _REAL_DAILY:
        bars = _compared(pl.read_parquet(directory / name).rename({"date": "ts"}))
        sized = caps.filter(pl.col("as_of") == as_of)
        for cap in classes:
            daily[cap][period] = of_days(_only(bars, sized.filter(_size() == cap)["symbol"]))
    minutes = _within_the_day(pl.read_parquet(directory / "minute.parquet"))
    fives = _within_the_day(pl.read_parquet(directory / "bars_5min_2024.parquet"))
    traded = pl.len().over("symbol", "day")
    return {
        "daily": daily,
        "intraday": {
            "1 minute": of_minutes(minutes.filter(traded >= _WHOLE_DAY)),
            "5 minutes": of_minutes(fives.filter(traded == statistics.SESSION // 5)),
        },
    }


def _compared(bars: pl.DataFrame) -> pl.DataFrame:
    """The bars of symbols with every session, a price and a turnover that a trader would look at."""
    turnover = (pl.col("close") * pl.col("volume")).median()
    fit = bars.group_by("symbol").agg(sessions=pl.len(), price=pl.col("close").median(), turnover=turnover)
    kept = fit.filter(
        pl.col("sessions") == bars["ts"].n_unique(),
        pl.col("price") >= LEAST_PRICE,
        pl.col("turnover") >= LEAST_TURNOVER,
    )
    return _only(bars, kept["symbol"])


def _size() -> pl.Expr:
    value = pl.col("market_cap")
    return (
        pl.when(value > 10e9)
        .then(pl.lit("large"))
        .when(value >= 2e9)
        .then(pl.lit("mid"))
        .otherwise(pl.lit("small"))
    )


def _only(bars: pl.DataFrame, symbols: Iterable[str]) -> pl.DataFrame:
    return bars.filter(pl.col("symbol").is_in(list(symbols)))


def _within_the_day(bars: pl.DataFrame) -> pl.DataFrame:
    """With day and minute in exchange time; regular hours of whole sessions only."""
    local = pl.col("ts").dt.convert_time_zone(str(EXCHANGE))
    minute = local.dt.hour().cast(pl.Int32) * 60 + local.dt.minute() - 570
    placed = bars.with_columns(day=local.dt.date(), minute=minute)
    regular = placed.filter(pl.col("minute").is_between(0, statistics.SESSION - 1)).sort("symbol", "ts")
    return regular.filter(pl.col("minute").max().over("day") >= statistics.SESSION - 5)


def rounded(value: Any) -> Any:
    """Plain data with its numbers to six digits, so that the file stays small and its changes can be read."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, Mapping):
        return {key: rounded(part) for key, part in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [rounded(part) for part in value]
    return value

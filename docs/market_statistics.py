"""What a market's bars are like, in numbers: the same plain functions for the sample market and for real ones.

Daily bars are frames of symbol, ts (a date), open, high, low, close (dollars) and volume (shares). `prepared` adds
what the statistics read. A median is over symbols: each counts the same, whatever its size. Minutes are frames of
symbol, day, minute (since the open, from 0), high, low and volume, of regular hours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

LARGEST_MOVE = 0.5
"""A daily log return beyond this is left out, in every market: in real files most of them are unadjusted splits."""
USUAL_VOLUME, AHEAD, SESSION = 20, 5, 390
"""Sessions whose mean volume is the usual; sessions that a breakout is followed for; minutes of a session."""

_MOVE, _GAP, _DAY, _ROC, _SURGE = (pl.col(name) for name in ("move", "gap", "day", "roc", "surge"))


def prepared(bars: pl.DataFrame) -> pl.DataFrame:
    """The bars with log returns (`move`, overnight `gap`, `day` from open to close), the 10-day change `roc` (a
    fraction), `surge` (volume over its usual), `log_volume`, `breakout` (a close above the five highs before, on
    1.3 times the usual volume, 3 % or more above ten days ago) and `ahead` (the log return of five sessions on)."""
    close, volume = pl.col("close"), pl.col("volume")
    move = (close / close.shift(1)).log()
    usual = pl.when(move.abs() <= LARGEST_MOVE)
    moves = bars.sort("symbol", "ts").with_columns(
        move=usual.then(move).over("symbol"),
        gap=usual.then((pl.col("open") / close.shift(1)).log()).over("symbol"),
        day=usual.then((close / pl.col("open")).log()).over("symbol"),
        surge=(volume / volume.shift(1).rolling_mean(USUAL_VOLUME)).over("symbol"),
        log_volume=pl.when(volume > 0).then(volume.log()),
        above=(close > pl.col("high").shift(1).rolling_max(5)).over("symbol"),
    )
    windows = moves.with_columns(
        roc=(_MOVE.rolling_sum(10).exp() - 1).over("symbol"),
        ahead=_MOVE.rolling_sum(AHEAD).shift(-AHEAD).over("symbol"),
    )
    return windows.with_columns(breakout=pl.col("above") & (_SURGE >= 1.3) & (_ROC >= 0.03))


def median_of(market: pl.DataFrame, figure: pl.Expr) -> float:
    """The median over symbols of an expression that makes one number of a symbol's bars."""
    return float(np.nanmedian(market.group_by("symbol").agg(figure=figure)["figure"].drop_nulls().to_numpy()))


def share(market: pl.DataFrame, condition: pl.Expr) -> float:
    """The share of symbol-days on which a condition holds, of those where it is known."""
    return float(market.select(condition.mean()).item())


def remembered(series: pl.Expr, lag: int) -> pl.Expr:
    """Autocorrelation: of a symbol's series with itself `lag` sessions earlier."""
    return pl.corr(series, series.shift(lag))


def correlation(market: pl.DataFrame) -> float:
    """The mean correlation of daily returns over all pairs of symbols, on the sessions where all are known."""
    moves = market.pivot(on="symbol", index="ts", values="move").drop("ts").drop_nulls().to_numpy()
    pairs = np.corrcoef(moves.T)
    return float(pairs[np.triu_indices_from(pairs, 1)].mean())


def followed(market: pl.DataFrame) -> float:
    """The mean log return of the five sessions after a breakout, less that of any five sessions."""
    after = market.select(pl.col("ahead").filter("breakout").mean() - pl.col("ahead").mean())
    return float(after.item())


def exceeding(market: pl.DataFrame, column: str, thresholds: Sequence[float]) -> list[float]:
    """For each threshold, the share of symbol-days on which the column lies above it."""
    values = market[column].drop_nulls().sort().to_numpy()
    return [float(1 - np.searchsorted(values, at, side="right") / len(values)) for at in thresholds]


def clusters(market: pl.DataFrame, lags: Sequence[int]) -> list[float]:
    """The median autocorrelation of absolute returns at each lag."""
    return [median_of(market, remembered(_MOVE.abs(), lag)) for lag in lags]


def returns_density(market: pl.DataFrame, edges: Sequence[float]) -> list[float]:
    """The density of daily returns between neighbouring edges, each in standard deviations of its own symbol."""
    moves = market.select(((_MOVE - _MOVE.mean()) / _MOVE.std()).over("symbol")).to_series().drop_nulls()
    counts, _ = np.histogram(moves.to_numpy(), edges)
    return [float(part) for part in counts / (len(moves) * np.diff(edges))]


def widest_bar(minutes: pl.DataFrame) -> float:
    """The median over symbols' days of their widest bar's high less low, as a share of the whole day's."""
    widest, whole = (pl.col("high") - pl.col("low")).max(), pl.col("high").max() - pl.col("low").min()
    by_day = minutes.group_by("symbol", "day").agg(widest=widest, whole=whole).filter(pl.col("whole") > 0)
    return float(by_day.select((pl.col("widest") / pl.col("whole")).median()).item())


def widths(minutes: pl.DataFrame, step: int) -> list[float]:
    """The mean high less low of the bars in each `step` minutes of the session, over the day's mean."""
    width = pl.col("high") - pl.col("low")
    scaled = minutes.with_columns(width=width / width.mean().over("symbol", "day")).drop_nans("width")
    return (
        scaled.group_by(pl.col("minute") // step)
        .agg(pl.col("width").mean())
        .sort("minute")["width"]
        .to_list()
    )


def volume_curve(minutes: pl.DataFrame, marks: Sequence[int]) -> list[float]:
    """The mean share of a day's volume that has traded before each of the minutes since the open."""
    volume, minute = pl.col("volume"), pl.col("minute")
    parts = [(volume.filter(minute < mark).sum() / volume.sum()).alias(str(mark)) for mark in marks]
    by_day = minutes.group_by("symbol", "day").agg(parts)
    return [float(by_day[str(mark)].mean()) for mark in marks]  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Statistic:
    """A figure of a market. The sample's is held between `low` and `high` whatever the size class and the seed;
    `percent` says how it is written."""

    key: str
    label: str
    low: float
    high: float
    of: Callable[[pl.DataFrame], float]
    percent: bool = False


def _median(figure: pl.Expr) -> Callable[[pl.DataFrame], float]:
    return lambda market: median_of(market, figure)


def _share(condition: pl.Expr) -> Callable[[pl.DataFrame], float]:
    return lambda market: share(market, condition)


_LOG_VOLUME = pl.col("log_volume")
_NIGHT_PART = _GAP.var() / (_GAP.var() + _DAY.var())

DAILY: tuple[Statistic, ...] = (
    Statistic("deviation", "standard deviation of daily returns", 0.015, 0.035, _median(_MOVE.std()), True),
    Statistic("kurtosis", "excess kurtosis of daily returns", 2.0, 13.0, _median(_MOVE.kurtosis())),
    Statistic("cluster_1", "autocorrelation of absolute returns, 1 session on", 0.08, 0.33,
              _median(remembered(_MOVE.abs(), 1))),
    Statistic("cluster_5", "the same, 5 sessions on", 0.03, 0.30, _median(remembered(_MOVE.abs(), 5))),
    Statistic("cluster_20", "the same, 20 sessions on", 0.01, 0.18, _median(remembered(_MOVE.abs(), 20))),
    Statistic("correlation", "mean correlation of two symbols' returns", 0.15, 0.50, correlation),
    Statistic("overnight", "share of variance overnight", 0.24, 0.42, _median(_NIGHT_PART), True),
    Statistic("gap_1", "opens over 1 % from the close before", 0.15, 0.35, _share(_GAP.abs() > 0.01), True),
    Statistic("gap_3", "opens over 3 % from the close before", 0.015, 0.065, _share(_GAP.abs() > 0.03), True),
    Statistic("roc_3", "up 3 % or more in ten sessions", 0.24, 0.40, _share(_ROC >= 0.03), True),
    Statistic("roc_5", "up 5 % or more in ten sessions", 0.14, 0.31, _share(_ROC >= 0.05), True),
    Statistic("roc_10", "up 10 % or more in ten sessions", 0.035, 0.17, _share(_ROC >= 0.10), True),
    Statistic("memory", "autocorrelation of returns, 1 session on", -0.10, 0.08, _median(remembered(_MOVE, 1))),
    Statistic("breakouts", "momentum breakouts", 0.018, 0.05, _share(pl.col("breakout")), True),
    Statistic("followed", "five sessions after one, over any five", -0.009, 0.009, followed, True),
    Statistic("volume_1", "autocorrelation of log volume, 1 session on", 0.48, 0.63,
              _median(remembered(_LOG_VOLUME, 1))),
    Statistic("volume_5", "the same, 5 sessions on", 0.21, 0.38, _median(remembered(_LOG_VOLUME, 5))),
    Statistic("surge_13", "1.3 times the usual volume or more", 0.17, 0.22, _share(_SURGE >= 1.3), True),
    Statistic("surge_2", "2 times the usual volume or more", 0.035, 0.065, _share(_SURGE >= 2), True),
    Statistic("surge_3", "3 times the usual volume or more", 0.008, 0.024, _share(_SURGE >= 3), True),
)  # fmt: skip
"""Of prepared daily bars. Shares are of all symbols' sessions; a momentum breakout is `prepared`'s."""

INTRADAY: tuple[Statistic, ...] = (
    Statistic("widest", "the widest bar's share of the day's range", 0.14, 0.35, widest_bar, True),
    Statistic("opening", "width of bars in the first 15 minutes, over the day's mean", 1.7, 3.0,
              lambda minutes: widths(minutes, 15)[0]),
    Statistic("closing", "width of bars in the last 15 minutes, over the day's mean", 0.9, 1.4,
              lambda minutes: widths(minutes, 15)[-1]),
    Statistic("first_half_hour", "volume of the first half hour", 0.12, 0.16,
              lambda minutes: volume_curve(minutes, [30])[0], True),
    Statistic("last_half_hour", "volume of the last half hour", 0.15, 0.23,
              lambda minutes: 1 - volume_curve(minutes, [SESSION - 30])[0], True),
)  # fmt: skip
"""Of minutes, or of 5-minute bars."""


def figures(market: pl.DataFrame, statistics: Sequence[Statistic]) -> dict[str, float]:
    """Each statistic of a market, by key."""
    return {statistic.key: statistic.of(market) for statistic in statistics}

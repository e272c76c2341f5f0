"""Where a symbol's price steps to another level, and what price and volume were like on either side.

A step is a close far from the one before, the market's own move taken off, or a long gap between two bars. Between
steps lie levels; each has the usual price and the usual dollars traded a day at its beginning and its end.
"""

from __future__ import annotations

from math import log

import polars as pl

from momentum.market.quality.thresholds import Thresholds

_CLOSE, _VOLUME, _DAY = pl.col("close"), pl.col("volume"), pl.col("ts")
_NOTHING = 1000.0
"""Dollars a day that are added to every volume before two are compared: below them there is no trade to speak of."""


def moves(bars: pl.DataFrame, thresholds: Thresholds) -> pl.DataFrame:
    """Daily bars with `previous` (close), `move` (its logarithm, the market's taken off) and `skipped` sessions.

    `bars` has symbol, ts, open, high, low, close, volume, sorted by symbol and ts; sessions are the days that any
    symbol has. The first bar of a symbol has nulls.
    """
    days = bars.select(_DAY.unique().sort()).with_row_index("place")
    same = pl.col("symbol") == pl.col("symbol").shift(1)
    place = pl.col("place").cast(pl.Int64)
    placed = (
        bars.lazy()
        .join(days.lazy(), on="ts", how="left", maintain_order="left")
        .with_columns(
            previous=pl.when(same).then(_CLOSE.shift(1)),
            skipped=pl.when(same).then(place - place.shift(1) - 1),
        )
        .with_columns(raw=(_CLOSE / pl.col("previous")).log())
    )
    market = placed.group_by("ts").agg(
        market=pl.when(pl.col("raw").count() >= thresholds.market).then(pl.col("raw").median()).otherwise(0.0)
    )
    return (
        placed.join(market, on="ts", how="left", maintain_order="left")
        .with_columns(move=pl.col("raw") - pl.col("market"))
        .drop("raw", "market")
        .collect()
    )


def steps(moved: pl.DataFrame, thresholds: Thresholds) -> pl.DataFrame:
    """One row for each step, with what lies before and after it.

    `moved` is the result of `moves`. The row has the bar of the step, `previous`, `move`, `skipped`, and:
    `usual` (median absolute daily move), `crowded` (many symbols step on that day), `bars_before` and `bars` of the
    levels, `price_before` and `price` (medians of the five nearest closes), `dollars_before` and `dollars` (medians
    of dollars a day of the nearest bars), `dollars_day`, `ends` (last day of the level), `last` (its last close),
    and of the level after it `price_after`, `dollars_after`, `open_after`, `close_after`.
    """
    is_step = (
        (pl.col("move").abs() >= log(thresholds.step))
        & (pl.max_horizontal("close", "previous") >= thresholds.step_price)
    ) | (pl.col("skipped") >= thresholds.long_gap)
    marked = moved.with_columns(step=is_step.fill_null(False)).with_columns(
        crowd=pl.when(pl.col("step")).then(pl.col("step").sum().over("ts"))
    )
    of = moved["symbol"].n_unique()
    touched = marked.filter(pl.col("step"))["symbol"].unique().implode()
    level = ["symbol", "level"]
    inside = (
        marked.lazy()
        .filter(pl.col("symbol").is_in(touched))
        .with_columns(level=pl.col("step").cum_sum().over("symbol"), dollars=_CLOSE * _VOLUME)
    )
    near = thresholds.level_bars
    found = inside.group_by(level, maintain_order=True).agg(
        pl.col(
            "ts", "open", "high", "low", "close", "volume", "previous", "move", "skipped", "crowd"
        ).first(),
        bars=pl.len(),
        ends=_DAY.last(),
        last=_CLOSE.last(),
        usual=pl.col("move").slice(1).tail(near).abs().median().fill_null(0.0),
        price=_CLOSE.head(5).median(),
        price_end=_CLOSE.tail(5).median(),
        dollars_day=pl.col("dollars").first() + _NOTHING,
        dollars=pl.col("dollars").head(near).median() + _NOTHING,
        dollars_end=pl.col("dollars").tail(near).median() + _NOTHING,
    )

    def before(name: str) -> pl.Expr:
        return pl.col(name).shift(1).over("symbol")

    def after(name: str) -> pl.Expr:
        return pl.col(name).shift(-1).over("symbol")

    return (
        found.with_columns(
            usual=before("usual"),
            bars_before=before("bars"),
            price_before=before("price_end"),
            dollars_before=before("dollars_end"),
            price_after=after("price"),
            dollars_after=after("dollars"),
            open_after=after("open"),
            close_after=after("close"),
        )
        .filter(pl.col("level") > 0)
        .with_columns(crowded=pl.col("crowd") >= max(thresholds.crowd, thresholds.crowd_share * of))
        .drop("crowd")
        .collect()
    )

"""What a step of price is: a split, another security, a bad print, or a real jump.

A split moves the open at once by a usual ratio and leaves the dollars traded as they were. Another security has its
own price and its own volume from the open on, and often the first one comes back. News moves price and volume
together, and the burst of volume ebbs.
"""

from __future__ import annotations

from math import log

import polars as pl

from momentum.market.quality.thresholds import SPLIT_RATIOS, Thresholds

SPLIT, OTHER, SPIKE, JUMP, QUIET = "split", "other security", "spike", "jump", "quiet"
"""Values of `kind`: the last is a step that says nothing, such as a long gap after which all is as before."""

_SLIPPED = 0.04
"""How far a slipped decimal point may be from a whole power of ten: the day's own move, in tenfolds."""


def judged(steps: pl.DataFrame, thresholds: Thresholds) -> pl.DataFrame:
    """The steps of `levels.steps` with their `kind`, and `old` and `new` shares of those that are splits.

    A step back to where a price came from has the kind of the step away from it, and `returns` true.
    """
    marks = _with_nearest_ratio(steps).with_columns(**_marks(thresholds))
    kinds = marks.with_columns(
        kind=pl.when(pl.col("away") & pl.col("contrast") & ~(pl.col("brief") & _decimal_point()))
        .then(pl.lit(OTHER))
        .when(pl.col("away") & pl.col("brief"))
        .then(pl.lit(SPIKE))
        .when(_is_split(thresholds))
        .then(pl.lit(SPLIT))
        .when(_is_other(thresholds))
        .then(pl.lit(OTHER))
        .when((pl.col("size") >= log(thresholds.step)) & (pl.col("highest") >= thresholds.jump_price))
        .then(pl.lit(JUMP))
        .otherwise(pl.lit(QUIET))
    )
    left = (pl.col("away").shift(1) & pl.col("kind").shift(1).is_in([OTHER, SPIKE])).over("symbol")
    return kinds.with_columns(
        returns=left.fill_null(False),
        kind=pl.when(left.fill_null(False)).then(pl.col("kind").shift(1).over("symbol")).otherwise("kind"),
    )


def _marks(t: Thresholds) -> dict[str, pl.Expr]:
    size = pl.col("move").abs()
    at_open = (pl.col("open") / pl.col("previous")).log() / (pl.col("close") / pl.col("previous")).log()
    back_at_open = (pl.col("open_after") / pl.col("last")).log() / (
        pl.col("close_after") / pl.col("last")
    ).log()
    same_level = (pl.col("price_after") / pl.col("price_before")).log().abs() <= log(t.back)
    same_close = (pl.col("close_after") / pl.col("previous")).log().abs() <= log(t.back)
    in_a_step = pl.col("skipped") < t.long_gap
    factor = pl.col("dollars") / pl.col("dollars_before")
    back = pl.col("dollars") / pl.col("dollars_after")
    overnight = at_open.is_between(t.overnight, t.overnight_most)
    return {
        "size": size,
        "highest": pl.max_horizontal("close", "previous"),
        "factor": factor,
        "overnight": overnight,
        "brief": pl.col("bars") <= t.spike_bars,
        "away": (
            in_a_step
            & (size >= log(t.step))
            & overnight
            & back_at_open.is_between(t.overnight, t.overnight_most)
            & (same_level | same_close)
        ).fill_null(False),
        "contrast": (
            ((factor <= 1 / t.other_volume) & (back <= 1 / t.other_volume))
            | ((factor >= t.other_volume) & (back >= t.other_volume))
        ).fill_null(False),
    }


def _with_nearest_ratio(steps: pl.DataFrame) -> pl.DataFrame:
    """The usual split nearest to the step's close, and how far open and close are from it, in logarithm."""
    ratios = pl.DataFrame(
        [(log(new / old), old, new) for old, new in SPLIT_RATIOS],
        schema={"ratio": pl.Float64, "fewer": pl.Int64, "more": pl.Int64},
        orient="row",
    ).sort("ratio")
    closed = (pl.col("previous") / pl.col("close")).log().abs()
    opened = (pl.col("previous") / pl.col("open")).log().abs()
    fall = pl.col("close") < pl.col("previous")
    return (
        steps.with_columns(ratio=closed)
        .sort("ratio")
        .join_asof(ratios, on="ratio", strategy="nearest", coalesce=False)
        .with_columns(
            old=pl.when(fall).then("fewer").otherwise("more"),
            new=pl.when(fall).then("more").otherwise("fewer"),
            misfit=pl.max_horizontal(
                (closed - pl.col("ratio_right")).abs(), (opened - pl.col("ratio_right")).abs()
            ),
        )
        .drop("ratio", "ratio_right", "fewer", "more")
        .sort("symbol", "ts")
    )


def _is_split(t: Thresholds) -> pl.Expr:
    tolerance = pl.min_horizontal(
        t.split_tolerance + t.split_noise * pl.col("usual"), pl.lit(t.split_tolerance_most)
    )
    steady = pl.col("factor").is_between(1 / t.split_volume, t.split_volume)
    whole = pl.min_horizontal("old", "new") == 1
    most = pl.when(whole).then(t.split_volume).otherwise(t.split_day)
    day = pl.col("dollars_day") / pl.col("dollars_before")
    calm = (day >= 1 / t.split_volume) & (day <= most)
    return (
        (pl.col("size") >= log(t.step))
        & ~pl.col("crowded")
        & (pl.col("skipped") < t.long_gap)
        & (pl.col("bars_before") >= t.split_bars)
        & (pl.col("dollars_before") >= t.split_dollars)
        & (pl.col("misfit") <= tolerance)
        & (pl.col("high") / pl.col("low") <= t.split_range)
        & (pl.col("volume") > 0)
        & steady
        & calm
    ).fill_null(False)


def _decimal_point() -> pl.Expr:
    """True where a price is a tenth, a hundredth, tenfold, ... of the one before: its decimal point slipped."""
    tens = pl.col("size") / log(10)
    return (tens.round() >= 1) & ((tens - tens.round()).abs() <= _SLIPPED)


def _is_other(t: Thresholds) -> pl.Expr:
    factor = pl.col("factor")
    day = pl.col("dollars_day") / pl.col("dollars_before")
    step = (pl.col("size") >= log(t.step)) & pl.col("overnight")
    known = pl.col("bars_before") >= t.known_bars
    quieter = step & known & (factor <= 1 / t.other_volume) & (day <= 1 / t.quiet_day)
    no_burst = (pl.col("dollars_day") / pl.col("dollars")).is_between(1 / t.burst, t.burst)
    louder = step & known & (pl.col("bars") >= t.known_bars) & (factor >= t.other_volume_up) & no_burst
    unlike = ~factor.is_between(1 / t.other_volume_up, t.other_volume_up)
    after_gap = (pl.col("skipped") >= t.long_gap) & ((pl.col("size") >= log(t.step)) | unlike)
    before_listing = step & (pl.col("level") == 1) & (pl.col("bars_before") <= t.first_bars) & unlike
    return (after_gap | quieter | louder | before_listing).fill_null(False)

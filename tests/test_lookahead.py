"""The check for look-ahead names the features that later bars change, and only those, quickly."""

from __future__ import annotations

import math
import time

import polars as pl
import pytest

from momentum.market.lookahead import looks_ahead, trial_bars, trial_panel
from momentum.rules.language import RuleError
from momentum_plugins import indicators

CLOSE = pl.col("close")

AHEAD = {
    "the next close": CLOSE.shift(-1),
    "the close five bars on": CLOSE.shift(-5),
    "whether the next bar rises": CLOSE.shift(-1) > CLOSE,
    "the average of all bars": CLOSE - CLOSE.mean(),
    "the highest of all bars": pl.col("high").max(),
    "a rank among all bars": CLOSE.rank(),
    "a normed value": (CLOSE - CLOSE.mean()) / CLOSE.std(),
    "a window around the bar": CLOSE.rolling_mean(5, center=True),
    "the warm-up filled from later": CLOSE.rolling_mean(5).backward_fill(),
    "a missing value filled from later": pl.col("volume").backward_fill(),
    "a missing value between its neighbours": pl.col("volume").interpolate(),
    "how many bars there will be": pl.len().cast(pl.Float64),
    "bars from the end": pl.int_range(pl.len(), 0, -1),
    "the last close": CLOSE.last(),
    "text of the next bar": pl.when(CLOSE.shift(-1) > CLOSE).then(pl.lit("up")).otherwise(pl.lit("down")),
    "a far bar, only where it is low": pl.when(CLOSE.shift(-20) < 30).then(1.0).otherwise(0.0),
}

BACK = {
    "the bar itself": CLOSE,
    "the previous close": CLOSE.shift(1),
    "a yes or no": CLOSE > CLOSE.shift(1),
    "text": pl.when(CLOSE > CLOSE.shift(1)).then(pl.lit("up")).otherwise(pl.lit("down")),
    "all bars so far": CLOSE.cum_sum(),
    "the first close": CLOSE.first(),
    "a missing value filled from before": pl.col("volume").forward_fill(),
    "a division by 0": CLOSE / pl.col("volume").shift(1),
    "no number at all": (CLOSE - CLOSE) / 0,
    "a constant": pl.lit(1.0),
    "bars from the start": pl.int_range(pl.len()),
}


@pytest.mark.parametrize("name", AHEAD)
def test_a_feature_that_later_bars_change_is_named(name: str) -> None:
    assert looks_ahead([(name, AHEAD[name])], trial_panel()) == (name,)


@pytest.mark.parametrize("name", BACK)
def test_a_feature_of_the_past_is_not_named(name: str) -> None:
    assert looks_ahead([(name, BACK[name])], trial_panel()) == ()


def test_those_that_look_ahead_are_named_in_the_order_asked() -> None:
    features = [*BACK.items(), *reversed(AHEAD.items())]
    assert looks_ahead(features, trial_panel()) == tuple(reversed(AHEAD))


def test_no_feature_is_no_finding() -> None:
    assert looks_ahead([], trial_panel()) == ()


def test_a_change_within_rounding_is_none_and_one_beyond_it_is() -> None:
    later = pl.len().cast(pl.Float64)
    assert looks_ahead([("rounding", 1 + later * 1e-13)], trial_panel()) == ()
    assert looks_ahead([("more", 1 + later * 1e-9)], trial_panel()) == ("more",)


def test_infinity_is_not_near_to_a_number() -> None:
    is_last = pl.int_range(pl.len()) == pl.len() - 1
    ahead = pl.when(is_last).then(math.inf).otherwise(1.0)
    assert looks_ahead([("infinite at the end", ahead)], trial_panel()) == ("infinite at the end",)


def test_a_feature_that_cannot_be_computed_is_named() -> None:
    features = [("fine", CLOSE), ("lost", pl.col("vwap"))]
    with pytest.raises(RuleError, match=r"feature lost cannot be computed: .*vwap"):
        looks_ahead(features, trial_panel())


def test_a_feature_whose_own_code_fails_is_named() -> None:
    def fails(series: pl.Series) -> pl.Series:
        raise KeyError("lost")

    features = [("fine", CLOSE), ("bad", CLOSE.map_batches(fails, return_dtype=pl.Float64))]
    with pytest.raises(RuleError, match=r"^feature bad cannot be computed: KeyError: 'lost'$"):
        looks_ahead(features, trial_panel())


def test_the_built_in_features_look_back_only_and_are_checked_in_a_moment() -> None:
    features = [(name, factory()) for name, factory in indicators.momentum_features().items()]
    panel = trial_panel()
    assert looks_ahead(features, panel) == ()
    started = time.process_time()
    looks_ahead(features, panel)
    assert time.process_time() - started < 1.5


def test_the_trial_panel_is_the_same_every_time_and_has_what_real_ones_have() -> None:
    panel = trial_panel()
    assert panel.equals(trial_panel())
    assert panel.columns == ["symbol", "ts", "open", "high", "low", "close", "volume", "day_fraction"]
    assert panel.equals(panel.sort("symbol", "ts"))
    lengths = dict(panel.group_by("symbol").len().iter_rows())
    assert lengths == {"FEW": 5, "GAPS": 115, "LATE": 50, "MISSING": 150, "ONE": 1, "WHOLE": 150}
    assert (panel["volume"] == 0).sum() > 5
    assert panel.select("open", "high", "low", "close", "volume").null_count().row(0) == (3, 3, 3, 3, 3)
    assert (panel["high"] == panel["low"]).sum() >= 4
    known = panel.drop_nulls()
    assert (known["high"] >= known.select(pl.max_horizontal("open", "close")).to_series()).all()
    assert (known["low"] <= known.select(pl.min_horizontal("open", "close")).to_series()).all()


def test_trial_bars_of_another_seed_are_others() -> None:
    assert not trial_bars("A", 50, seed=1).equals(trial_bars("A", 50, seed=2))
    assert trial_bars("A", 50, seed=1).height == 50

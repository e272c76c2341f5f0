"""The built-in features that `ta` does not have equal their definitions, written as plain loops over bars."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl
import pytest

from bar_builders import NUMBERS, by_symbol, random_panel, real_panel, values
from momentum_plugins import indicators

Number = float | None
Bar = dict[str, Number]
Loop = Callable[[Sequence[Bar], int], Number | bool]


def ratio(above: Number, below: Number) -> Number:
    if above is None or below is None or below == 0:
        return None
    return above / below


def less_one(number: Number) -> Number:
    return None if number is None else number - 1


def greater(left: Number, right: Number) -> bool | None:
    return None if left is None or right is None else left > right


def at(bars: Sequence[Bar], place: int, name: str) -> Number:
    return bars[place][name] if place >= 0 else None


def before(bars: Sequence[Bar], place: int, name: str, window: int) -> list[float] | None:
    """The values of the `window` bars before one; None where one of them is missing."""
    if place < window:
        return None
    found = [bar[name] for bar in bars[place - window : place]]
    return None if any(value is None for value in found) else [value for value in found if value is not None]


def change(bars: Sequence[Bar], place: int) -> Number:
    return less_one(ratio(at(bars, place, "close"), at(bars, place - 1, "close")))


def gap_up(bars: Sequence[Bar], place: int) -> Number:
    return less_one(ratio(at(bars, place, "open"), at(bars, place - 1, "close")))


def follow_through(bars: Sequence[Bar], place: int) -> bool | None:
    return greater(at(bars, place, "close"), at(bars, place, "open"))


def prior_high(window: int) -> Loop:
    def loop(bars: Sequence[Bar], place: int) -> Number:
        highs = before(bars, place, "high", window)
        return None if highs is None else max(highs)

    return loop


def prior_low(window: int) -> Loop:
    def loop(bars: Sequence[Bar], place: int) -> Number:
        lows = before(bars, place, "low", window)
        return None if lows is None else min(lows)

    return loop


def breakout(window: int) -> Loop:
    def loop(bars: Sequence[Bar], place: int) -> bool | None:
        return greater(at(bars, place, "close"), prior_high(window)(bars, place))

    return loop


def rvol(bars: Sequence[Bar], place: int) -> Number:
    return ratio(
        ratio(at(bars, place, "volume"), at(bars, place, "day_fraction")), at(bars, place - 1, "volume")
    )


def volume_surge(window: int) -> Loop:
    def loop(bars: Sequence[Bar], place: int) -> Number:
        volumes = before(bars, place, "volume", window)
        usual = None if volumes is None else math.fsum(volumes) / window
        return ratio(ratio(at(bars, place, "volume"), at(bars, place, "day_fraction")), usual)

    return loop


def intraday_strength(bars: Sequence[Bar], place: int) -> Number:
    close, high, low = (at(bars, place, name) for name in ("close", "high", "low"))
    return None if close is None or high is None or low is None else ratio(close - low, high - low)


CASES: dict[str, tuple[pl.Expr, Loop]] = {
    "bar(volume)": (indicators.bar("volume"), lambda bars, place: at(bars, place, "volume")),
    "change": (indicators.change(), change),
    "gap_up": (indicators.gap_up(), gap_up),
    "follow_through": (indicators.follow_through(), follow_through),
    "prior_high(1)": (indicators.prior_high(1), prior_high(1)),
    "prior_high(5)": (indicators.prior_high(5), prior_high(5)),
    "prior_low(1)": (indicators.prior_low(1), prior_low(1)),
    "prior_low(5)": (indicators.prior_low(5), prior_low(5)),
    "breakout(1)": (indicators.breakout(1), breakout(1)),
    "breakout(20)": (indicators.breakout(20), breakout(20)),
    "breakout_5d": (indicators.breakout_5d(), breakout(5)),
    "rvol": (indicators.rvol(), rvol),
    "volume_surge(1)": (indicators.volume_surge(1), volume_surge(1)),
    "volume_surge(20)": (indicators.volume_surge(), volume_surge(20)),
    "intraday_strength": (indicators.intraday_strength(), intraday_strength),
}


def is_same(found: Number | bool, wanted: Number | bool) -> bool:
    if found is None or wanted is None or isinstance(wanted, bool):
        return found is wanted
    return math.isclose(found, wanted, rel_tol=1e-9, abs_tol=1e-15)


def assert_equal_to_loop(panel: pl.DataFrame, name: str) -> None:
    feature, loop = CASES[name]
    for symbol, frame in by_symbol(values(panel, {"found": feature})).items():
        bars = frame.select(*NUMBERS, "day_fraction").to_dicts()
        for place, found in enumerate(frame["found"].to_list()):
            wanted = loop(bars, place)
            assert is_same(found, wanted), f"{symbol}, bar {place}: {found}, not {wanted}"


@pytest.mark.parametrize(
    "missing", [(), ("close", "volume"), NUMBERS], ids=["whole", "some missing", "all missing"]
)
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", CASES)
def test_features_equal_their_definition_on_random_panels(
    name: str, seed: int, missing: tuple[str, ...]
) -> None:
    assert_equal_to_loop(random_panel(seed, missing), name)


@pytest.mark.parametrize("name", CASES)
def test_features_equal_their_definition_on_the_real_market(name: str, sample: pl.DataFrame) -> None:
    assert_equal_to_loop(sample, name)


@pytest.fixture(scope="module")
def sample(real_data: Path) -> pl.DataFrame:
    return real_panel(real_data, symbols=20)


@pytest.mark.parametrize("name", ["rvol", "volume_surge(20)"])
def test_the_volume_of_a_part_of_the_day_is_scaled_to_a_whole_one(name: str) -> None:
    panel = random_panel(0).with_columns(
        day_fraction=pl.when(pl.col("ts") == pl.col("ts").max().over("symbol")).then(0.22).otherwise(1.0)
    )
    assert_equal_to_loop(panel, name)


def wilder(bars: Sequence[Bar], window: int) -> list[Number]:
    """The average true range; a bar without a high or a low is left out, and what was known ages meanwhile."""
    found: list[Number] = []
    ranges: list[Number] = []
    average, weight, alpha = None, 1.0, 1 / window
    for place, bar in enumerate(bars):
        high, low, previous = bar["high"], bar["low"], at(bars, place - 1, "close")
        spans = [
            None if high is None or low is None else high - low,
            None if high is None or previous is None else abs(high - previous),
            None if low is None or previous is None else abs(low - previous),
        ]
        true_range = max((span for span in spans if span is not None), default=None)
        ranges.append(true_range)
        known = [span for span in ranges if span is not None]
        if place == window - 1:
            average = math.fsum(known) / len(known) if known else None
        elif place >= window:
            weight *= 1 - alpha
            if true_range is not None:
                average = (
                    true_range
                    if average is None
                    else (weight * average + alpha * true_range) / (weight + alpha)
                )
                weight = 1.0
        is_unknown = place < window - 1 or (place >= window and true_range is None)
        found.append(None if is_unknown else average)
    return found


@pytest.mark.parametrize("window", [1, 3, 14])
@pytest.mark.parametrize("seed", range(3))
def test_average_true_range_goes_on_after_a_missing_high_or_low(seed: int, window: int) -> None:
    panel = random_panel(seed, missing=("high", "low", "close"))
    for symbol, frame in by_symbol(values(panel, {"found": indicators.atr(window)})).items():
        wanted = wilder(frame.select(NUMBERS).to_dicts(), window)
        for place, found in enumerate(frame["found"].to_list()):
            assert is_same(found, wanted[place]), f"{symbol}, bar {place}: {found}, not {wanted[place]}"

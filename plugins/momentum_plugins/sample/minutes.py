"""The minutes of a day, made from that day's bar: their open, high, low, close and volume are exactly the bar's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from momentum.market.volume_curve import share_by
from momentum_plugins.sample.noise import Floats, generator

Integers = NDArray[np.int64]

_TICKS = 4
"""Prices a minute: its first and last make open and close, the extremes high and low."""
_TYPICAL_RANGE = 1.6
"""The mean range of a Brownian path, in standard deviations of its end (Feller 1951: the root of 8 / pi)."""
_SWAY = 0.15
"""How far a day's volume curve leans to the morning or the evening."""
_ROUGHNESS = 0.35
"""The standard deviation of the logarithm of a minute's volume."""
_STIR = 0.40
"""The standard deviation of the logarithm of how far a minute moves: busy minutes move further."""


@dataclass(frozen=True, slots=True)
class DayBars:
    """One entry per symbol and day: the bars of sessions that have the same number of minutes.

    `shared` is how far each path follows the market's of that day (a correlation). Prices are dollars in whole
    cents, volumes whole shares.
    """

    symbols: Sequence[str]
    days: Sequence[date]
    shared: Floats
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats


@dataclass(frozen=True, slots=True)
class Minutes:
    """Minutes, each bars x minutes: dollars and shares."""

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats

    def first(self, count: int) -> Minutes:
        """The first `count` minutes."""
        return Minutes(*(getattr(self, name)[:, :count] for name in self.__slots__))

    def total(self) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        """Open, high, low, close and volume of all of them together; there must be one at least."""
        return (
            self.open[:, 0],
            self.high.max(axis=1),
            self.low.min(axis=1),
            self.close[:, -1],
            self.volume.sum(axis=1),
        )


def minutes_of(seed: int, bars: DayBars, count: int) -> Minutes:
    """The `count` minutes of each bar; those of a symbol's day do not depend on what else is asked for."""
    ticks, volume_noise, sway = _draw(seed, bars, count)
    by_minute = (len(bars.symbols), count, _TICKS)
    moves = ticks.reshape(by_minute)
    moves *= _stir(volume_noise)[:, :, None]
    cents = _path(bars, moves.reshape(ticks.shape), count).reshape(by_minute)
    return Minutes(
        open=cents[:, :, 0] / 100,
        high=cents.max(axis=2) / 100,
        low=cents.min(axis=2) / 100,
        close=cents[:, :, -1] / 100,
        volume=_volumes(bars.volume, volume_noise, sway, count),
    )


def _draw(seed: int, bars: DayBars, count: int) -> tuple[Floats, Floats, Floats]:
    """Standard normals: for each tick (partly the market's), for each minute's volume, and one for the day's sway."""
    steps = count * _TICKS
    market = {
        day: generator(seed, "minutes of the market", day.toordinal()).standard_normal(steps)
        for day in set(bars.days)
    }
    drawn = np.empty((len(bars.symbols), steps + count + 1))
    common = np.empty((len(bars.symbols), steps))
    for index, (symbol, day) in enumerate(zip(bars.symbols, bars.days, strict=True)):
        generator(seed, "minutes", symbol, day.toordinal()).standard_normal(out=drawn[index])
        common[index] = market[day]
    shared = bars.shared[:, None]
    ticks = shared * common + np.sqrt(1 - shared**2) * drawn[:, :steps]
    return ticks, drawn[:, steps:-1], drawn[:, -1:]


def _stir(volume_noise: Floats) -> Floats:
    """A factor on each minute's moves, which grows with its volume; the mean of its square is 1."""
    return np.exp(_STIR * volume_noise - _STIR**2)


def _path(bars: DayBars, noise: Floats, count: int) -> Integers:
    """Prices in cents, bars x ticks: from the open to the close, touching high and low, never beyond.

    A Brownian bridge from open to close, quicker in the rush of the open and the close, is bent so that its highest
    and lowest points are the day's; what then still lies beyond them is mirrored back.
    """
    opens, highs, lows, closes = (
        np.rint(price * 100)[:, None] for price in (bars.open, bars.high, bars.low, bars.close)
    )
    elapsed = _pace(count)
    walk = np.cumsum(noise[:, 1:] * np.sqrt(np.diff(elapsed)), axis=1)
    walk = np.concatenate([np.zeros_like(opens), walk], axis=1)
    path = (
        opens + (closes - opens) * elapsed + (highs - lows) / _TYPICAL_RANGE * (walk - walk[:, -1:] * elapsed)
    )
    top, bottom = (1 + find(path[:, 1:-1], axis=1, keepdims=True) for find in (np.argmax, np.argmin))
    highest, lowest = np.take_along_axis(path, top, 1), np.take_along_axis(path, bottom, 1)
    peak = np.where(highs > np.maximum(opens, closes), highs, np.minimum(highest, highs))
    trough = np.where(lows < np.minimum(opens, closes), lows, np.maximum(lowest, lows))
    path += _bend(path.shape[1], (top, peak - highest), (bottom, trough - lowest))
    path = np.where(path > highs, 2 * highs - path, path)
    path = np.clip(np.where(path < lows, 2 * lows - path, path), lows, highs)
    np.put_along_axis(path, top, peak, 1)
    np.put_along_axis(path, bottom, trough, 1)
    path[:, :1], path[:, -1:] = opens, closes
    return np.rint(path).astype(np.int64)


def _bend(ticks: int, one: tuple[Integers, Floats], other: tuple[Integers, Floats]) -> Floats:
    """Straight lines from 0 at the first tick through two (place, height) to 0 at the last, for each row."""
    first_is_earlier = one[0] < other[0]
    (left, low), (right, high) = (
        [np.where(first_is_earlier, first, second) for first, second in zip(*pair, strict=True)]
        for pair in ((one, other), (other, one))
    )
    place = np.arange(ticks)
    between = low + (high - low) * (place - left) / np.maximum(right - left, 1)
    after = high * (ticks - 1 - place) / (ticks - 1 - right)
    return np.where(place <= left, low * place / left, np.where(place <= right, between, after))


@lru_cache(maxsize=4)
def _pace(count: int) -> Floats:
    """How much of the day's variance has passed by each tick, 0 to 1: a rush at the open that ebbs over the first
    hour, a lesser one at the close, as the widths of real minutes show (docs/sample-market.md)."""
    time = np.linspace(0.0, 1.0, count * _TICKS)
    opening = 8.0 * 0.02 * (1 - np.exp(-time / 0.02)) + 2.2 * 0.15 * (1 - np.exp(-time / 0.15))
    passed = 0.5 * time + opening + 0.9 * 0.02 * np.exp((time - 1) / 0.02)
    share: Floats = (passed - passed[0]) / (passed[-1] - passed[0])
    return share


def _volumes(volume: Floats, noise: Floats, sway: Floats, count: int) -> Floats:
    """Whole shares for each minute along the usual volume curve, adding up to the day's exactly."""
    usual = np.array([share_by(minute / count) for minute in range(count + 1)])
    weights = np.diff(usual ** np.exp(_SWAY * sway), axis=1) * np.exp(_ROUGHNESS * noise)
    by_then = np.cumsum(weights, axis=1)
    shares = np.rint(by_then / by_then[:, -1:] * volume[:, None])
    return np.diff(shares, axis=1, prepend=0.0)

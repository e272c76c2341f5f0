"""Momentum bursts and failed breakouts: days on which a symbol moves, and trades, more than it usually does.

A burst begins with a breakout on heavy volume. Most go on for some sessions and then tire; some fail at once and
fall back through where they came from; some go downwards. News is a single day with a gap, either way.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from momentum_plugins.sample.noise import Floats

UNIFORMS = 5
"""Uniform numbers for each session and symbol: a burst's start, kind, length and force, and news."""

_START, _NEWS = 1 / 24, 1 / 63
"""The chance of a burst, and of news, for each session and symbol."""
_FAILS, _FALLS = 0.52, 0.15
"""The share of bursts that fail, and of those that go downwards."""
_SHORTEST, _LONGEST, _TIRED = 5, 14, 5
"""Sessions that a burst lasts, and that it is tired afterwards."""
_LEAST_FORCE, _MORE_FORCE = 0.7, 0.9


@dataclass(frozen=True, slots=True)
class Pushes:
    """What bursts and news add, each sessions x symbols: to the moves overnight and during the day, in standard
    deviations of the symbol's own day, and to the logarithm of the volume."""

    overnight: Floats
    during: Floats
    log_volume: Floats


def pushes(draws: Floats, news_size: Floats) -> Pushes:
    """From uniforms (sessions x symbols x UNIFORMS) and standard normals (sessions x symbols).

    What a session is pushed by depends on the sessions before it and on itself, never on a later one.
    """
    start, kind, length, strength, news = (draws[:, :, index] for index in range(UNIFORMS))
    overnight, during, log_volume = (np.zeros_like(start) for _ in range(3))
    born, symbol = np.nonzero(start < _START)
    kinds, force = kind[born, symbol], _LEAST_FORCE + _MORE_FORCE * strength[born, symbol]
    lasts = _SHORTEST + np.floor(length[born, symbol] * (_LONGEST - _SHORTEST + 1))
    for age in range(_LONGEST + _TIRED):
        here = born + age < len(start)
        place = born[here] + age, symbol[here]
        night, day, volume = _phase(age, kinds[here], lasts[here], force[here])
        overnight[place] += night
        during[place] += day
        log_volume[place] = np.maximum(log_volume[place], volume)
    told = news < _NEWS
    overnight += np.where(told, 3.8 * news_size, 0.0)
    during += np.where(told, 1.2 * news_size, 0.0)
    log_volume += np.where(told, 0.5 + 0.3 * np.abs(news_size), 0.0)
    return Pushes(overnight, during - _mean_push(), log_volume)


def _phase(age: int, kind: Floats, lasts: Floats, force: Floats) -> tuple[Floats, Floats, Floats]:
    """The push overnight and during the day, and to the log volume, of bursts that began `age` sessions ago."""
    fails, falls = kind < _FAILS, (kind >= _FAILS) & (kind < _FAILS + _FALLS)
    sign = np.where(falls, -1.0, 1.0)
    if age == 0:
        return 0.9 * sign * force, 1.3 * sign * force, 0.35 + 0.45 * force
    fallback, fallback_volume = {1: (-0.6, 0.35), 2: (-0.9, 0.35), 3: (-0.9, 0.35)}.get(age, (0.0, 0.0))
    runs, tires = age < lasts, (age >= lasts) & (age < lasts + _TIRED)
    running = np.where(runs, 0.40, np.where(tires, -0.45, 0.0)) * sign
    running_volume = np.where(runs, 0.45 * force * 0.93**age, np.where(tires, 0.1, 0.0))
    move = np.where(fails, fallback, running) * force
    return 0.35 * move, 0.65 * move, np.where(fails, fallback_volume, running_volume)


def _mean_push() -> float:
    """The mean push of a session, which is taken off each, so that bursts lift no price for good."""
    force, lasts = np.full(3, _LEAST_FORCE + _MORE_FORCE / 2), np.full(3, (_SHORTEST + _LONGEST) / 2)
    kinds, chances = np.array([0.0, _FAILS, 1.0]), np.array([_FAILS, _FALLS, 1 - _FAILS - _FALLS])
    phases = (_phase(age, kinds, lasts, force) for age in range(_LONGEST + _TIRED))
    return _START * sum(float(chances @ (night + day)) for night, day, _ in phases)

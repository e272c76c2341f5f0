"""The daily bars of the sample market: returns from market, sector and own factors, and bars made of them.

All is made forward from one fixed day, so a session is the same whenever, and beside whichever symbols, it is made.
The numbers are set so that volatility, tails, clusters, correlations, gaps and volume lie near those of real stocks of
2015 to 2021: docs/sample-market.md shows how near, tests/test_sample_honesty.py holds them there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from momentum.model.market import Session
from momentum_plugins.sample import bursts
from momentum_plugins.sample.noise import Calendar, Floats
from momentum_plugins.sample.traits import Traits

EPOCH = date(2018, 1, 2)
"""The first session of the sample market."""

_MARKET_VOLATILITY, _SECTOR_VOLATILITY = 0.0105, 0.0065
"""Standard deviations of a day's return in the long run."""
_OVERNIGHT = 0.36
"""The part of the market's and the sectors' variance that falls between close and open."""
_PULL = 1 / 400
"""The part of its distance from the usual level that a price loses each session."""
_RANGE = 1.04
"""How much wider a path within the day runs than its open-to-close move says."""
_HALF_DAY_VOLUME = 0.55

_OWN_NORMALS, _OWN_UNIFORMS = 8, 2 + bursts.UNIFORMS


@dataclass(frozen=True, slots=True)
class Moves:
    """Log returns overnight and during the day, and the standard deviation of the latter; sessions x names."""

    overnight: Floats
    during: Floats
    deviation: Floats


def daily_bars(seed: int, traits: Traits, sessions: Sequence[Session], first: date) -> pl.DataFrame:
    """Bars of every symbol from `first` on, sorted by symbol and ts: symbol, ts, open, high, low, close, volume.

    `sessions` are all sessions since `EPOCH`. Prices are whole cents, volumes whole shares.
    """
    calendar = Calendar.of([session.day for session in sessions])
    drawn = [calendar.draw(seed, f"symbol {name}", _OWN_NORMALS, _OWN_UNIFORMS) for name in traits.symbols]
    normals = np.stack([gauss for gauss, _ in drawn], axis=1)
    uniforms = np.stack([flat for _, flat in drawn], axis=1)
    market = _factor(calendar, seed, "market", _MARKET_VOLATILITY)
    sectors = {
        name: _factor(calendar, seed, f"sector {name}", _SECTOR_VOLATILITY) for name in set(traits.sectors)
    }
    pushed = bursts.pushes(uniforms[:, :, 2:], normals[:, :, 7])
    moves = _combine(traits, market, [sectors[name] for name in traits.sectors], normals, pushed)
    busy = _persistent(calendar.draw(seed, "busy market", 1, 0)[0], 0.75, 0.18)
    volume = _volume(traits, sessions, moves, busy + pushed.log_volume, normals)
    columns = [*_prices(traits, moves, uniforms[:, :, 0], uniforms[:, :, 1]), volume]
    return _frame(traits.symbols, sessions, columns).filter(pl.col("ts") >= first)


def _persistent(shocks: Floats, memory: float, deviation: float) -> Floats:
    """A series that remembers: x[t] = memory x[t-1] + shock, of the given standard deviation in the long run."""
    scale = deviation * np.sqrt(1 - memory**2)
    series = np.empty_like(shocks)
    value = np.zeros(shocks.shape[1:])
    for index, shock in enumerate(shocks):
        value = memory * value + scale * shock
        series[index] = value
    return series


def _clusters(shocks: Floats, memory: float, deviation: float) -> Floats:
    """A factor on volatility that comes in clusters; the mean of its square is 1."""
    return np.exp(_persistent(shocks, memory, deviation) - deviation**2)


def _heavy(shocks: Floats, spread: float) -> Floats:
    """A factor that makes normals fat-tailed, independent from day to day; the mean of its square is 1."""
    return np.exp(spread * shocks - spread**2)


def _factor(calendar: Calendar, seed: int, name: str, volatility: float) -> Moves:
    """The moves of the market or a sector (one column): volatility in clusters, which rises after falls."""
    gauss, _ = calendar.draw(seed, name, 4, 0)
    night, day, shock, tail = gauss[:, 0], gauss[:, 1], gauss[:, 2], gauss[:, 3]
    after_falls = np.sqrt(0.5) * (shock - np.concatenate([[0.0], day[:-1]]))
    level = volatility * _clusters(after_falls, 0.98, 0.66)
    overnight = level * np.sqrt(_OVERNIGHT) * night * _heavy(tail, 0.40)
    deviation = level * np.sqrt(1 - _OVERNIGHT)
    return Moves(overnight[:, None], (deviation * day)[:, None], deviation[:, None])


def _combine(
    traits: Traits, market: Moves, sectors: Sequence[Moves], normals: Floats, pushed: bursts.Pushes
) -> Moves:
    """Each symbol's moves: its share of the market's and of its sector's, its own, and its bursts."""
    sector_night, sector_day, sector_deviation = (
        np.concatenate([getattr(sector, part) for sector in sectors], axis=1)
        for part in ("overnight", "during", "deviation")
    )
    night, day, cluster, tail, night_tail = (normals[:, :, index] for index in range(5))
    level = traits.volatility * _clusters(cluster, 0.98, 0.80) * _heavy(tail, 0.15)
    own_night = level * np.sqrt(traits.overnight) * night * _heavy(night_tail, 0.60)
    own_deviation = level * np.sqrt(1 - traits.overnight)
    overnight = traits.beta * market.overnight + traits.sector_beta * sector_night + own_night
    during = traits.beta * market.during + traits.sector_beta * sector_day + own_deviation * day
    shares = (traits.beta * market.deviation, traits.sector_beta * sector_deviation, own_deviation)
    return Moves(
        overnight + traits.volatility * pushed.overnight,
        during + traits.volatility * pushed.during,
        np.sqrt(sum(share**2 for share in shares)),
    )


def _prices(traits: Traits, moves: Moves, highs: Floats, lows: Floats) -> list[Floats]:
    """Open, high, low and close in dollars.

    A path from 0 to b with deviation s has its highest point at (b + sqrt(b^2 - 2 s^2 ln U)) / 2, U uniform (the
    maximum of a Brownian bridge), and its lowest likewise.
    """
    level = np.log(traits.price)
    opens, closes = np.empty_like(moves.during), np.empty_like(moves.during)
    at = level
    for index in range(len(opens)):
        opens[index] = at + moves.overnight[index] + _PULL * (level - at)
        closes[index] = at = opens[index] + moves.during[index]
    wander = 2 * (_RANGE * moves.deviation) ** 2
    high = opens + (moves.during + np.sqrt(moves.during**2 - wander * np.log(highs))) / 2
    low = opens + (moves.during - np.sqrt(moves.during**2 - wander * np.log(lows))) / 2
    return [np.maximum(np.rint(np.exp(log) * 100), 1.0) / 100 for log in (opens, high, low, closes)]


def _volume(
    traits: Traits, sessions: Sequence[Session], moves: Moves, log_more: Floats, normals: Floats
) -> Floats:
    """Shares a session: busy times that last, more on days that move, in bursts and on news, less on half days."""
    usual = np.sqrt(
        (traits.beta * _MARKET_VOLATILITY) ** 2 + (_SECTOR_VOLATILITY) ** 2 + traits.volatility**2
    )
    moved = np.minimum(np.abs(moves.overnight + moves.during) / usual, 4.0)
    short = np.array([session.closes - session.opens < timedelta(hours=6) for session in sessions])
    log = np.log(traits.volume) + _persistent(normals[:, :, 5], 0.88, 0.27) + 0.16 * normals[:, :, 6]
    log += 0.2 * moved + log_more + np.where(short, np.log(_HALF_DAY_VOLUME), 0.0)[:, None]
    return np.maximum(np.rint(np.exp(log)), 1.0)


def _frame(symbols: Sequence[str], sessions: Sequence[Session], columns: Sequence[Floats]) -> pl.DataFrame:
    """Arrays of sessions x symbols in long form."""
    days = pl.Series([session.day for session in sessions], dtype=pl.Date)
    numbers = zip(("open", "high", "low", "close", "volume"), columns, strict=True)
    long = {name: np.ascontiguousarray(values.T).reshape(-1) for name, values in numbers}
    names = pl.DataFrame({"symbol": symbols}).join(
        pl.DataFrame({"ts": days}), how="cross", maintain_order="left_right"
    )
    return names.with_columns(**{name: pl.Series(values) for name, values in long.items()})

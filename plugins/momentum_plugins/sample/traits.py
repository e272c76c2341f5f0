"""What each symbol of the sample market is like: its size class and sector, its price, volume and moves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from momentum.market.panel import SPY
from momentum.market.universe import Universe
from momentum.model.market import Cap
from momentum_plugins.sample.noise import Floats, generator


@dataclass(frozen=True, slots=True)
class ClassTraits:
    """The middle of a size class: price in dollars, shares a day, what it takes of the market's return, its own
    daily volatility and the part of that variance which falls overnight."""

    price: float
    volume: float
    beta: float
    volatility: float
    overnight: float


CLASSES: Mapping[Cap, ClassTraits] = {
    "large": ClassTraits(price=120.0, volume=9e6, beta=1.05, volatility=0.0115, overnight=0.20),
    "mid": ClassTraits(price=34.0, volume=3e6, beta=1.3, volatility=0.0155, overnight=0.12),
    "small": ClassTraits(price=15.0, volume=1.2e6, beta=1.4, volatility=0.0190, overnight=0.08),
    "unclassified": ClassTraits(price=40.0, volume=3e6, beta=1.2, volatility=0.0155, overnight=0.12),
}
_INDEX = ClassTraits(price=600.0, volume=7e7, beta=1.0, volatility=0.0, overnight=0.0)


@dataclass(frozen=True, slots=True)
class Traits:
    """One entry per symbol, sorted by symbol; arrays hold one number each.

    `beta` is what a symbol takes of the market's return, `sector_beta` of its sector's, `volatility` the
    standard deviation of its own daily return; `overnight` is the part of the variance that falls between
    close and open; `shared` is how far its path within a day follows the market's (a correlation).
    """

    symbols: tuple[str, ...]
    caps: tuple[Cap, ...]
    sectors: tuple[str, ...]
    beta: Floats
    sector_beta: Floats
    volatility: Floats
    overnight: Floats
    price: Floats
    volume: Floats
    shared: Floats


def traits_of(seed: int, symbols: Iterable[str], universe: Universe) -> Traits:
    """The traits of `symbols`; a symbol's own do not depend on which others are asked for."""
    names = tuple(sorted(set(symbols)))
    caps = tuple(universe.cap_of(name) for name in names)
    middles = [_INDEX if name == SPY else CLASSES[cap] for name, cap in zip(names, caps, strict=True)]
    spread = np.array([generator(seed, "traits", name).standard_normal(6) for name in names])
    index = np.array([name == SPY for name in names])
    spread[index] = 0.0
    return Traits(
        symbols=names,
        caps=caps,
        sectors=tuple(universe.sector_of(name) or "Unknown" for name in names),
        beta=np.array([middle.beta for middle in middles]) * np.exp(0.2 * spread[:, 0]),
        sector_beta=np.where(index, 0.0, np.exp(0.25 * spread[:, 1])),
        volatility=np.array([middle.volatility for middle in middles]) * np.exp(0.25 * spread[:, 2]),
        overnight=np.array([middle.overnight for middle in middles]),
        price=np.array([middle.price for middle in middles]) * np.exp(0.55 * spread[:, 3]),
        volume=np.array([middle.volume for middle in middles]) * np.exp(0.7 * spread[:, 4]),
        shared=np.where(index, 1.0, np.clip(0.5 + 0.1 * spread[:, 5], 0.1, 0.9)),
    )

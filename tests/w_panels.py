"""Random panels of daily bars that stand on the edges of the reference strategy W as often as can be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

import polars as pl
from hypothesis import strategies as st

FIRST = date(2024, 1, 2)
BAR = {
    "symbol": pl.String,
    "date": pl.Date,
    **dict.fromkeys(("open", "high", "low", "close", "volume"), pl.Float64),
}


@dataclass(slots=True)
class Walk:
    """One symbol's bars while they are made: for each session [open, high, low, close], and a volume."""

    prices: list[list[float]] = field(default_factory=list)
    volumes: list[float] = field(default_factory=list)

    def close(self, t: int) -> float:
        return self.prices[t][3]

    def set_close(self, t: int, close: float) -> None:
        bar = self.prices[t]
        bar[3], bar[1], bar[2] = close, max(bar[1], close), min(bar[2], close)

    def set_open(self, t: int, opened: float) -> None:
        bar = self.prices[t]
        bar[0], bar[1], bar[2] = opened, max(bar[1], opened), min(bar[2], opened)

    def set_low(self, t: int, low: float) -> None:
        opened, high, _, close = self.prices[t]
        self.prices[t] = [max(opened, low), max(high, low), low, max(close, low)]

    def rest(self, t: int, close: float) -> None:
        self.prices[t] = [close, close * 1.003, close * 0.997, close]

    def highest(self, start: int, end: int) -> float:
        return max(bar[1] for bar in self.prices[start:end])


def walk(random: Random, sessions: int, price: float, grain: int) -> Walk:
    """A walk that trends up and down; with a `grain`, prices are multiples of one part of a dollar in so many."""

    def tidy(value: float) -> float:
        return max(round(value * grain), 1) / grain if grain else value

    made, close = Walk(), price
    unrest, trend = random.choice([0.002, 0.004, 0.02]), 0.008
    for _ in range(sessions):
        if random.random() < 0.06:
            trend = random.choice([0.008, 0.0, -0.006])
        opened = tidy(close * (1 + random.gauss(trend / 2, unrest)))
        close = tidy(opened * (1 + random.gauss(trend / 2, unrest)))
        high = tidy(max(opened, close) * (1 + random.random() * unrest))
        low = tidy(min(opened, close) * (1 - random.random() * unrest))
        made.prices.append([opened, max(high, opened, close), min(low, opened, close), close])
        made.volumes.append(float(random.choice([200, 800, 1000, 1000, 1000, 1400, 2000])))
    return made


# Each of these bends a walk around session t so that it stands just on, or just beside, one edge of W.


def breaks_out(made: Walk, t: int, random: Random) -> None:
    made.set_close(t, made.highest(max(t - 5, 0), t + 1) * random.choice([1.002, 1.08]))
    made.volumes[t] = 5000.0


def low_at_the_stop_of_a_peak(made: Walk, t: int, random: Random) -> None:
    peak = made.highest(max(0, t - random.randint(1, 8)), max(t, 1))
    made.set_low(t, 0.95 * peak * random.choice([1, 1, 1 + 1e-15]))


def low_at_the_stop_of_the_entry(made: Walk, t: int, random: Random) -> None:
    breaks_out(made, max(t - 1, 0), random)
    stop = 0.95 * (made.prices[t][0] * (1 + 0.0005))
    opened, high, _, close = made.prices[t]
    made.prices[t] = [opened, high, min(stop, opened), max(close, min(stop, opened))]


def close_at_the_mean(made: Walk, t: int, random: Random) -> None:
    if t < 21:
        return
    breaks_out(made, t - 20, random)
    # 19 closes that rise by equal steps, and one in their middle; in 64ths of a dollar every sum is exact.
    first = max(round(made.close(t - 20) * 64), 1)
    step = max(first // random.choice([400, 1000]), 1)
    for n in range(19):
        made.rest(t - 19 + n, (first + n * step) / 64)
    made.rest(t, (first + 9 * step) / 64)


def equal_closes(made: Walk, t: int, random: Random) -> None:
    t = min(max(t, 21), len(made.prices) - 21)
    breaks_out(made, t - 1, random)
    close = random.choice([made.close(t - 1), round(made.close(t - 1), 2), round(made.close(t - 1), 4)])
    for n in range(t, min(t + random.randint(20, 24), len(made.prices))):
        made.rest(n, close)


def momentum_at_its_threshold(made: Walk, t: int, random: Random) -> None:
    if t >= 10:
        made.set_close(t, made.close(t - 10) * 1.03)


def gap_at_its_threshold(made: Walk, t: int, random: Random) -> None:
    if t:
        made.set_open(t, made.close(t - 1) * 1.01)


def close_at_the_prior_high(made: Walk, t: int, random: Random) -> None:
    if t >= 5:
        made.set_close(t, made.highest(t - 5, t))


def close_at_the_open(made: Walk, t: int, random: Random) -> None:
    made.set_close(t, made.prices[t][0])


def close_at_five(made: Walk, t: int, random: Random) -> None:
    factor = 5 / made.close(t)
    for bar in made.prices:
        bar[:] = [price * factor for price in bar]
    made.set_close(t, 5.0)


def surge_at_its_threshold(made: Walk, t: int, random: Random) -> None:
    if t >= 20:
        made.volumes[t] = float(sum(made.volumes[t - 20 : t]) * 13 // 200 + random.choice([-1, 0, 0, 0, 1]))


def no_volume(made: Walk, t: int, random: Random) -> None:
    for n in range(max(0, t - random.choice([0, 5, 25])), t):
        made.volumes[n] = 0.0


def leaps(made: Walk, t: int, random: Random) -> None:
    factor = random.choice([0.1, 0.5, 0.9, 1.5, 4, 12])
    for bar in made.prices[t:]:
        bar[:] = [price * factor for price in bar]


BENDS: tuple[Callable[[Walk, int, Random], None], ...] = (
    breaks_out,
    breaks_out,
    breaks_out,
    low_at_the_stop_of_a_peak,
    low_at_the_stop_of_the_entry,
    close_at_the_mean,
    equal_closes,
    equal_closes,
    equal_closes,
    momentum_at_its_threshold,
    gap_at_its_threshold,
    close_at_the_prior_high,
    close_at_the_open,
    close_at_five,
    surge_at_its_threshold,
    no_volume,
    leaps,
)


@dataclass(frozen=True, slots=True)
class Listing:
    """What a panel shows of a walk: its sessions from `begins` up to before `ends`, less those `missing`."""

    walk: Walk
    begins: int
    ends: int
    missing: frozenset[int] = frozenset()


def panel(listings: Sequence[Listing]) -> pl.DataFrame:
    """The bars of the listings, named A, B, ... in turn, sorted by symbol and date."""
    rows = [
        (chr(65 + place), FIRST + timedelta(days=t), *listing.walk.prices[t], listing.walk.volumes[t])
        for place, listing in enumerate(listings)
        for t in range(listing.begins, listing.ends)
        if t not in listing.missing
    ]
    return pl.DataFrame(rows, schema=BAR, orient="row")


@st.composite
def panels(draw: st.DrawFn) -> pl.DataFrame:
    """3 to 8 symbols over 40 to 90 sessions: late listings, delistings, missing sessions, twins, sharp places."""
    sessions = draw(st.integers(40, 90))
    random = Random(draw(st.integers(0, 2**32)))
    listings: list[Listing] = []
    for _ in range(draw(st.integers(3, 8))):
        if listings and draw(st.integers(0, 4)) == 0:
            made = draw(st.sampled_from(listings)).walk  # a twin: it ties in everything
        else:
            made = walk(random, sessions, random.choice([4.7, 5, 20, 130]), draw(st.sampled_from([64, 0])))
            for bend in draw(st.lists(st.sampled_from(BENDS), min_size=2, max_size=16)):
                bend(made, random.randrange(sessions), random)
        begins = random.randrange(30) if draw(st.integers(0, 4)) == 0 else 0
        ends = random.randrange(begins + 5, sessions + 1) if draw(st.integers(0, 3)) == 0 else sessions
        gaps = draw(st.sampled_from([0, 0, 2, 8]))
        missing = frozenset(random.randrange(sessions) for _ in range(gaps))
        listings.append(Listing(made, begins, ends, missing))
    return panel(listings)

"""A day's minutes add up to its bar, exactly, whatever the bar is."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from momentum.market.volume_curve import share_by
from momentum_plugins.sample.minutes import DayBars, Minutes, minutes_of
from sample_builders import BAR, added_up, market, new_york

DAY = date(2026, 1, 5)

cents = st.integers(1, 200_000)
counts = st.sampled_from([390, 210])


@st.composite
def day_bars(draw: st.DrawFn) -> DayBars:
    """Any possible bars: one-cent ranges, opens and closes at the extremes, volumes from 0."""
    size = draw(st.integers(1, 4))
    prices = np.array([sorted(draw(st.lists(cents, min_size=4, max_size=4))) for _ in range(size)]) / 100
    swap = np.array(draw(st.lists(st.booleans(), min_size=size, max_size=size)))
    first, second = np.where(swap, prices[:, 1], prices[:, 2]), np.where(swap, prices[:, 2], prices[:, 1])
    shared = np.array(draw(st.lists(st.floats(0, 1), min_size=size, max_size=size)))
    volume = np.array(draw(st.lists(st.integers(0, 10**11), min_size=size, max_size=size)), dtype=float)
    names = [f"S{index}" for index in range(size)]
    return DayBars(names, [DAY] * size, shared, first, prices[:, 3], prices[:, 0], second, volume)


def assert_adds_up(bars: DayBars, minutes: Minutes) -> None:
    for name, total in zip(BAR, minutes.total(), strict=True):
        np.testing.assert_array_equal(total, getattr(bars, name), err_msg=name)


@settings(deadline=None)
@given(day_bars(), counts, st.integers(0, 2**31))
def test_the_minutes_of_any_bar_add_up_to_it(bars: DayBars, count: int, seed: int) -> None:
    minutes = minutes_of(seed, bars, count)
    assert_adds_up(bars, minutes)
    assert minutes.open.shape == (len(bars.symbols), count)
    assert (minutes.low <= np.minimum(minutes.open, minutes.close)).all()
    assert (minutes.high >= np.maximum(minutes.open, minutes.close)).all()
    assert (minutes.volume >= 0).all()
    for values in (minutes.open, minutes.high, minutes.low, minutes.close):
        np.testing.assert_array_equal(values, np.rint(values * 100) / 100)
    np.testing.assert_array_equal(minutes.volume, np.rint(minutes.volume))


def test_the_minutes_of_a_symbol_do_not_depend_on_the_others() -> None:
    def bars(symbols: list[str]) -> DayBars:
        size = np.ones(len(symbols))
        return DayBars(
            symbols, [DAY] * len(symbols), 0.5 * size, 10 * size, 11 * size, 9 * size, 10 * size, 1e6 * size
        )

    both, alone = minutes_of(7, bars(["AAPL", "MU"]), 390), minutes_of(7, bars(["MU"]), 390)
    np.testing.assert_array_equal(both.close[1], alone.close[0])
    np.testing.assert_array_equal(both.volume[1], alone.volume[0])
    assert not np.array_equal(both.close[0], both.close[1])


@pytest.mark.parametrize(
    ("after", "until"), [("2026-10-01", "2026-11-24 18:00"), ("2025-11-26 09:30", "2025-12-05 18:00")]
)
def test_every_minute_of_the_market_agrees_with_its_day(after: str, until: str) -> None:
    found = market("2026-11-24 18:00")
    first, last = new_york(after), new_york(until)
    sessions = sum(first < session.closes <= last for session in found.sessions().days)
    minutes = added_up(found.bars(found.symbols(), first, last))
    assert minutes.height == sessions * len(found.symbols())
    assert minutes.equals(found.daily(None, last, sessions))


def test_a_usual_day_trades_along_the_volume_curve() -> None:
    found = market("2026-11-24 18:00")
    bars = found.bars(found.symbols(), new_york("2026-11-16"), new_york("2026-11-21"))
    volume = bars["volume"].to_numpy().reshape(-1, 390)
    curve = (volume.cumsum(axis=1) / volume.sum(axis=1, keepdims=True)).mean(axis=0)
    usual = np.array([share_by(minute / 390) for minute in range(1, 391)])
    assert np.abs(curve - usual).max() < 0.01


def test_no_minute_is_a_spike_that_makes_most_of_the_day() -> None:
    found = market("2026-11-24 18:00")
    bars = found.bars(found.symbols(), new_york("2026-11-16"), new_york("2026-11-21"))
    high, low = (bars[name].to_numpy().reshape(-1, 390) for name in ("high", "low"))
    share = (high - low).max(axis=1) / np.maximum(high.max(axis=1) - low.min(axis=1), 0.01)
    assert np.median(share) < 0.25
    assert np.quantile(share, 0.99) < 0.6


def test_symbols_follow_the_market_within_the_day() -> None:
    found = market("2026-11-24 18:00")
    bars = found.bars(found.symbols(), new_york("2026-11-23"), new_york("2026-11-23 18:00"))
    close = bars["close"].to_numpy().reshape(-1, 390)
    moves = np.diff(np.log(close[:, ::10]), axis=1)
    spy = moves[found.symbols().index("SPY")]
    others = [
        np.corrcoef(spy, row)[0, 1] for row, name in zip(moves, found.symbols(), strict=True) if name != "SPY"
    ]
    assert 0.2 < np.median(others) < 0.8

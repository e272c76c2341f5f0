"""How much of a day's volume is usual by a moment."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from momentum.market.calendar import exchange_sessions
from momentum.market.volume_curve import FULL_DAY, KNOTS, day_fraction, share_by
from momentum.model.market import Session

moments = st.floats(0, 1, allow_nan=False)


def session_of(day: date) -> Session:
    (session,) = exchange_sessions(day, day).days
    return session


FULL, HALF, SUMMER = (session_of(day) for day in (date(2026, 1, 5), date(2024, 11, 29), date(2026, 7, 6)))


def after(session: Session, minutes: float) -> float:
    return day_fraction(session, session.opens + timedelta(minutes=minutes))


@pytest.mark.parametrize("session", [FULL, HALF, SUMMER], ids=["winter", "half day", "summer"])
def test_a_session_goes_from_nothing_to_all_of_its_volume(session: Session) -> None:
    assert day_fraction(session, session.opens) == 0
    assert day_fraction(session, session.closes) == 1
    assert day_fraction(session, session.opens - timedelta(hours=1)) == 0
    assert day_fraction(session, session.closes + timedelta(hours=1)) == 1


def test_ten_thirty_is_about_a_fifth_of_a_day_and_not_an_even_share() -> None:
    assert after(FULL, 60) == pytest.approx(0.22, abs=0.01)
    assert after(SUMMER, 60) == after(FULL, 60)


def test_the_day_is_shaped_like_a_u() -> None:
    by_half_hour = [after(FULL, end) - after(FULL, end - 30) for end in range(30, FULL_DAY + 1, 30)]
    quietest = by_half_hour.index(min(by_half_hour))
    assert by_half_hour[: quietest + 1] == sorted(by_half_hour[: quietest + 1], reverse=True)
    assert by_half_hour[quietest:] == sorted(by_half_hour[quietest:])
    assert by_half_hour[-1] > by_half_hour[0]


def test_the_close_is_a_rush() -> None:
    assert 1 - after(FULL, 389) > 10 * (after(FULL, 200) - after(FULL, 199))


def test_the_knots_rise_in_both_directions() -> None:
    minutes, shares = zip(*KNOTS, strict=True)
    assert (minutes[0], minutes[-1], shares[0], shares[-1]) == (0, FULL_DAY, 0, 1)
    assert all(early < late for early, late in pairwise(minutes))
    assert all(early < late for early, late in pairwise(shares))


@given(moments, moments)
def test_a_later_moment_has_a_larger_share(one: float, other: float) -> None:
    early, late = sorted((one, other))
    assert 0 <= share_by(early) <= share_by(late) <= 1
    if late - early > 1e-9:
        assert share_by(early) < share_by(late)


@given(moments)
def test_a_half_day_keeps_the_shape_over_its_own_length(elapsed: float) -> None:
    def at(session: Session) -> float:
        return day_fraction(session, session.opens + elapsed * (session.closes - session.opens))

    assert at(HALF) == pytest.approx(at(FULL), abs=1e-6)


def mean_curve(bars: pl.DataFrame, step: int) -> np.ndarray:
    """The mean cumulative share by minutes since the open, over symbol-days that have nine tenths of their bars."""
    zoned = bars.with_columns(local=pl.col("ts").dt.convert_time_zone("America/New_York")).with_columns(
        day=pl.col("local").dt.date(),
        minute=pl.col("local").dt.hour().cast(pl.Int64) * 60 + pl.col("local").dt.minute() - 570,
    )
    regular = zoned.filter(pl.col("minute").is_between(0, FULL_DAY - 1))

    def curves() -> Iterator[np.ndarray]:
        for _, day in regular.group_by("symbol", "day"):
            if day.height >= 0.9 * FULL_DAY / step:
                volume = np.zeros(FULL_DAY + 1)
                np.add.at(volume, day["minute"].to_numpy() + step, day["volume"].to_numpy())
                yield np.cumsum(volume) / volume.sum()

    return np.mean(list(curves()), axis=0)[::step]


@pytest.mark.parametrize(
    ("file", "step", "tolerance"), [("minute.parquet", 1, 0.005), ("bars_5min_2024.parquet", 5, 0.05)]
)
def test_the_curve_lies_near_real_days(real_data: Path, file: str, step: int, tolerance: float) -> None:
    real = mean_curve(pl.read_parquet(real_data / file), step)
    ours = np.array([share_by(minute / FULL_DAY) for minute in range(0, FULL_DAY + 1, step)])
    assert np.abs(ours - real).max() <= tolerance

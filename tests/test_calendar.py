"""When the exchange is open, and how the table of its hours is kept."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from momentum.market import calendar
from momentum.market.calendar import EXCHANGE, exchange_sessions, sessions_for
from momentum.model.market import Session


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty cache directory, and nothing remembered in the process."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    calendar._table.cache_clear()
    yield tmp_path / "momentum"
    calendar._table.cache_clear()


def one(day: date) -> Session:
    (session,) = exchange_sessions(day, day).days
    return session


def table_in(cache: Path) -> Path:
    (path,) = cache.iterdir()
    return path


def test_a_winter_session_runs_from_1430_to_2100_utc() -> None:
    assert one(date(2026, 1, 5)) == Session(
        date(2026, 1, 5), datetime(2026, 1, 5, 14, 30, tzinfo=UTC), datetime(2026, 1, 5, 21, tzinfo=UTC)
    )


def test_a_summer_session_opens_an_hour_earlier_in_utc() -> None:
    assert one(date(2026, 7, 6)).opens == datetime(2026, 7, 6, 13, 30, tzinfo=UTC)


@pytest.mark.parametrize("day", [date(2024, 11, 29), date(2025, 7, 3), date(2026, 12, 24)])
def test_a_half_day_closes_at_1300_new_york(day: date) -> None:
    assert one(day).closes.astimezone(EXCHANGE).strftime("%H:%M") == "13:00"


@pytest.mark.parametrize(
    "day",
    [date(2026, 11, 26), date(2026, 1, 3), date(2001, 9, 11), date(2025, 1, 9)],
    ids=["thanksgiving", "a Saturday", "an unplanned closing", "a day of mourning"],
)
def test_there_is_no_session_when_the_exchange_is_closed(day: date) -> None:
    assert exchange_sessions(day, day).days == ()


def test_both_ends_of_the_range_are_included() -> None:
    days = [session.day for session in exchange_sessions(date(2026, 1, 2), date(2026, 1, 6)).days]
    assert days == [date(2026, 1, 2), date(2026, 1, 5), date(2026, 1, 6)]


def test_the_calendar_reaches_from_1990_to_a_year_ahead_and_further() -> None:
    ahead = datetime.now(UTC).date() + timedelta(days=366)
    sessions = exchange_sessions(date(1980, 1, 1), ahead).days
    assert sessions[0].day == date(1990, 1, 2)
    assert (ahead - sessions[-1].day).days <= 5
    assert exchange_sessions(date(1989, 1, 1), date(1989, 12, 31)).days == ()
    assert exchange_sessions(date(2026, 1, 6), date(2026, 1, 5)).days == ()


def test_a_kept_table_is_read_without_the_calendar_library(cache: Path) -> None:
    asked = exchange_sessions(date(2026, 1, 1), date(2026, 2, 1))
    program = (
        "import sys; from datetime import date; from momentum.market.calendar import exchange_sessions as s;"
        "print(len(s(date(2026, 1, 1), date(2026, 2, 1)).days), 'exchange_calendars' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(len(asked.days)), "False"]


@pytest.mark.parametrize("damage", ["cut", "empty", "nonsense", "binary"])
def test_a_damaged_table_is_made_again(cache: Path, damage: str) -> None:
    whole = exchange_sessions(date(2026, 1, 1), date(2026, 2, 1))
    path = table_in(cache)
    lines = path.read_bytes()
    broken = {
        "cut": lines[: len(lines) // 2],
        "empty": b"",
        "nonsense": b"1\nnonsense\n",
        "binary": b"\xff\xfe",
    }
    path.write_bytes(broken[damage])
    calendar._table.cache_clear()
    assert exchange_sessions(date(2026, 1, 1), date(2026, 2, 1)) == whole
    assert path.read_bytes() == lines


def test_the_table_of_another_version_of_the_library_is_not_taken(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchange_sessions(date(2026, 1, 1), date(2026, 2, 1))
    monkeypatch.setattr(calendar, "version", lambda name: "0.0")
    calendar._table.cache_clear()
    exchange_sessions(date(2026, 1, 1), date(2026, 2, 1))
    assert len(list(cache.iterdir())) == 2


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "a file, not a directory"
    blocked.write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    calendar._table.cache_clear()
    assert len(exchange_sessions(date(2026, 1, 5), date(2026, 1, 9)).days) == 5
    calendar._table.cache_clear()


def test_nothing_but_the_table_stays_in_the_cache(cache: Path) -> None:
    exchange_sessions(date(2026, 1, 1), date(2026, 2, 1))
    assert table_in(cache).suffix == ".txt"


def test_dates_of_the_data_have_the_hours_of_the_exchange_or_regular_ones() -> None:
    half, saturday = date(2024, 11, 29), date(2024, 11, 30)
    first, second = sessions_for([saturday, half, half]).days
    assert first == one(half)
    assert second.opens == datetime(2024, 11, 30, 14, 30, tzinfo=UTC)
    assert second.closes == datetime(2024, 11, 30, 21, tzinfo=UTC)


def test_dates_before_the_calendar_have_regular_hours() -> None:
    (session,) = sessions_for([date(1975, 6, 2)]).days
    assert session.opens.astimezone(EXCHANGE).strftime("%H:%M") == "09:30"


def test_no_dates_are_no_sessions() -> None:
    assert sessions_for([]).days == ()


@settings(deadline=None)  # the first of them makes the table
@given(st.sets(st.dates(date(1960, 1, 1), date(2150, 12, 31)), max_size=20))
def test_every_date_of_the_data_is_one_session_in_order(days: set[date]) -> None:
    sessions = sessions_for(days).days
    assert [session.day for session in sessions] == sorted(days)
    assert all(session.opens < session.closes for session in sessions)

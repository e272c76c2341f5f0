"""The moment of a command: what --at means, what Now is without it, and which scan is due."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from momentum.errors import DataError, UsageError
from momentum.market.calendar import EXCHANGE, exchange_sessions
from momentum.market.clock import FixedClock, RealClock, parse_at, resolve_now, scan_type_at
from momentum.model.market import ScanType, Session, Sessions
from momentum.units import SlotTime, parse_slot_time

JANUARY = exchange_sessions(date(2026, 1, 2), date(2026, 1, 30))
SLOTS: dict[ScanType, SlotTime] = {
    "open": parse_slot_time("09:35"),
    "midday": parse_slot_time("12:30"),
    "close": parse_slot_time("15:30"),
}


def new_york(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=EXCHANGE)


def session_of(text: str) -> Session:
    day = date.fromisoformat(text)
    (session,) = exchange_sessions(day, day).days
    return session


AFTER_JANUARY = FixedClock(new_york("2026-02-02 08:00"))


def test_the_real_clock_is_in_utc_and_runs() -> None:
    first, second = RealClock().now(), RealClock().now()
    assert first.tzinfo is UTC
    assert first <= second


def test_a_fixed_clock_answers_in_utc() -> None:
    assert FixedClock(new_york("2026-01-05 10:30")).now() == datetime(2026, 1, 5, 15, 30, tzinfo=UTC)
    assert FixedClock(new_york("2026-01-05 10:30")).now().tzinfo is UTC


class TestAt:
    @pytest.mark.parametrize(
        ("text", "utc"),
        [
            ("2026-01-05", "2026-01-05T21:00+00:00"),
            ("2026-01-05 10:30", "2026-01-05T15:30+00:00"),
            (" 2026-01-05T10:30:15 ", "2026-01-05T15:30:15+00:00"),
            ("2026-01-05T15:30Z", "2026-01-05T15:30+00:00"),
            ("2026-01-05T16:30+01:00", "2026-01-05T15:30+00:00"),
        ],
    )
    def test_is_a_date_for_its_close_or_a_time_of_the_exchange(self, text: str, utc: str) -> None:
        assert parse_at(text, JANUARY) == datetime.fromisoformat(utc)

    def test_follows_summer_time(self) -> None:
        july = exchange_sessions(date(2026, 7, 1), date(2026, 7, 31))
        assert parse_at("2026-07-06 10:30", july) == datetime(2026, 7, 6, 14, 30, tzinfo=UTC)

    def test_of_a_half_day_is_its_early_close(self) -> None:
        november = exchange_sessions(date(2024, 11, 1), date(2024, 11, 30))
        assert parse_at("2024-11-29", november) == new_york("2024-11-29 13:00")

    def test_names_the_nearest_session_where_there_is_none(self) -> None:
        with pytest.raises(UsageError, match="2026-01-18 is no session; the nearest is 2026-01-16") as caught:
            parse_at("2026-01-18", JANUARY)
        assert "2026-01-02 to 2026-01-30" in str(caught.value)

    @pytest.mark.parametrize("text", ["2025-12-31", "2026-02-02 10:30"])
    def test_outside_the_data_names_its_span(self, text: str) -> None:
        with pytest.raises(UsageError, match="outside the data, which runs from 2026-01-02 to 2026-01-30"):
            parse_at(text, JANUARY)

    @pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "15:30"])
    def test_that_is_no_moment_says_what_to_write(self, text: str) -> None:
        with pytest.raises(UsageError, match="write 2026-01-05"):
            parse_at(text, JANUARY)

    def test_without_any_data_says_so(self) -> None:
        with pytest.raises(UsageError, match="holds none at all"):
            parse_at("2026-01-05", Sessions(()))


class TestNow:
    def test_is_what_was_asked_for(self) -> None:
        moment = resolve_now("2026-01-05 10:30", AFTER_JANUARY, JANUARY)
        assert (moment.now, moment.session.day) == (new_york("2026-01-05 10:30"), date(2026, 1, 5))
        assert "--at" in moment.why

    def test_before_a_session_opens_belongs_to_the_one_before(self) -> None:
        assert resolve_now("2026-01-06 08:00", AFTER_JANUARY, JANUARY).session.day == date(2026, 1, 5)

    def test_before_the_first_session_opens_is_refused(self) -> None:
        with pytest.raises(UsageError, match="before the data opens, 2026-01-02 09:30"):
            resolve_now("2026-01-02 08:00", AFTER_JANUARY, JANUARY)

    def test_that_is_still_to_come_is_refused(self) -> None:
        with pytest.raises(
            UsageError, match="2026-01-05 16:00 New York is still to come: it is 2026-01-05 11:00"
        ):
            resolve_now("2026-01-05", FixedClock(new_york("2026-01-05 11:00")), JANUARY)

    def test_is_the_clock_while_the_market_is_open(self) -> None:
        clock = FixedClock(new_york("2026-01-05 11:00"))
        moment = resolve_now(None, clock, JANUARY)
        assert (moment.now, moment.session.day) == (clock.now(), date(2026, 1, 5))
        assert "open" in moment.why

    @pytest.mark.parametrize("now", ["2026-01-31 12:00", "2026-02-02 11:00", "2026-01-30 16:00"])
    def test_is_the_last_close_when_the_market_is_closed_or_the_data_ends_before(self, now: str) -> None:
        moment = resolve_now(None, FixedClock(new_york(now)), JANUARY)
        assert (moment.now, moment.session.day) == (new_york("2026-01-30 16:00"), date(2026, 1, 30))
        assert "last session in the data" in moment.why

    def test_says_where_the_data_is_ahead_of_the_clock(self) -> None:
        moment = resolve_now(None, FixedClock(new_york("2026-01-10 12:00")), JANUARY)
        assert moment.session.day == date(2026, 1, 30)
        assert "ahead of the clock" in moment.why

    def test_without_a_session_is_a_fault_of_the_data(self) -> None:
        with pytest.raises(DataError, match="no session at all"):
            resolve_now(None, AFTER_JANUARY, Sessions(()))


class TestScanType:
    @pytest.mark.parametrize(
        ("time", "due"),
        [
            ("09:31", "open"),
            ("09:35", "open"),
            ("12:29", "open"),
            ("12:30", "midday"),
            ("15:29", "midday"),
            ("15:30", "close"),
            ("16:00", "close"),
        ],
    )
    def test_is_the_last_slot_that_has_come(self, time: str, due: ScanType) -> None:
        assert scan_type_at(new_york(f"2026-01-05 {time}"), session_of("2026-01-05"), SLOTS) == due

    def test_with_daily_bars_is_always_the_close(self) -> None:
        assert scan_type_at(new_york("2026-01-05 09:35"), session_of("2026-01-05"), SLOTS, "day") == "close"

    def test_on_a_half_day_follows_slots_that_hang_on_the_close(self) -> None:
        half = session_of("2024-11-29")
        slots = {**SLOTS, "close": parse_slot_time("close-30m")}
        assert scan_type_at(new_york("2024-11-29 12:29"), half, slots) == "open"
        assert scan_type_at(new_york("2024-11-29 12:30"), half, slots) == "close"
        assert scan_type_at(half.closes, half, SLOTS) == "close"

    def test_needs_not_every_slot(self) -> None:
        session = session_of("2026-01-05")
        assert scan_type_at(session.opens, session, {"midday": SLOTS["midday"]}) == "midday"
        assert scan_type_at(session.opens + timedelta(hours=1), session, {}) == "close"

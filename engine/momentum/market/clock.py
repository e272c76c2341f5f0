"""What time it is: the clocks, the moment of a command, and which of a session's scans belongs to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal

from momentum.errors import DataError, UsageError
from momentum.market.calendar import EXCHANGE, shown
from momentum.model.market import SCAN_TYPES, ScanType, Session, Sessions
from momentum.ports import Clock
from momentum.units import SlotTime, parse_slot_time


class RealClock:
    """The clock on the wall."""

    def now(self) -> datetime:
        """The moment, aware, in UTC."""
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class FixedClock:
    """A clock that stands still."""

    moment: datetime

    def now(self) -> datetime:
        """The moment, aware, in UTC."""
        return self.moment.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Moment:
    """The moment that a command is about, the session it belongs to, and why it is this one, for a person."""

    now: datetime
    session: Session
    why: str


def parse_at(text: str, sessions: Sessions) -> datetime:
    """The moment that a person means by `text`, in UTC.

    A date alone is the close of that session; a time without offset is exchange time. Raises `UsageError`
    where the text is no moment, or lies on no session of the data.
    """
    written = text.strip()
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        raise UsageError(
            f"--at: {text!r} is not a moment; write 2026-01-05, '2026-01-05 10:30' (New York), "
            "2026-01-05T15:30:00Z, or a time of the last session such as 15:30 or close-30m"
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=EXCHANGE)
    day = moment.astimezone(EXCHANGE).date()
    session = sessions.of(day)
    if session is None:
        raise UsageError(f"--at: {_no_session(day, sessions)}")
    return session.closes if _is_date(written) else moment.astimezone(UTC)


def resolve_now(at: str | None, clock: Clock, sessions: Sessions, *, lived: datetime | None = None) -> Moment:
    """The moment that a command is about.

    It is `at` where given (see `parse_at`; a time of day such as 15:30 or close-30m is that of the last session
    that is over); else the clock's, if the data reaches it and the market is open; else the close of
    the last session in the data, and never before `lived`, up to which an account has lived. Raises
    `UsageError` for an `at` before the first opening or still to come, `DataError` where the data has no
    session at all.
    """
    if not sessions.days:
        raise DataError(
            "the data holds no session at all; choose other data with --data PATH or plugins.data"
        )
    clock_now = clock.now().astimezone(UTC)
    if at is not None:
        now = _at_slot(at, sessions, clock_now) or parse_at(at, sessions)
        if now > clock_now:
            raise UsageError(f"--at: {shown(now)} is still to come: it is {shown(clock_now)} now")
        session = sessions.last_opened(now)
        if session is None:
            raise UsageError(f"--at: {shown(now)} is before the data opens, {shown(sessions.days[0].opens)}")
        return Moment(now, session, "as asked for by --at")
    running = sessions.current(clock_now)
    if running is not None:
        return Moment(clock_now, running, "now: the market is open")
    last = sessions.days[-1]
    if lived is not None and last.closes < lived <= clock_now:
        return Moment(lived, last, "the account's last moment, after the last session in the data")
    why = "the close of the last session in the data"
    if last.closes > clock_now:
        why += ", which is ahead of the clock"
    return Moment(last.closes, last, why)


def _at_slot(text: str, sessions: Sessions, clock_now: datetime) -> datetime | None:
    """The moment of a time of day in the last session that is over; None where `text` is no time of day."""
    try:
        slot = parse_slot_time(text)
    except ValueError:
        return None
    session = sessions.last_closed(clock_now)
    if session is None:
        raise UsageError(f"--at: {text!r} is a time of the last session that is over, and the data has none")
    return slot.on(session.opens.astimezone(EXCHANGE), session.closes.astimezone(EXCHANGE)).astimezone(UTC)


def scan_type_at(
    now: datetime,
    session: Session,
    slots: Mapping[ScanType, SlotTime],
    timeframe: Literal["day", "minute"] = "minute",
) -> ScanType:
    """The scan that is due at `now`: the one whose scheduled time is the last not later than it.

    Before the first it is the first. Daily bars are known at the close only, so their scan is `close`; so is
    any from the session's close on.
    """
    if timeframe == "day" or now >= session.closes or not slots:
        return "close"
    opens, closes = (moment.astimezone(EXCHANGE) for moment in (session.opens, session.closes))
    times = sorted(
        (slot.on(opens, closes), SCAN_TYPES.index(scan_type), scan_type) for scan_type, slot in slots.items()
    )
    due = [scan_type for moment, _, scan_type in times if moment <= now]
    return due[-1] if due else times[0][2]


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _no_session(day: date, sessions: Sessions) -> str:
    if not sessions.days:
        return f"{day} is no session of the data, which holds none at all"
    nearest = min((session.day for session in sessions.days), key=lambda other: (abs(other - day), other))
    first, last = sessions.days[0].day, sessions.days[-1].day
    if not first <= day <= last:
        return f"{day} is outside the data, which runs from {first} to {last}"
    return f"{day} is no session; the nearest is {nearest} (the data runs from {first} to {last})"

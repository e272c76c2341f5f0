"""When the exchange is open: sessions with their hours, half days included.

The hours come from `exchange_calendars`. Importing it costs more than a scan, so its table is kept as a small
file in the user's cache directory and read from there.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from zoneinfo import ZoneInfo

from momentum.market.cachefile import cache_directory, keep
from momentum.model.market import Session, Sessions

EXCHANGE = ZoneInfo("America/New_York")
"""The zone of exchange time."""

OPENS, CLOSES = time(9, 30), time(16, 0)
"""Regular hours, in exchange time."""

FIRST_DAY, LAST_YEAR = date(1990, 1, 1), 2100
"""The calendar knows no session before or after these."""

_NYSE = "XNYS"


def shown(moment: datetime) -> str:
    """`2026-11-24 15:30 New York`: a moment for a person."""
    return f"{moment.astimezone(EXCHANGE):%Y-%m-%d %H:%M} New York"


def exchange_sessions(first: date, last: date) -> Sessions:
    """The sessions of the New York Stock Exchange from `first` to `last`, both included, within 1990 to 2100."""
    if last < max(first, FIRST_DAY):
        return Sessions(())
    decade_ends = last.year // 10 * 10 + 10  # one table serves every question of a decade
    lines = _table(min(decade_ends, LAST_YEAR))
    start = bisect_left(lines, first.isoformat())
    stop = bisect_right(lines, last.isoformat(), key=_day_of)
    return Sessions(tuple(map(_session, lines[start:stop])))


def sessions_for(days: Iterable[date]) -> Sessions:
    """The sessions of data that brings its own dates, in order, each date once.

    A date on which the exchange is open has its hours; any other has 09:30 to 16:00 New York.
    """
    dates = sorted(set(days))
    if not dates:
        return Sessions(())
    known = {session.day: session for session in exchange_sessions(dates[0], dates[-1]).days}
    return Sessions(tuple(known.get(day) or _regular(day) for day in dates))


def _regular(day: date) -> Session:
    opens, closes = (datetime.combine(day, wall, EXCHANGE).astimezone(UTC) for wall in (OPENS, CLOSES))
    return Session(day, opens, closes)


def _day_of(line: str) -> str:
    return line[:10]


def _session(line: str) -> Session:
    day, opens, closes = line.split(" ")
    return Session(date.fromisoformat(day), datetime.fromisoformat(opens), datetime.fromisoformat(closes))


def _line(opens: datetime, closes: datetime) -> str:
    return f"{opens.astimezone(EXCHANGE).date()} {opens:%Y-%m-%dT%H:%M}Z {closes:%Y-%m-%dT%H:%M}Z"


@lru_cache(maxsize=4)
def _table(last_year: int) -> tuple[str, ...]:
    """One line for each session from 1990 to the end of `last_year`: its day, opening and closing in UTC."""
    path = cache_directory() / f"nyse-{FIRST_DAY.year}-{last_year}-{version('exchange_calendars')}.txt"
    kept = _read(path)
    if kept is not None:
        return kept
    lines = _compute(date(last_year, 12, 31))
    keep(path, lambda file: file.write_text("\n".join([str(len(lines)), *lines]), encoding="ascii"))
    return lines


def _read(path: Path) -> tuple[str, ...] | None:
    """The lines of a kept table; None where there is none, or it is not whole (its first line counts the rest)."""
    try:
        count, *lines = path.read_text(encoding="ascii").splitlines()
        if int(count) != len(lines):
            return None
        _session(lines[0]), _session(lines[-1])
    except (OSError, ValueError, IndexError):
        return None
    return tuple(lines)


def _compute(last: date) -> tuple[str, ...]:
    from exchange_calendars import get_calendar  # half a second, paid only where no table is kept

    schedule = get_calendar(_NYSE, start=FIRST_DAY.isoformat(), end=last.isoformat()).schedule
    hours = zip(schedule["open"], schedule["close"], strict=True)
    return tuple(_line(opens.to_pydatetime(), closes.to_pydatetime()) for opens, closes in hours)

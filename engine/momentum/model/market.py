"""What the market shows at a moment: sessions, quotes, context, candidates and readings of what is held."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

Cap = Literal["large", "mid", "small", "unclassified"]
CAPS: tuple[Cap, ...] = ("large", "mid", "small")
UNCLASSIFIED: Cap = "unclassified"

ScanType = Literal["open", "midday", "close"]
SCAN_TYPES: tuple[ScanType, ...] = ("open", "midday", "close")

Trend = Literal["up", "down", "sideways"]
Value = float | bool | str | None
"""What a column holds for one symbol; None where it is unknown."""


@dataclass(frozen=True, slots=True)
class Session:
    """One trading day of the exchange, with its opening and closing moments in UTC."""

    day: date
    opens: datetime
    closes: datetime

    def is_open(self, at: datetime) -> bool:
        """True from the opening moment up to, and without, the closing moment."""
        return self.opens <= at < self.closes


@dataclass(frozen=True, slots=True)
class Sessions:
    """Sessions in order of time. All lookups take aware moments or dates and return None where there is none."""

    days: tuple[Session, ...]

    def of(self, day: date) -> Session | None:
        """The session of that date."""
        index = bisect_left(self.days, day, key=_day)
        return self.days[index] if index < len(self.days) and self.days[index].day == day else None

    def current(self, at: datetime) -> Session | None:
        """The session that is open at that moment."""
        index = bisect_right(self.days, at, key=_opens) - 1
        return self.days[index] if index >= 0 and self.days[index].is_open(at) else None

    def last_opened(self, at: datetime) -> Session | None:
        """The newest session that has opened by that moment; it may still be open."""
        index = bisect_right(self.days, at, key=_opens) - 1
        return self.days[index] if index >= 0 else None

    def last_closed(self, at: datetime) -> Session | None:
        """The newest session that has closed by that moment."""
        index = bisect_right(self.days, at, key=_closes) - 1
        return self.days[index] if index >= 0 else None

    def after(self, day: date) -> Session | None:
        """The first session later than that date."""
        index = bisect_right(self.days, day, key=_day)
        return self.days[index] if index < len(self.days) else None

    def count(self, first: date, last: date) -> int:
        """How many sessions begin after `first`, up to and with `last` (0 where last is not later)."""
        return max(0, bisect_right(self.days, last, key=_day) - bisect_right(self.days, first, key=_day))


def _day(session: Session) -> date:
    return session.day


def _opens(session: Session) -> datetime:
    return session.opens


def _closes(session: Session) -> datetime:
    return session.closes


@dataclass(frozen=True, slots=True)
class Quote:
    """The last known price of a symbol, and the moment at which it became known."""

    symbol: str
    price: float
    at: datetime
    halted: bool = False


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Rows of a source that are not used, for one reason; `symbol` and `when` are those of the first, "" if none."""

    reason: str
    count: int
    symbol: str
    when: str
    kind: Literal["impossible", "duplicate", "unused"] = "impossible"
    """Impossible rows cannot be true; unused ones are right, and not asked for."""

    def __str__(self) -> str:
        rows = "1 row" if self.count == 1 else f"{self.count:,} rows"
        example = (
            " ".join(part for part in (self.symbol, self.when) if part) or "with neither symbol nor time"
        )
        return f"left out {rows}: {self.reason} ({'' if self.count == 1 else 'first '}{example})"


@dataclass(frozen=True, slots=True)
class MarketContext:
    """The market around a scan. A part that the data cannot give is None.

    `vix` is in index points (percent a year); `vix_source` says whether it is the index itself or a proxy
    from SPY's realised volatility. `breadth` is the share of symbols above their previous close.
    """

    spy_price: float | None = None
    spy_change: float | None = None
    spy_sma_20: float | None = None
    spy_trend: Trend | None = None
    vix: float | None = None
    vix_source: Literal["index", "proxy"] | None = None
    breadth: float | None = None


@dataclass(frozen=True, slots=True)
class EarnedPoints:
    """One line of a score: what was asked, and what it was worth (0 where it did not hold or is unknown)."""

    name: str
    points: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """A symbol that passed every filter. `rank` counts from 1 within its scan; `columns` are its numbers."""

    symbol: str
    cap: Cap
    price: float
    score: float
    rank: int
    points: tuple[EarnedPoints, ...] = ()
    columns: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """The reversal signals of one held position. `signals` holds only those that fired."""

    symbol: str
    score: float
    signals: tuple[EarnedPoints, ...] = ()
    columns: Mapping[str, Value] = field(default_factory=dict)

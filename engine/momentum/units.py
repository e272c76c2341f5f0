"""The units that people write in YAML, and how they are shown again.

Inside the program a percent is a fraction (10 % is 0.10), basis points are a fraction (5bps is 0.0005),
a duration is a timedelta, and a time of day is a `SlotTime` in exchange time.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Literal

_NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)"
_PERCENT = re.compile(rf"({_NUMBER})\s*%")
_BPS = re.compile(rf"({_NUMBER})\s*bps")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_RELATIVE = re.compile(r"(open|close)(?:\s*([+-])\s*(\d+(?:\.\d+)?\s*(?:s|m|h)))?")

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def parse_fraction(value: object) -> float:
    """A fraction from `10%`, `5bps`, `0.10` or 0.10. Raises ValueError with what was expected."""
    if isinstance(value, bool):
        raise ValueError(f"{value} is not a percent; write 10% or 0.10")
    if isinstance(value, int | float):
        return _finite(float(value), value)
    text = str(value).strip()
    if match := _PERCENT.fullmatch(text):
        return float(match[1]) / 100
    if match := _BPS.fullmatch(text):
        return float(match[1]) / 10_000
    if re.fullmatch(_NUMBER, text):
        return float(text)
    raise ValueError(f"{text!r} is not a percent; write 10%, 5bps or 0.10")


def _finite(number: float, shown: object) -> float:
    if not math.isfinite(number):
        raise ValueError(f"{shown} is not a number that can be used")
    return number


def parse_duration(value: object) -> timedelta:
    """A timedelta from `500ms`, `1s`, `30m`, `2h`, `90d`. Raises ValueError with what was expected."""
    if isinstance(value, timedelta):
        return value
    match = None if isinstance(value, bool) else _DURATION.fullmatch(str(value).strip())
    if match is None:
        raise ValueError(f"{value!r} is not a duration; write 30m, 1s, 2h or 90d")
    try:
        return timedelta(seconds=float(match[1]) * _SECONDS[match[2]])
    except OverflowError:
        raise ValueError(f"{value!r} is too long a duration") from None


@dataclass(frozen=True, slots=True)
class SlotTime:
    """A time of a session in exchange time: a clock time, or an offset from the open or the close.

    `after` is the time since midnight for the anchor `clock`, else the (signed) offset from the anchor.
    """

    anchor: Literal["clock", "open", "close"]
    after: timedelta

    def on(self, opens: datetime, closes: datetime) -> datetime:
        """The moment in a session; `opens` and `closes` are aware and in exchange time."""
        if self.anchor == "open":
            return opens + self.after
        if self.anchor == "close":
            return closes + self.after
        wall = (datetime.min + self.after).time()
        return datetime.combine(opens.date(), wall, tzinfo=opens.tzinfo)

    def __str__(self) -> str:
        if self.anchor == "clock":
            return f"{(datetime.min + self.after).time():%H:%M}"
        if not self.after:
            return self.anchor
        sign = "-" if self.after < timedelta(0) else "+"
        return f"{self.anchor}{sign}{format_duration(abs(self.after))}"


def parse_slot_time(value: object) -> SlotTime:
    """A SlotTime from `09:35`, `open+5m`, `close-30m`. Raises ValueError with what was expected."""
    if isinstance(value, SlotTime):
        return value
    text = str(value).strip()
    if match := _CLOCK.fullmatch(text):
        wall = time(int(match[1]), int(match[2]))
        return SlotTime("clock", timedelta(hours=wall.hour, minutes=wall.minute))
    if match := _RELATIVE.fullmatch(text):
        after = parse_duration(match[3].replace(" ", "")) if match[3] else timedelta(0)
        anchor: Literal["open", "close"] = "open" if match[1] == "open" else "close"
        return SlotTime(anchor, -after if match[2] == "-" else after)
    raise ValueError(f"{text!r} is not a time; write 09:35, open+5m or close-30m")


def format_fraction(value: float, digits: int = 2) -> str:
    """`10%`, `0.5%`: a fraction as a percent, without needless zeros."""
    text = f"{value * 100:.{digits}f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) + "%"


def format_duration(value: timedelta) -> str:
    """`30m`, `1s`, `500ms`: the largest unit that divides the duration."""
    seconds = value.total_seconds()
    for unit in ("d", "h", "m", "s"):
        count = seconds / _SECONDS[unit]
        if count >= 1 and count == int(count):
            return f"{int(count)}{unit}"
    return f"{seconds * 1000:g}ms"


def format_money(value: float) -> str:
    """`$1,234.50`, `-$3.00`."""
    sign = "-" if value < 0 else ""
    return f"{sign}${abs(value):,.2f}"


def ticks(price: float) -> int:
    """How many decimals a price is shown with: 2 from one dollar on, 4 below."""
    return 2 if abs(price) >= 1 else 4


def format_price(value: float) -> str:
    """`$308.76`, `$0.1234`: for reading only; the engine's own prices are never rounded."""
    return f"${value:,.{ticks(value)}f}"

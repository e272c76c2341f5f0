"""How much of a day's volume is usual by a moment of the session: a U-shaped day with a rush at its close.

Source: the mean cumulative curve of 37 whole symbol-days of minute trade bars (eight large US stocks and SPY,
2008 to 2023, from QuantConnect/Lean), regular hours only, with its rates a minute smoothed to fall into the
early afternoon and rise from there. One-exchange 5-minute bars of leveraged funds over 2024 run up to 0.05
above it. 10:30 is 0.22 of a day; the first minute is 0.015 and the last, with the closing auction's trades, 0.07.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime

from momentum.model.market import Session

FULL_DAY = 390
"""Minutes of a regular session: the scale on which the knots stand."""

KNOTS: tuple[tuple[int, float], ...] = (
    (0, 0.0),
    (1, 0.015),
    (5, 0.035),
    (10, 0.058),
    (15, 0.0785),
    (20, 0.0975),
    (30, 0.1325),
    (45, 0.182),
    (60, 0.2225),
    (75, 0.261),
    (90, 0.297),
    (120, 0.363),
    (150, 0.423),
    (180, 0.477),
    (210, 0.5265),
    (240, 0.575),
    (270, 0.6245),
    (300, 0.677),
    (330, 0.732),
    (345, 0.764),
    (360, 0.8),
    (370, 0.83),
    (375, 0.848),
    (380, 0.871),
    (385, 0.9),
    (389, 0.931),
    (390, 1.0),
)
"""Minutes since the open, and the share of the day's volume traded by then; straight lines between."""

_MINUTES = tuple(minute for minute, _ in KNOTS)


def share_by(elapsed: float) -> float:
    """The share of a day's volume usual by that fraction of the session's length; 0 before, 1 after it."""
    minute = elapsed * FULL_DAY
    if minute <= 0:
        return 0.0
    if minute >= FULL_DAY:
        return 1.0
    index = bisect_right(_MINUTES, minute)
    (left, low), (right, high) = KNOTS[index - 1], KNOTS[index]
    return low + (high - low) * (minute - left) / (right - left)


def day_fraction(session: Session, at: datetime) -> float:
    """The share of the session's volume usual by `at`: 0 at the open, 1 at the close.

    A shorter session keeps the shape over its own length: an hour into a half day of 210 minutes stands where
    a full day stands after 111.
    """
    return share_by((at - session.opens) / (session.closes - session.opens))

"""Does the data hold what died? Where every company lives to the end, nothing could be lost on one that failed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from momentum.model.market import Sessions

SPAN = 126
"""Sessions: half a year. Over less than that it is no wonder that none ends."""
_GRACE = 10
"""So many sessions without a bar at the end of the data are a pause, not an end."""


def survivorship(last_bars: Mapping[str, date], sessions: Sessions) -> str | None:
    """What to say where no symbol ends before the data does, by each symbol's last bar; None where some do.

    In a year, some 5 to 10 of 100 listed companies are bought, go private, or fail.
    """
    days = [session.day for session in sessions.days]
    if len(days) <= SPAN or not last_bars or min(last_bars.values()) < days[-1 - _GRACE]:
        return None
    count = len(last_bars)
    whose = "its one symbol lives" if count == 1 else f"all of its {count:,} symbols live"
    return (
        f"the data holds no delisted symbol: {whose} to the end, and those that failed on the way are missing, "
        "so that results flatter"
    )

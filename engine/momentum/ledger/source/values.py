"""Reading the values of the source system's database, which kept no types: dates as text, JSON as text or none."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime

from momentum.ledger.fields import session_date, session_start
from momentum.model.market import CAPS

_EPOCH_SECONDS = (10**9, 10**11)
_EPOCH_MILLISECONDS = (10**11, 10**14)


def text(value: object) -> str | None:
    """Text without blanks around it; None where nothing is left."""
    if value is None or isinstance(value, bytes):
        return None
    return str(value).strip() or None


def symbol(value: object) -> str | None:
    """A symbol in capitals."""
    found = text(value)
    return found and found.upper()


def number(value: object) -> float | None:
    """A finite number, `1,518.50` and `$308.76` too; None for anything else."""
    if isinstance(value, str):
        value = value.strip().replace(",", "").removeprefix("$").removesuffix("%")
    try:
        found = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return found if math.isfinite(found) else None


def price(value: object) -> float | None:
    """A number above 0; the source system wrote 0 where it did not know a price."""
    found = number(value)
    return found if found is not None and found > 0 else None


def whole(value: object) -> int | None:
    """A whole number that a float holds exactly; None for a fraction."""
    found = number(value)
    return int(found) if found is not None and found.is_integer() and abs(found) <= 2**53 else None


def shares(value: object) -> int | None:
    """A whole number of shares above 0."""
    found = whole(value)
    return found if found is not None and found > 0 else None


def flag(value: object) -> bool | None:
    """0 and 1, or such words as `true` and `no`."""
    if isinstance(value, str):
        return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}.get(
            value.strip().lower()
        )
    found = number(value)
    return None if found is None else found != 0


def cap(value: object) -> str | None:
    """`large`, `mid` or `small`, also from `LARGE_CAP`; None for anything else, such as a market value."""
    found = (text(value) or "").lower()
    return next((name for name in CAPS if found.startswith(name)), None)


def moment(value: object) -> datetime | None:
    """An aware moment, in UTC, from ISO text or seconds since the epoch.

    A time without a zone is UTC, as that system's servers ran; a date alone is the beginning of that day in
    New York.
    """
    if isinstance(value, int | float):
        return _since_epoch(value)
    written = text(value)
    if written is None:
        return None
    try:
        if len(written) <= len("2026-11-24"):
            return session_start(date.fromisoformat(written))
        found = datetime.fromisoformat(written.removesuffix(" UTC"))
    except (ValueError, OverflowError):
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def day(value: object) -> date | None:
    """The date that stands there; of a moment with a zone, and of one in seconds, the exchange's date."""
    if isinstance(value, str):
        try:
            written = datetime.fromisoformat(value.strip().removesuffix(" UTC"))
        except ValueError:
            return None
        if written.tzinfo is None:
            return written.date()
    found = moment(value)
    return found and session_date(found)


def json_value(value: object) -> object:
    """What JSON text says; other text is itself."""
    if not isinstance(value, str):
        return None if isinstance(value, bytes) else value
    try:
        return json.loads(value)
    except ValueError:
        return value if value.strip() else None


def _since_epoch(value: float) -> datetime | None:
    if _EPOCH_SECONDS[0] <= value < _EPOCH_SECONDS[1]:
        return datetime.fromtimestamp(value, UTC)
    if _EPOCH_MILLISECONDS[0] <= value < _EPOCH_MILLISECONDS[1]:
        return datetime.fromtimestamp(value / 1000, UTC)
    return None

"""How the ledger stores its values: moments, session dates and JSON, in types that every database has alike.

Moments are microseconds since the epoch, since a column type of its own would drop the zone on PostgreSQL;
session dates are ISO text, and JSON is text.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Set
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from typing import Any
from zoneinfo import ZoneInfo

import peewee
from peewee import BigAutoField, BigIntegerField, Model

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_EXCHANGE = ZoneInfo("America/New_York")
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_SURROGATE = re.compile("[\ud800-\udfff]")


def to_micros(at: datetime) -> int:
    """Microseconds since the epoch, exactly. Raises ValueError for a moment without a zone."""
    if at.tzinfo is None:
        raise ValueError(f"{at} has no time zone; the ledger takes aware moments")
    return (at - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """The aware moment, in UTC."""
    return _EPOCH + timedelta(microseconds=micros)


def session_date(at: datetime) -> date:
    """The exchange's date at a moment: what happens at 01:00 UTC belongs to the day before."""
    return at.astimezone(_EXCHANGE).date()


def session_start(day: date) -> datetime:
    """Midnight of that date at the exchange: the moment of what is known to a day only."""
    return datetime.combine(day, time(), tzinfo=_EXCHANGE).astimezone(UTC)


def to_json(value: object) -> str:
    """Compact JSON text of plain values, dataclasses, dates and collections; NaN and infinities become null."""
    try:
        text = json.dumps(value, default=_plain, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    except ValueError:
        finite = _finite(value)
        text = json.dumps(finite, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return storable(text)


def storable(text: str) -> str:
    """The text as every database takes it: what a model or a broker wrote must not stop a scan.

    PostgreSQL takes no NUL, and nothing takes half of a surrogate pair; both become the replacement character.
    """
    text = text.replace("\0", _REPLACEMENT)
    try:
        text.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub(_REPLACEMENT, text)
    return text


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Set):
        return sorted(value, key=str)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Enum):
        return value.value
    return str(value)


def _finite(value: object) -> object:
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return _finite(_plain(value))


class TextField(peewee.TextField):
    """Any text, in every database the same."""

    def db_value(self, value: object) -> str | None:
        return None if value is None else storable(str(value))


class DoubleField(peewee.DoubleField):
    """A number; NaN is NULL, as SQLite has it anyway."""

    def db_value(self, value: Any) -> float | None:
        number = None if value is None else float(value)
        return None if number is None or math.isnan(number) else number


class MomentField(BigIntegerField):
    """An aware moment, in microseconds since the epoch."""

    def db_value(self, value: datetime | None) -> int | None:
        return None if value is None else to_micros(value)

    def python_value(self, value: int | None) -> datetime | None:
        return None if value is None else from_micros(value)


class DayField(peewee.TextField):
    """A session date, as ISO text."""

    def db_value(self, value: date | None) -> str | None:
        return None if value is None else value.isoformat()

    def python_value(self, value: str | None) -> date | None:
        return None if value is None else date.fromisoformat(value)


class JsonField(peewee.TextField):
    """Any JSON value, as text; NULL is None."""

    def db_value(self, value: object) -> str | None:
        return None if value is None else to_json(value)

    def python_value(self, value: str | None) -> Any:
        return None if value is None else json.loads(value)


class Table(Model):
    """The base of all tables. No database is bound to it: several ledgers may be open in one process."""

    id = BigAutoField()

    class Meta:
        legacy_table_names = False

"""Reading a column of times: which format it has, whether the bars are daily, and what moment each one is.

Bars are daily where the column holds dates, or moments that are all at one time of day (vendors stamp a day at
midnight of UTC or of New York). Moments with a zone are converted to UTC; those without are of the zone told.
"""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl

from momentum.errors import DataError
from momentum.market.calendar import EXCHANGE
from momentum_plugins.files import timeforms

_SAMPLE = 1_000
_DEFAULT_ZONE = "UTC"


@dataclass(frozen=True, slots=True)
class Told:
    """What is known of times before they are read: by the person (`zone`, `form`), and of the vendor."""

    zone: str | None = None
    form: str | None = None
    vendor_zone: str | None = None
    vendor: str = ""


@dataclass(frozen=True, slots=True)
class Times:
    """The column `ts`: Date where `daily`, else Datetime in UTC; null where a value is no time."""

    column: pl.Series
    daily: bool
    notes: tuple[str, ...] = ()


def read(column: pl.Series, shown: str, told: Told) -> Times:
    """Understand a column of dates, moments, epoch numbers or text.

    Raises `DataError` where it holds no times at all, or dates that could be read as two different days.
    """
    if column.dtype not in (pl.Date, pl.Datetime):
        column = timeforms.parse(column, shown, told.form)
    if column.dtype == pl.Date:
        return Times(column, daily=True)
    return _understand(column.dt.cast_time_unit("us"), shown, told)


def _understand(moments: pl.Series, shown: str, told: Told) -> Times:
    own = getattr(moments.dtype, "time_zone", None)
    if _one_time_of_day(moments):
        return Times(moments.dt.date(), daily=True)
    notes: tuple[str, ...] = ()
    if own is None:
        zone = _known(told.zone or told.vendor_zone or _DEFAULT_ZONE, shown)
        moments = moments.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
        by_vendor = f", as {told.vendor} writes them" if told.vendor_zone and not told.zone else ""
        notes = (f"{shown}: its times are without a zone and were read as {zone}{by_vendor} (files.zone)",)
    local = moments.dt.convert_time_zone(EXCHANGE.key)
    if _one_time_of_day(local):
        return Times(local.dt.date(), daily=True)
    return Times(moments.dt.convert_time_zone("UTC"), daily=False, notes=notes)


def _one_time_of_day(moments: pl.Series) -> bool:
    known = moments.drop_nulls()
    return known.head(_SAMPLE).dt.time().n_unique() <= 1 and known.dt.time().n_unique() <= 1


def _known(zone: str, shown: str) -> str:
    try:
        return ZoneInfo(zone).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise DataError(
            f"{shown}: there is no time zone {zone!r}; set files.zone to UTC or a name like America/New_York"
        ) from None

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

_DATE_FORMATS = ("%Y-%m-%d", "%Y%m%d", "%m/%d/%Y")
_MOMENT_FORMATS = (
    "%Y-%m-%d %H:%M:%S%.f%#z",
    "%Y-%m-%dT%H:%M:%S%.f%#z",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M",
)
_SAMPLE = 1_000


@dataclass(frozen=True, slots=True)
class Times:
    """The column `ts`: Date where `daily`, else Datetime in UTC; null where a value is no time."""

    column: pl.Series
    daily: bool
    notes: tuple[str, ...] = ()


def read(column: pl.Series, shown: str, zone: str) -> Times:
    """Understand a column of dates, moments or text. Raises `DataError` where it holds no times at all."""
    kind = column.dtype
    if kind == pl.Date:
        return Times(column, daily=True)
    if kind != pl.Datetime:
        column = _parse(column, shown)
        if column.dtype == pl.Date:
            return Times(column, daily=True)
    return _understand(column.dt.cast_time_unit("us"), shown, zone)


def _parse(column: pl.Series, shown: str) -> pl.Series:
    """Text to dates or moments, by the format that most of the first values have."""
    if not (column.dtype in (pl.String, pl.Categorical) or column.dtype.is_integer()):
        raise DataError(
            f"{shown}: column of times holds {column.dtype}; write dates (2024-01-31) or UTC moments"
        )
    text = column.cast(pl.String)
    sample = text.drop_nulls().head(_SAMPLE)
    parsed = {
        form: len(sample) - _as_times(sample, form).null_count() for form in _DATE_FORMATS + _MOMENT_FORMATS
    }
    best = max(parsed, key=lambda form: parsed[form])
    if len(sample) and not parsed[best]:
        raise DataError(
            f"{shown}: {sample[0]!r} is not a date or time; write 2024-01-31, or 2024-01-31T14:30:00Z for intraday bars"
        )
    return _as_times(text, best)


def _as_times(text: pl.Series, form: str) -> pl.Series:
    if form in _DATE_FORMATS:
        return text.str.to_date(form, strict=False)
    return text.str.to_datetime(form, time_unit="us", strict=False)


def _understand(moments: pl.Series, shown: str, zone: str) -> Times:
    own = getattr(moments.dtype, "time_zone", None)
    if _one_time_of_day(moments):
        return Times(moments.dt.date(), daily=True)
    if own is None:
        moments = moments.dt.replace_time_zone(_known(zone, shown), ambiguous="earliest", non_existent="null")
    local = moments.dt.convert_time_zone(EXCHANGE.key)
    if _one_time_of_day(local):
        return Times(local.dt.date(), daily=True)
    note = (
        (f"{shown}: its times are without a zone and were read as {zone} (files.zone)",)
        if own is None
        else ()
    )
    return Times(moments.dt.convert_time_zone("UTC"), daily=False, notes=note)


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

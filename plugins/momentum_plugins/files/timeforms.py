"""From text or numbers to dates and moments: the forms that are known, and dates that could be two days.

A form is taken by what most of the first values are. Where day and month could be swapped (01/02/2024), the whole
column decides; where it can't, the person is asked.
"""

from __future__ import annotations

import polars as pl

from momentum.errors import DataError

_DATES = (
    "%Y-%m-%d", "%Y%m%d", "%Y/%m/%d", "%Y.%m.%d", "%m/%d/%Y", "%d/%m/%Y", "%m-%d-%Y", "%d-%m-%Y", "%d.%m.%Y",
    "%m/%d/%y", "%d/%m/%y", "%d-%b-%Y", "%d %b %Y", "%b %d, %Y",
)  # fmt: skip
_MOMENTS = (
    "%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y%m%d %H:%M:%S", "%Y%m%d %H%M%S", "%Y%m%d%H%M%S", "%Y%m%d%H%M",
    "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%m/%d/%Y %H:%M:%S", "%d/%m/%Y %H:%M:%S", "%m/%d/%Y %H:%M",
    "%d/%m/%Y %H:%M", "%m/%d/%Y %I:%M:%S %p", "%d/%m/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M %p",
    "%d/%m/%Y %I:%M %p", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M",
)  # fmt: skip
_SAMPLE = 1_000
_FIRST_YEAR, _LAST_YEAR = 1900, 2200
"""A year outside these is a number of two digits, or no year at all."""
_FIRST_SECOND, _LAST_SECOND = 315_532_800, 4_102_444_800
"""The years 1980 to 2100: in this span a number's size alone tells seconds, ms, us and ns apart."""
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def parse(column: pl.Series, shown: str, form: str | None) -> pl.Series:
    """Text, or whole numbers, as a column of dates, of moments, or of moments in UTC; null where one is no time.

    `form` is the strptime pattern that is known of the column. Raises `DataError` where no value is a time, and
    where two days are possible.
    """
    kind = column.dtype
    if not (kind in (pl.String, pl.Categorical) or kind.is_integer() or kind.is_float()):
        raise DataError(f"{shown}: column of times holds {kind}; write dates (2024-01-31) or UTC moments")
    text = (column.cast(pl.Int64, strict=False) if kind.is_float() else column).cast(pl.String)
    sample = text.drop_nulls().head(_SAMPLE)
    if form is not None:
        if len(sample) and _as_times(sample, form, shown).null_count() == len(sample):
            raise DataError(
                f"{shown}: {sample[0]!r} is not of the form {form!r}; correct files.date_format, or leave it away"
            )
        return _as_times(text, form, shown)
    unit = _epoch(sample)
    if unit is not None:
        return _since_epoch(text, unit)
    read = {known: len(sample) - _as_times(sample, known, shown).null_count() for known in _DATES + _MOMENTS}
    best = max(read, key=lambda known: read[known])
    if len(sample) and not read[best]:
        raise DataError(
            f"{shown}: {sample[0]!r} is not a date or time; write 2024-01-31, or 2024-01-31T14:30:00Z for"
            " intraday bars, or tell the form in files.date_format"
        )
    other = _swapped(best)
    return _as_times(text, best, shown) if other is None else _decided(text, best, other, shown)


def _decided(text: pl.Series, first: str, second: str, shown: str) -> pl.Series:
    """The column in the form, of two that swap day and month, in which more of its values are times."""
    values = text.drop_nulls().unique(maintain_order=True)
    one, two = _as_times(values, first, shown), _as_times(values, second, shown)
    if one.null_count() == two.null_count() and not one.equals(two):
        example = values.filter(one.ne_missing(two))[0]
        raise DataError(
            f"{shown}: {example!r} could be two days, and no other date of the file tells which; set"
            f" files.date_format to {first!r} or {second!r}"
        )
    return _as_times(text, first if one.null_count() <= two.null_count() else second, shown)


def _swapped(form: str) -> str | None:
    """The form with day and month the other way round, where that is a form too."""
    for month_first, day_first in (("%m/%d/", "%d/%m/"), ("%m-%d-", "%d-%m-")):
        for one, other in ((month_first, day_first), (day_first, month_first)):
            if form.startswith(one):
                return other + form.removeprefix(one)
    return None


def _epoch(sample: pl.Series) -> str | None:
    """The unit of numbers since 1970, where most of the values are such."""
    numbers = sample.cast(pl.Int64, strict=False).drop_nulls()
    for unit, scale in _PER_SECOND.items():
        within = numbers.is_between(_FIRST_SECOND * scale, _LAST_SECOND * scale).sum()
        if within * 2 > len(sample):
            return unit
    return None


def _since_epoch(text: pl.Series, unit: str) -> pl.Series:
    numbers = text.cast(pl.Int64, strict=False)
    micro = numbers * (10**6 // _PER_SECOND[unit]) if unit != "ns" else numbers // 1000
    return micro.cast(pl.Datetime("us", "UTC"))


def _as_times(text: pl.Series, form: str, shown: str) -> pl.Series:
    has_time = any(part in form for part in ("%H", "%I", "%T", "%R", "%s"))
    try:
        read = (
            text.str.to_datetime(form, time_unit="us", strict=False)
            if has_time
            else text.str.to_date(form, strict=False)
        )
    except pl.exceptions.PolarsError as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{shown}: files.date_format {form!r} is no pattern of a date: {reason}") from None
    return read.set(~read.dt.year().is_between(_FIRST_YEAR, _LAST_YEAR).fill_null(False), None)

"""From a raw table to the engine's columns: symbol, ts, open, high, low, close, volume.

Names are matched without regard to case, numbers become Float64 (what is no number becomes null), times become
dates for daily bars and UTC moments for intraday ones. No row is judged or left out here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from textwrap import shorten

import polars as pl

from momentum.errors import DataError
from momentum_plugins.files import reading, times

PRICES = ("open", "high", "low", "close")
COLUMNS = ("symbol", "ts", *PRICES, "volume")
TIME_NAMES = ("ts", "timestamp", "datetime", "date")
"""The names that a column of times may have; where there are several, the first of these is taken."""
_RENAMED = re.compile(r"_duplicated_\d+$")
"""What polars adds to a name that a CSV has twice."""
_MANY_NAMES, _LONG_NAME = 12, 40


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars in the columns `COLUMNS`, in the file's order; `ts` is a Date where `daily`, else a UTC Datetime."""

    frame: pl.DataFrame
    daily: bool
    notes: tuple[str, ...]


def normalise(table: pl.LazyFrame, shown: str, zone: str) -> Bars:
    """The bars of a raw table. `zone` is that of times that are written without one.

    Raises `DataError` where a column is missing, there twice or of a type that cannot hold its values.
    """
    frame = select(table, COLUMNS, shown)
    read = times.read(frame["ts"], shown, zone)
    return Bars(frame.with_columns(read.column), read.daily, read.notes)


def select(table: pl.LazyFrame, wanted: Sequence[str], shown: str) -> pl.DataFrame:
    """The `wanted` columns, read: symbol as text, ts as it is in the file, the others as Float64."""
    schema = reading.schema(table, shown)
    names = _match(schema.names(), wanted, shown)
    chosen = table.select(_convert(name, names[name], schema[names[name]], shown) for name in wanted)
    return reading.collect(chosen, shown)


def _match(found: Sequence[str], wanted: Sequence[str], shown: str) -> dict[str, str]:
    """Map each wanted name to the file's own name for it."""
    own: dict[str, list[str]] = {}
    for name in found:
        own.setdefault(_RENAMED.sub("", name).strip().lower(), []).append(name)
    names = {}
    for name in wanted:
        accepted = TIME_NAMES if name == "ts" else (name,)
        present = next((alias for alias in accepted if alias in own), None)
        if present is None:
            raise DataError(_missing(accepted, found, shown))
        if len(own[present]) > 1:
            raise DataError(f"{shown}: has the column {present} {len(own[present])} times; leave one of them")
        names[name] = own[present][0]
    return names


def _missing(accepted: Sequence[str], found: Sequence[str], shown: str) -> str:
    names = [shorten(name, _LONG_NAME) for name in found]
    near = get_close_matches(accepted[0], names, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    more = f" and {len(names) - _MANY_NAMES} more" if len(names) > _MANY_NAMES else ""
    return (
        f"{shown}: has no column {' or '.join(accepted)}{hint}; it has {', '.join(names[:_MANY_NAMES])}{more};"
        " rename or add it (one row for each symbol and time, values separated by commas)"
    )


def _convert(name: str, own: str, kind: pl.DataType, shown: str) -> pl.Expr:
    column = pl.col(own).alias(name)
    if name == "ts":
        return column
    if name == "symbol":
        if not (kind in (pl.String, pl.Categorical) or kind == pl.Enum or kind.is_integer()):
            raise DataError(f"{shown}: column {name} holds {kind}, not symbols; write them as text")
        return column.cast(pl.String)
    if kind == pl.String:
        return column.cast(pl.Float64, strict=False)
    if not kind.is_numeric():
        raise DataError(f"{shown}: column {name} holds {kind}, not numbers; write it as numbers")
    return column.cast(pl.Float64)

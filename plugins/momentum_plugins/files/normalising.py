"""From raw tables to the engine's columns: symbol, ts, open, high, low, close, volume.

Columns are recognised by the header, numbers become Float64 (what is no number becomes null), times become dates
for daily bars and UTC moments for intraday ones. No row is judged or left out here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from momentum.errors import DataError
from momentum_plugins.files import numbers, reading, times
from momentum_plugins.files.header import Header, named, recognise
from momentum_plugins.files.options import Options
from momentum_plugins.files.source import Group, one, symbol_of

PRICES = ("open", "high", "low", "close")
COLUMNS = ("symbol", "ts", *PRICES, "volume")
_TEXTS = ("symbol", "ts", "time")


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars in the columns `COLUMNS`, in the files' order; `ts` is a Date where `daily`, else a UTC Datetime.

    `read_as` is what the files were recognised as, e.g. `Yahoo CSV`.
    """

    frame: pl.DataFrame
    daily: bool
    notes: tuple[str, ...]
    read_as: str = ""


def normalise(group: Group, options: Options) -> Bars:
    """The bars of files with one header.

    Raises `DataError` where a column is missing, there twice or of a type that cannot hold its values.
    """
    shown, schema = group.shown, group.schema()
    header = recognise(schema.names(), shown, options.columns, by_file_name=group.by_file_name)
    if options.adjusted and "adjusted" not in header.columns:
        raise DataError(
            f"{shown}: has no column of adjusted closes, but files.adjusted is on; set it off, or name the"
            " column in files.columns.adjusted"
        )
    unused = "adjusted" in header.columns and not options.adjusted
    if unused:
        header = header.without("adjusted", "adjusted_volume")
    frame = _with_symbols(_values(group, header, options.decimal), header)
    vendor = header.vendor
    read = times.read(
        _joined(frame),
        shown,
        times.Told(
            options.zone,
            options.date_format or (vendor.date_format if vendor else None),
            vendor.zone if vendor and group.how.kind == "CSV" else None,
            vendor.name if vendor else "",
        ),
    )
    notes = read.notes
    if unused:
        notes = (*notes, f"{shown}: its adjusted closes are not used; files.adjusted: on uses them")
    frame = _adjusted(frame, header) if options.adjusted else frame
    return Bars(
        frame.with_columns(read.column).select(COLUMNS), read.daily, notes, _read_as(group, header, options)
    )


def _read_as(group: Group, header: Header, options: Options) -> str:
    """What a title says of the files; nothing of one file in the plain form."""
    kind = group.how.kind
    if header.vendor is not None:
        return f"{header.vendor.name} {kind}"
    if options.columns:
        return f"{kind} by files.columns"
    return kind if group.by_file_name else ""


def select(file: Path, wanted: Sequence[str], shown: str, setting: str) -> pl.DataFrame:
    """The `wanted` columns of one file in the plain form: ts as it is in the file, the others as in `normalise`."""
    group = one(file, shown, setting)
    return _values(group, named(group.schema().names(), shown, wanted), None).select(wanted)


def _values(group: Group, header: Header, decimal: str | None) -> pl.DataFrame:
    """The header's columns under our names, and `reading.FILE` where no column holds the symbol.

    Numbers in text are read as the first rows write them; only where one is no such number, the text of all is
    looked at once more.
    """
    schema, shown = group.schema(), group.shown
    texts = {
        ours: own for ours, own in header.columns.items() if ours not in _TEXTS and schema[own] == pl.String
    }
    number = _number(group.head(), texts.values())
    columns = [
        number(pl.col(own)).alias(ours) if ours in texts else _typed(ours, own, schema[own], shown)
        for ours, own in header.columns.items()
    ]
    by_file_name = group.by_file_name and "symbol" not in header.columns
    extra = [pl.col(reading.FILE)] if by_file_name else []
    frame = group.read(lambda table: table.select(*columns, *extra))
    if not any(decimal == "," or frame[ours].null_count() for ours in texts):
        return frame
    raw = group.read(lambda table: table.select(pl.col(own).alias(ours) for ours, own in texts.items()))
    return frame.with_columns(numbers.written(raw, decimal, shown))


def _number(head: pl.DataFrame, texts: Iterable[str]) -> Callable[[pl.Expr], pl.Expr]:
    """How the numbers of the first rows are to be read."""
    text = head.select(texts)
    bare = text.select(numbers.plain(pl.all())).null_count().equals(text.null_count())
    return numbers.plain if bare else numbers.signed


def _typed(ours: str, own: str, kind: pl.DataType, shown: str) -> pl.Expr:
    column = pl.col(own).alias(ours)
    if ours in _TEXTS and kind == pl.String:
        return column.str.strip_chars()
    if ours == "ts":
        return column
    if ours == "time":
        return column.cast(pl.String)
    if ours == "symbol":
        if not (kind in (pl.String, pl.Categorical) or kind == pl.Enum or kind.is_integer()):
            raise DataError(f"{shown}: column {own} holds {kind}, not symbols; write them as text")
        return column.cast(pl.String)
    if not kind.is_numeric():
        raise DataError(f"{shown}: column {own} holds {kind}, not numbers; write it as numbers")
    return column.cast(pl.Float64)


def _with_symbols(frame: pl.DataFrame, header: Header) -> pl.DataFrame:
    """The frame with a symbol in each row: of its column without what the vendor adds, else of the file's name."""
    if "symbol" not in header.columns:
        names = frame[reading.FILE].unique()
        symbols = [symbol_of(name) for name in names]
        found = pl.col(reading.FILE).replace_strict(names, pl.Series(symbols, dtype=pl.String))
        return frame.with_columns(found.alias("symbol"))
    if header.vendor is not None and header.vendor.suffix:
        return frame.with_columns(pl.col("symbol").str.strip_suffix(header.vendor.suffix))
    return frame


def _joined(frame: pl.DataFrame) -> pl.Series:
    """The column of times; the date with the time of day where they stand apart."""
    if "time" not in frame.columns:
        return frame["ts"]
    return frame.select(pl.concat_str(pl.col("ts").cast(pl.String), "time", separator=" ").alias("ts"))["ts"]


def _adjusted(frame: pl.DataFrame, header: Header) -> pl.DataFrame:
    """Prices scaled by adjusted close over close; the vendor's own adjusted volume where it has one."""
    close, adjusted = pl.col("close"), pl.col("adjusted")
    factor = pl.when((close > 0) & (adjusted > 0)).then(adjusted / close)
    volume = ["adjusted_volume"] if "adjusted_volume" in header.columns else ["volume"]
    return frame.with_columns(*(pl.col(name) * factor for name in PRICES), pl.col(volume).alias("volume"))

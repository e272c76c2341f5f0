"""From files to the raw columns of a table, or one clear line about why there is none.

Nothing is understood here but the format: columns keep their names, a CSV's values are text, and its blank lines are
no rows.
"""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import polars as pl

from momentum.errors import DataError

FILE = "\x00file"
"""The column of `scan` that holds each row's file; no file has one of that name."""
_PARQUET, _GZIP, _ZIP = b"PAR1", b"\x1f\x8b", b"PK\x03\x04"
_SMALLEST_PARQUET = 12
_PARQUET_SUFFIXES = {".parquet", ".pq"}
_SEPARATORS = ",;\t|"
_LONGEST_HEADER = 1 << 16
_OTHERS = {
    "pk\x03\x04": "is a ZIP or an Excel file; unpack it, or save it as CSV",
    "<!doctype": "is a web page, not CSV; fetch the file again and look at what the page says",
    "<html": "is a web page, not CSV; fetch the file again and look at what the page says",
    "{": "is JSON, not CSV; it may be a vendor's message: look at it, or write it as CSV",
    "[": "is JSON, not CSV; write it as CSV",
}
"""What a first line tells of files of other formats that are often met under the name of a CSV."""


@dataclass(frozen=True, slots=True)
class Form:
    """What files must have in common to be read as one table: the format, and the header or the schema."""

    kind: Literal["parquet", "CSV"]
    header: str
    separator: str = ","


def form(path: Path, shown: str, setting: str = "files.path") -> Form:
    """The form of a file; its first bytes tell the format.

    `shown` is the file's name for a person, `setting` the key that names it. Raises `DataError` where there is no
    such file, or where it is a directory, unreadable, empty, cut short or of another format.
    """
    head, tail, size = _ends(path, shown, setting)
    if head == _PARQUET:
        if tail != _PARQUET or size < _SMALLEST_PARQUET:
            raise DataError(
                f"{shown}: the parquet file is cut short at {size:,} bytes; fetch or write it again"
            )
        return Form("parquet", str(schema(pl.scan_parquet(path, glob=False), shown)))
    if path.suffix.lower() in _PARQUET_SUFFIXES:
        raise DataError(
            f"{shown}: not a parquet file, though it is named one; write it as parquet, or name it .csv"
        )
    header = _first_line(path, shown, packed=head.startswith(_GZIP))
    for sign, what in _OTHERS.items():
        if header.lower().startswith(sign):
            raise DataError(f"{shown}: {what}")
    return Form("CSV", header, max(_SEPARATORS, key=header.count))


_OF_SEVERAL_LINES = "Price"
_FURTHER_LINES = ("Ticker", "Date", "Datetime")
"""How the header of Yahoo's Python library begins: its further lines stand where rows would."""


def scan(files: Sequence[Path], how: Form, *, partitioned: bool = False) -> pl.LazyFrame:
    """The table in files of one form, one after the other, not yet read; `FILE` tells where each row is from.

    Where they are `partitioned`, the names of directories like `year=2024` are columns.
    """
    paths = [str(file) for file in files]
    if how.kind == "parquet":
        return pl.scan_parquet(paths, glob=False, hive_partitioning=partitioned, include_file_paths=FILE)
    text = pl.scan_csv(
        paths, glob=False, infer_schema=False, separator=how.separator, include_file_paths=FILE
    )
    text = text.filter(pl.any_horizontal(pl.all().exclude(FILE).is_not_null()))
    if how.header.split(how.separator)[0] != _OF_SEVERAL_LINES:
        return text
    return text.filter(~pl.col(_OF_SEVERAL_LINES).is_in(_FURTHER_LINES))


def _ends(path: Path, shown: str, setting: str) -> tuple[bytes, bytes, int]:
    try:
        with path.open("rb") as file:
            head = file.read(len(_PARQUET))
            size = file.seek(0, 2)
            file.seek(max(0, size - len(_PARQUET)))
            tail = file.read()
    except FileNotFoundError:
        raise DataError(f"{shown}: there is no such file; correct {setting}, or put the file there") from None
    except IsADirectoryError:
        raise DataError(f"{shown}: is a directory; {setting} must name one parquet or CSV file") from None
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise DataError(f"{shown}: cannot be read: {reason}; check the path and its permissions") from None
    if not size:
        raise DataError(f"{shown}: the file is empty (0 bytes); fetch or write it again")
    return head, tail, size


def _first_line(path: Path, shown: str, *, packed: bool) -> str:
    try:
        with gzip.open(path) if packed else path.open("rb") as file:
            line = file.readline(_LONGEST_HEADER)
    except (OSError, EOFError, zlib.error) as error:
        raise _damaged(error, shown) from None
    if line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise DataError(f"{shown}: is text in UTF-16; save it as UTF-8")
    if line.startswith(_ZIP):
        raise DataError(f"{shown}: {_OTHERS[_ZIP.decode().lower()]}")
    if b"\0" in line:
        raise DataError(f"{shown}: is no text, and no parquet; give a CSV or a parquet file")
    try:
        return line.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise DataError(
            f"{shown}: its first line is no text in UTF-8 (byte {error.start + 1}); save it as UTF-8"
        ) from None


def schema(table: pl.LazyFrame, shown: str) -> pl.Schema:
    """The names and types of the table's columns. Raises `DataError` where the file is damaged."""
    try:
        return table.collect_schema()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise _damaged(error, shown) from None


def collect(table: pl.LazyFrame, shown: str) -> pl.DataFrame:
    """Read the table. Raises `DataError` where the file is damaged."""
    try:
        return table.collect()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise _damaged(error, shown) from None


def _damaged(error: BaseException, shown: str) -> DataError:
    lines = str(error).strip().splitlines()
    reason = lines[0].rstrip(".:;") if lines else type(error).__name__
    return DataError(f"{shown}: the file is damaged: {reason}; fetch or write it again")

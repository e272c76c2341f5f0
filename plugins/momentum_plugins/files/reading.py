"""From a path to the raw columns of a table, or one clear line about why there is none.

Nothing is understood here but the file's format: columns keep their names; a CSV's values are text without the
blanks around them, and its blank lines are no rows.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from momentum.errors import DataError

_PARQUET = b"PAR1"
_SMALLEST_PARQUET = 12
_PARQUET_SUFFIXES = {".parquet", ".pq"}


def scan(path: Path, shown: str, setting: str = "files.path") -> pl.LazyFrame:
    """The table in a parquet or CSV file, not yet read; its first bytes tell which it is.

    `shown` is the file's name for a person, `setting` the key that names it. Raises `DataError` where there is no
    such file, or where it is a directory, unreadable, empty, cut short or of another format.
    """
    head, tail, size = _ends(path, shown, setting)
    if head == _PARQUET:
        if tail != _PARQUET or size < _SMALLEST_PARQUET:
            raise DataError(
                f"{shown}: the parquet file is cut short at {size:,} bytes; fetch or write it again"
            )
        return pl.scan_parquet(path, glob=False)
    if path.suffix.lower() in _PARQUET_SUFFIXES:
        raise DataError(
            f"{shown}: not a parquet file, though it is named one; write it as parquet, or name it .csv"
        )
    text = pl.scan_csv(path, glob=False, infer_schema=False).with_columns(pl.all().str.strip_chars())
    return text.filter(pl.any_horizontal(pl.all().is_not_null()))


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

"""Looking at a SQLite file without changing it, whatever state it is in."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

Ask = Callable[[str], list[dict[str, Any]]]
"""Answers a query in plain SQL with its rows, by column."""

_PATIENCE = 15.0


def beside(path: Path) -> tuple[Path, Path]:
    """The write-ahead log and the shared memory that SQLite keeps beside a file in use."""
    return path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")


@contextmanager
def reading(path: Path, *, still: bool = False) -> Iterator[Ask]:
    """Ask a SQLite file that must be there. Nothing is written to it; a log that others left stays as it is.

    `still` says that nobody changes it, as a backup: then nothing is put beside it either. Raises
    sqlite3.Error, also where the asking does.
    """
    with closing(_connection(path, still)) as connection:
        connection.execute("PRAGMA query_only = 1")

        def ask(query: str) -> list[dict[str, Any]]:
            cursor = connection.execute(query)
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor]

        yield ask


def copy(path: Path, target: Path) -> None:
    """Copy a database that nobody changes to a file that is not there. Raises sqlite3.Error, OSError."""
    with closing(_connection(path, still=True)) as source, closing(sqlite3.connect(target)) as made:
        source.backup(made)


def has_log(path: Path) -> bool:
    """Whether a log lies beside the file that holds anything, so that the file alone is not all."""
    log, _ = beside(path)
    return log.exists() and log.stat().st_size > 0


def _connection(path: Path, still: bool) -> sqlite3.Connection:
    """Without a log beside it the file is opened as ever, so that SQLite takes away what it puts there."""
    if has_log(path):
        return _opened(path, "mode=ro")
    return _opened(path, "mode=ro&immutable=1" if still else "mode=rw")


def _opened(path: Path, how: str) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True, timeout=_PATIENCE)
    connection.text_factory = lambda raw: raw.decode(errors="replace")
    return connection

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
def reading(path: Path) -> Iterator[Ask]:
    """Ask a SQLite file that must be there. Nothing is written to it; a log that others left stays as it is.

    Raises sqlite3.Error, also where the asking does.
    """
    with closing(_connection(path)) as connection:
        connection.execute("PRAGMA query_only = 1")

        def ask(query: str) -> list[dict[str, Any]]:
            cursor = connection.execute(query)
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor]

        yield ask


def _connection(path: Path) -> sqlite3.Connection:
    """Without a log beside it the file is opened as ever, so that SQLite takes away what it puts there; where
    the directory takes no files, as one that nobody changes."""
    if any(file.exists() for file in beside(path)):
        return _opened(path, "mode=ro")
    try:
        connection = _opened(path, "mode=rw")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:
        return _opened(path, "mode=ro&immutable=1")
    return connection


def _opened(path: Path, how: str) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True, timeout=_PATIENCE)
    connection.text_factory = lambda raw: raw.decode(errors="replace")
    return connection

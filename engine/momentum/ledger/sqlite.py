"""A ledger in a SQLite file: its pragmas, its marks, its backups, and what its errors mean."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import peewee

from momentum.ledger.database import BUSY_SECONDS, Database, free_backup, unwritable

_APPLICATION_ID = 0x4D4D544D
"""Marks a SQLite file as a ledger of momentum."""
_PRAGMAS = {"synchronous": "full", "foreign_keys": 1}
"""FULL, because an order must not be sent before its intent would survive a loss of power."""
_PAUSE = 0.02
"""Seconds between two attempts."""


def write_ahead(database: peewee.SqliteDatabase, patience: float) -> None:
    """Turn on the write-ahead log of a SQLite file, where it is not on.

    SQLite does not wait for others while it changes this, as it does elsewhere; so the waiting is ours, for
    `patience` seconds at most. Raises peewee's OperationalError.
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            if database.pragma("journal_mode") != "wal":
                database.pragma("journal_mode", "wal")
        except peewee.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE)
        else:
            return


class SqliteDatabase(Database):
    """One ledger file."""

    kind = "SQLite database"
    _errors = (peewee.DatabaseError, peewee.InterfaceError, sqlite3.Error)

    def __init__(self, path: Path, *, busy_seconds: float = BUSY_SECONDS) -> None:
        self.path = path
        self._sqlite = peewee.SqliteDatabase(
            str(path), pragmas=_PRAGMAS, timeout=busy_seconds, lock_type="IMMEDIATE"
        )
        super().__init__(str(path), self._sqlite, busy_seconds)

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        with self.told():
            self._sqlite.begin("DEFERRED")
        try:
            yield
        finally:
            with self.told():
                self._db.rollback()

    def table_names(self) -> tuple[str, ...]:
        with self.told():
            return tuple(name for name in self._db.get_tables() if not name.startswith("sqlite_"))

    @property
    def schema_version(self) -> int | None:
        with self.told():
            if self._sqlite.pragma("application_id") == _APPLICATION_ID:
                return int(self._sqlite.pragma("user_version"))
            return None if self.table_names() else 0

    def set_schema_version(self, version: int) -> None:
        with self.told():
            self._sqlite.pragma("application_id", _APPLICATION_ID)
            self._sqlite.pragma("user_version", version)

    def use_write_ahead_log(self) -> None:
        """Let readers read while another process writes; the file remembers it."""
        with self.told():
            write_ahead(self._sqlite, self._busy_seconds)

    def backup(self, label: str) -> Path:
        """Copy the file to a free name in `backups/` beside it."""
        target = free_backup(self.path.parent / "backups", f"{self.path.stem}.{label}")
        partial = target.with_suffix(".partial")
        try:
            partial.unlink(missing_ok=True)
            with self.told(), closing(sqlite3.connect(partial)) as copy:
                self._sqlite.connection().backup(copy)  # type: ignore[no-untyped-call]
            partial.replace(target)
        except OSError as error:
            raise unwritable(target.parent, error) from error
        return target

    def _meaning(self, error: Exception) -> str:
        lowered = str(error).lower()
        for part, meaning in _MEANINGS.items():
            if part in lowered:
                return meaning.format(seconds=f"{self._busy_seconds:g}", directory=self.path.parent)
        return f"the ledger failed: {error}"


_MEANINGS = {
    "not a database": "is not a SQLite database; move it away, or set `ledger:` to another file",
    "malformed": "is damaged; move it away and put the newest copy from {directory}/backups in its place",
    "locked": "another process has been writing for over {seconds} s; try again when it has ended",
    "readonly": "cannot be written; make the file and the directory {directory} writable",
    "unable to open": "cannot be opened; see that {directory} is a directory you may write in",
    "permission denied": "cannot be written; make the file and the directory {directory} writable",
    "is full": "the disk is full; make room in {directory} and try again",
    "disk i/o": "the disk failed while reading or writing; check it, then the copies in {directory}/backups",
}

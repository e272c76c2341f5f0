"""A ledger in a SQLite file: its pragmas, its marks, its backups, and what its errors mean."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import peewee

from momentum.errors import LedgerError
from momentum.ledger.database import BUSY_SECONDS, Database, free_backup, unwritable
from momentum.ledger.upkeep.backups import APPLICATION_ID, newest_whole, way_back

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

    def lock_directory(self, workspace: Path) -> Path:
        return self.path.parent

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
            if self._sqlite.pragma("application_id") == APPLICATION_ID:
                return int(self._sqlite.pragma("user_version"))
            return None if self.table_names() else 0

    def set_schema_version(self, version: int) -> None:
        with self.told():
            self._sqlite.pragma("application_id", APPLICATION_ID)
            self._sqlite.pragma("user_version", version)

    def use_write_ahead_log(self) -> None:
        """Let readers read while another process writes; the file remembers it."""
        with self.told():
            write_ahead(self._sqlite, self._busy_seconds)

    def check_pages(self) -> None:
        """Read every page; 50 ms for 100 MB. Raises LedgerError where one is damaged.

        SQLite itself notices only when it comes across one: in the middle of trading, or never.
        """
        with self.told():
            if self._sqlite.pragma("quick_check", 1) != "ok":
                raise LedgerError(f"{self.name}: is damaged; {way_back(self.path)}")

    def continue_ids(self, tables: tuple[type[peewee.Model], ...]) -> None:
        """Nothing is to be done: an id is one more than the highest."""

    def backup(self, label: str) -> Path:
        """Copy the file to a free name in `backups/` beside it."""
        target = free_backup(self.path.parent / "backups", f"{self.path.stem}.{label}")
        self.copy_to(target)
        return target

    def copy_to(self, target: Path) -> None:
        """Copy the file, consistent while others write; what is there is replaced, by all or nothing.

        Raises LedgerError.
        """
        partial = target.with_name(f"{target.name}.partial")
        try:
            partial.unlink(missing_ok=True)
            try:
                with self.told(), closing(sqlite3.connect(partial)) as copy:
                    self._sqlite.connection().backup(copy)  # type: ignore[no-untyped-call]
                partial.replace(target)
            finally:
                partial.unlink(missing_ok=True)
        except OSError as error:
            raise unwritable(target.parent, error) from error
        except LedgerError as error:
            if _is_about_room(error.__cause__):
                reason = f"a backup cannot be written there: {error.__cause__}; make room there"
                raise LedgerError(f"{target.parent}: {reason} (no copy was made)") from error
            raise

    def _meaning(self, error: Exception) -> str:
        lowered = first_cause(error).lower()
        if "not a database" in lowered and newest_whole(self.path) is None:
            return "is not a SQLite database; move it away, or set `ledger:` to another file"
        if any(part in lowered for part in _DAMAGED):
            return f"is damaged; {way_back(self.path)}"
        for part, meaning in _MEANINGS.items():
            if part in lowered:
                return meaning.format(seconds=f"{self._busy_seconds:g}", directory=self.path.parent)
        return f"the ledger failed: {first_cause(error)}"


def first_cause(error: BaseException) -> str:
    """The text of a SQLite error, or of the one before it where this one only says that nothing is left to undo."""
    while "cannot rollback" in str(error) and error.__context__ is not None:
        error = error.__context__
    return str(error)


_DAMAGED = ("not a database", "malformed", "disk image")
_MEANINGS = {
    "locked": "another process has been writing for over {seconds} s; try again when it has ended",
    "readonly": "cannot be written; make the file and the directory {directory} writable",
    "unable to open": "cannot be opened; see that {directory} is a directory you may write in",
    "permission denied": "cannot be written; make the file and the directory {directory} writable",
    "is full": "the disk is full; make room in {directory} and try again",
    "disk i/o": "the disk is full or fails; make room in {directory}, then see `momentum db verify`",
    "could not decode": "holds text that cannot be read; `momentum db verify` names it",
}


def _is_about_room(error: BaseException | None) -> bool:
    """Whether the place of a copy is at fault, and not what is copied."""
    return any(part in str(error).lower() for part in ("is full", "disk i/o", "unable to open", "readonly"))

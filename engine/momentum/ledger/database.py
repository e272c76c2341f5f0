"""The database under the ledger: its address, its connection, and what its errors mean to a person.

All that only SQLite knows stands here: pragmas, the schema version, backups.
"""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import chain, count
from pathlib import Path
from typing import Any, Protocol

import peewee

from momentum.errors import LedgerError

_APPLICATION_ID = 0x4D4D544D
"""Marks a SQLite file as a ledger of momentum."""
_BUSY_SECONDS = 15.0
_PRAGMAS = {"synchronous": "full", "foreign_keys": 1}
"""FULL, because an order must not be sent before its intent would survive a loss of power."""

_SCHEMES = "sqlite:///path/to/ledger.db"


class Statement(Protocol):
    """A peewee query that was not bound to a database."""

    def execute(self, database: Any) -> Any: ...


def ledger_path(url: str) -> Path:
    """The file that a ledger's URL names; it is always absolute, `sqlite:///srv/ledger.db` too.

    Raises LedgerError for any other kind of URL.
    """
    scheme, mark, rest = url.partition(":///")
    if scheme in ("postgresql", "postgres") or url.startswith(("postgresql:", "postgres:")):
        raise LedgerError(f"{scheme}: ledgers on PostgreSQL are not supported; write ledger: {_SCHEMES}")
    if scheme != "sqlite" or not mark or not rest.strip("/") or ":memory:" in rest:
        raise LedgerError(f"{url!r} is not the address of a ledger; write ledger: {_SCHEMES}")
    return Path("/") / rest.lstrip("/")


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


class Database:
    """One ledger file. Each thread gets a connection of its own, opened when it is first used."""

    def __init__(self, path: Path, *, busy_seconds: float = _BUSY_SECONDS) -> None:
        self.path = path
        self._busy_seconds = busy_seconds
        self._sqlite = peewee.SqliteDatabase(
            str(path), pragmas=_PRAGMAS, timeout=busy_seconds, lock_type="IMMEDIATE"
        )

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; the outermost one takes the write lock at its start and commits at its end."""
        atomic = self._sqlite.atomic()
        with self.told():
            atomic.__enter__()
        try:
            yield
        except BaseException:
            with self.told():
                atomic.__exit__(*sys.exc_info())
            raise
        with self.told():
            atomic.__exit__(None, None, None)

    @property
    def in_transaction(self) -> bool:
        """True inside a transaction of this thread."""
        return self._sqlite.transaction_depth() > 0

    def run(self, statement: Statement) -> Any:
        """Carry out an insert (the answer is its row id), an update or a delete (how many rows)."""
        with self.told():
            return statement.execute(self._sqlite)

    def rows(self, query: peewee.ModelSelect[Any]) -> list[dict[str, Any]]:
        """The rows of a query, by column."""
        with self.told():
            return list(query.dicts().execute(self._sqlite))

    def first(self, query: peewee.ModelSelect[Any]) -> dict[str, Any] | None:
        """The first row of a query, or None."""
        rows = self.rows(query.limit(1))
        return rows[0] if rows else None

    def create(self, tables: tuple[type[peewee.Model], ...]) -> None:
        """Create tables with their indexes."""
        with self.told():
            for table in tables:
                peewee.SchemaManager(table, database=self._sqlite).create_all(safe=False)

    def table_names(self) -> tuple[str, ...]:
        """The tables that the file holds, sorted; none for a new file."""
        with self.told():
            return tuple(name for name in self._sqlite.get_tables() if not name.startswith("sqlite_"))

    @property
    def schema_version(self) -> int | None:
        """The version of the tables; 0 for a new file, None for a database that is not a ledger."""
        with self.told():
            if self._sqlite.pragma("application_id") == _APPLICATION_ID:
                return int(self._sqlite.pragma("user_version"))
            return None if self.table_names() else 0

    def set_schema_version(self, version: int) -> None:
        """Mark the file as a ledger of that version; belongs to the transaction that made it so."""
        with self.told():
            self._sqlite.pragma("application_id", _APPLICATION_ID)
            self._sqlite.pragma("user_version", version)

    def use_write_ahead_log(self) -> None:
        """Let readers read while another process writes; the file remembers it."""
        with self.told():
            write_ahead(self._sqlite, self._busy_seconds)

    def backup(self, label: str) -> Path:
        """Copy the whole ledger, consistent while others write, to a free name in `backups/` beside it.

        Returns the copy, `backups/ledger.LABEL.db` or with a number. Raises LedgerError.
        """
        folder = self.path.parent / "backups"
        try:
            folder.mkdir(exist_ok=True)
            target = _free_name(folder, f"{self.path.stem}.{label}")
            partial = target.with_suffix(".partial")
            partial.unlink(missing_ok=True)
            with self.told(), closing(sqlite3.connect(partial)) as copy:
                self._sqlite.connection().backup(copy)  # type: ignore[no-untyped-call]
            partial.replace(target)
        except OSError as error:
            raise LedgerError(f"{folder}: a backup cannot be written there: {error.strerror}") from error
        return target

    def close(self) -> None:
        """Close this thread's connection."""
        with self.told():
            self._sqlite.close()

    @contextmanager
    def told(self) -> Iterator[None]:
        """Turn the database's errors into a LedgerError of one line that says what to do."""
        try:
            yield
        except (peewee.DatabaseError, peewee.InterfaceError, sqlite3.Error) as error:
            raise LedgerError(f"{self.path}: {self._meaning(str(error))}") from error

    def _meaning(self, text: str) -> str:
        lowered = text.lower()
        for part, meaning in _MEANINGS.items():
            if part in lowered:
                return meaning.format(seconds=f"{self._busy_seconds:g}", directory=self.path.parent)
        return f"the ledger failed: {text}"


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


def _free_name(folder: Path, stem: str) -> Path:
    suffixes = chain([""], (f".{number}" for number in count(2)))
    names = (folder / f"{stem}{suffix}.db" for suffix in suffixes)
    return next(name for name in names if not name.exists())

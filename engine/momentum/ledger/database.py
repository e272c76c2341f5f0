"""The database under the ledger: what all kinds of it have in common."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from itertools import chain, count
from pathlib import Path
from typing import Any, ClassVar, Protocol

import peewee

from momentum.errors import LedgerError

BUSY_SECONDS = 15.0
"""How long a writer waits for another one."""


class Statement(Protocol):
    """A peewee query that was not bound to a database."""

    def execute(self, database: Any) -> Any: ...


class Database(ABC):
    """A database that holds a ledger. Each thread gets a connection of its own, opened when it is first used."""

    kind: ClassVar[str]
    """What a person calls it: `SQLite database`."""
    _errors: ClassVar[tuple[type[Exception], ...]] = (peewee.DatabaseError, peewee.InterfaceError)

    def __init__(self, name: str, peewee_database: peewee.Database, busy_seconds: float) -> None:
        self.name = name
        """The database as every message names it; never with a password."""
        self._db = peewee_database
        self._busy_seconds = busy_seconds

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; the outermost one takes the write lock at its start and commits at its end."""
        atomic = self._db.atomic()
        with self.told():
            atomic.__enter__()
        try:
            yield
        except BaseException:
            # Where it cannot be undone either, the first error is the one to tell: nothing was committed.
            with suppress(LedgerError), self.told():
                atomic.__exit__(*sys.exc_info())
            raise
        with self.told():
            atomic.__exit__(None, None, None)

    @abstractmethod
    def snapshot(self) -> AbstractContextManager[None]:
        """A transaction that only reads, and sees one moment of the database throughout."""

    @property
    def in_transaction(self) -> bool:
        """True inside a transaction of this thread."""
        return bool(self._db.transaction_depth() > 0)

    def run(self, statement: Statement) -> Any:
        """Carry out an insert (the answer is its row id), an update or a delete (how many rows)."""
        with self.told():
            return statement.execute(self._db)

    def rows(self, query: peewee.ModelSelect[Any]) -> list[dict[str, Any]]:
        """The rows of a query, by column. Raises LedgerError, also for a value that is none of its column's kind."""
        with self.told():
            try:
                return list(query.dicts().execute(self._db))
            except (ValueError, TypeError, OverflowError) as error:
                raise LedgerError(
                    f"{self.name}: holds a value that cannot be read ({error}); `momentum db verify` names it"
                ) from error

    def first(self, query: peewee.ModelSelect[Any]) -> dict[str, Any] | None:
        """The first row of a query, or None."""
        rows = self.rows(query.limit(1))
        return rows[0] if rows else None

    def create(self, tables: tuple[type[peewee.Model], ...]) -> None:
        """Create tables with their indexes."""
        with self.told():
            for table in tables:
                peewee.SchemaManager(table, database=self._db).create_all(safe=False)

    @abstractmethod
    def table_names(self) -> tuple[str, ...]:
        """The tables that it holds, sorted; none for a new one."""

    @property
    @abstractmethod
    def schema_version(self) -> int | None:
        """The version of the tables; 0 for a new database, None for one that is not a ledger."""

    @abstractmethod
    def set_schema_version(self, version: int) -> None:
        """Mark it as a ledger of that version; belongs to the transaction that made it so."""

    @abstractmethod
    def backup(self, label: str) -> Path:
        """Copy the whole ledger, consistent while others write, into a SQLite file of a free name.

        Returns the copy, `ledger.LABEL.db` or with a number, in the directory of backups. Raises LedgerError.
        """

    @abstractmethod
    def continue_ids(self, tables: tuple[type[peewee.Model], ...]) -> None:
        """Let the next row of each table get an id above all that were given with their ids."""

    def hold(self, account: str, wait: float | None) -> AbstractContextManager[None]:
        """Hold an account alone among all that share this database, as far as other machines may share it.

        `wait` is how many seconds to wait, None for ever. Raises LockHeldError.
        """
        return nullcontext()

    def lock_directory(self, workspace: Path) -> Path:
        """Where the files stand that lock accounts of this ledger."""
        return workspace / "data"

    def close(self) -> None:
        """Close this thread's connection."""
        with self.told():
            self._db.close()

    @contextmanager
    def told(self) -> Iterator[None]:
        """Turn the database's errors into a LedgerError of one line that says what to do."""
        try:
            yield
        except self._errors as error:
            raise LedgerError(f"{self.name}: {self._meaning(error)}") from error

    @abstractmethod
    def _meaning(self, error: Exception) -> str:
        """What an error of the database means to a person, in one line."""


def free_backup(folder: Path, stem: str) -> Path:
    """A name in the directory of backups, which is made, that no file has: `STEM.db`, or with a number.

    Raises LedgerError.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from error
    suffixes = chain([""], (f".{number}" for number in count(2)))
    names = (folder / f"{stem}{suffix}.db" for suffix in suffixes)
    return next(name for name in names if not name.exists())


def unwritable(folder: Path, error: OSError) -> LedgerError:
    """The error of a directory of backups that takes none."""
    return LedgerError(f"{folder}: a backup cannot be written there: {error.strerror}")

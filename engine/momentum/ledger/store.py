"""The ledger: the memory that explains every step."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from momentum.errors import LedgerError
from momentum.ledger import tables as t
from momentum.ledger.address import is_postgres, ledger_path, postgres_address
from momentum.ledger.database import Database
from momentum.ledger.events import Events
from momentum.ledger.fills import Fills
from momentum.ledger.lock import account_lock
from momentum.ledger.migrations import Migrated, migrate
from momentum.ledger.postgres import PostgresDatabase, require_driver
from momentum.ledger.queries import Past
from momentum.ledger.scans import Scans
from momentum.ledger.sqlite import SqliteDatabase
from momentum.ledger.standing import Standing
from momentum.ledger.tried import Tried
from momentum.settings.secrets import environment


class Ledger(Scans, Fills, Events, Standing, Past, Tried):
    """An open ledger; `open_ledger` makes one. Every method is all or nothing and raises LedgerError.

    It may be used from several threads, each of which has its own connection and transactions.
    """

    def __init__(self, database: Database, migrated: Migrated | None = None) -> None:
        super().__init__(database)
        self.migrated = migrated
        """What opening it did to bring it to the newest version; None where nothing was to be done."""

    @property
    def name(self) -> str:
        """The database, as messages name it: a file, or an address without its password."""
        return self._db.name

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """What is written inside becomes visible and durable together, or not at all.

        The write lock is held to the end, so ask nobody anything inside. Nested ones join the outermost; an
        exception undoes what was written since the innermost one began.
        """
        with self._db.transaction():
            yield

    @contextmanager
    def locked(self, workspace: Path, account: str, *, wait: float | None = 0) -> Iterator[None]:
        """Hold an account alone: what writes orders for it does so inside.

        The lock is a file beside the ledger (see `lock.py`), so that workspaces which share one exclude each
        other; for a server, which other machines may share, it is one of the workspace, and the database holds
        it too. `wait` is how many seconds to wait for another holder, None for ever. Raises
        LockHeldError, saying who holds it.
        """
        begun = time.monotonic()
        with account_lock(self._db.lock_directory(workspace), account, wait=wait):
            left = None if wait is None else max(0.0, wait - (time.monotonic() - begun))
            with self._db.hold(account, left):
                yield

    def backup(self) -> Path:
        """Copy the ledger into the directory of backups while it stays in use; returns the copy, a SQLite file."""
        return self._db.backup("copy")

    def forget_account(self, account: str) -> int:
        """Delete all that belongs to an account, and return how many rows that were."""
        deleted: int = 0
        with self._db.transaction():
            told = t.Event.select(t.Event.event_id).where(t.Event.account == account)
            deleted += self._db.run(t.Outbox.delete().where(t.Outbox.event.in_(told)))
            for table in reversed(t.TABLES):
                if "account" in table._meta.fields:
                    owned = table._meta.fields["account"] == account
                    deleted += self._db.run(table.delete().where(owned))
        return deleted

    def close(self) -> None:
        """Close this thread's connection."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_ledger(url: str, workspace: Path | None = None) -> Ledger:
    """Open the ledger that a URL names (see `address.py`), made where there is none yet, or migrated.

    A ledger on a server keeps its backups in `data/backups/` of the workspace, and may take its password from
    PGPASSWORD in the workspace's `.env`. Raises LedgerError, one line, where it cannot be opened: no such
    directory, not writable, damaged, no ledger, a server that does not answer, or a newer version than this
    program knows.
    """
    database = open_database(url, workspace)
    try:
        migrated = migrate(database)
    except LedgerError:
        database.close()
        raise
    return Ledger(database, migrated)


def open_database(url: str, workspace: Path | None = None) -> Database:
    """Open the database that a URL names, as it is: neither made a ledger nor migrated. Raises LedgerError."""
    return _postgres(url, workspace) if is_postgres(url) else _sqlite(url)


def _postgres(url: str, workspace: Path | None) -> Database:
    address = postgres_address(url)
    require_driver()
    if workspace is None:
        return PostgresDatabase(address)
    password = environment(workspace).get("PGPASSWORD")
    return PostgresDatabase(address, backups=workspace / "data" / "backups", password=password)


def _sqlite(url: str) -> Database:
    path = ledger_path(url)
    if not path.parent.is_dir():
        raise LedgerError(f"{path}: the directory {path.parent} does not exist; make it, or set `ledger:`")
    if path.is_dir():
        raise LedgerError(
            f"{path}: is a directory; set `ledger:` to a file, such as sqlite:///data/ledger.db"
        )
    database = SqliteDatabase(path)
    try:
        database.use_write_ahead_log()
        database.check_pages()
    except LedgerError:
        database.close()
        raise
    return database

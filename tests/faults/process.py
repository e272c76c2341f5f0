"""One process of the program, which may die: its broker and its ledger answer nobody after that."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from faults.script import Trouble
from momentum.errors import LedgerError
from momentum.execution.points import Point
from momentum.ledger.store import Ledger

_BUSY_MS = 10


class Crash(BaseException):
    """The process is dead. No `except Exception` catches it, and whatever a `finally` tries raises it again."""


class Process:
    """What a command runs in. It says where it is, and dies, or is interrupted, where its trouble says so.

    `really` kills the process that this runs in, for good.
    """

    def __init__(self, trouble: Trouble | None, tell: Callable[[str], None], *, really: bool = False) -> None:
        self.trouble = trouble
        self.is_dead = False
        self.reached: list[Point] = []
        self._tell = tell
        self._really = really

    def alive(self) -> None:
        """Raises Crash in a dead process."""
        if self.is_dead:
            raise Crash

    def die(self) -> None:
        """Die here."""
        self.is_dead = True
        self._tell("    -- the process dies --")
        if self._really:
            os.kill(os.getpid(), signal.SIGKILL)
        raise Crash

    def reach(self, point: Point) -> None:
        """Stands in for `momentum.execution.points.reach`."""
        self.alive()
        self.reached.append(point)
        self._tell(f"    . {point}")
        trouble = self.trouble
        if trouble is None or trouble.point != point or self.reached.count(point) != trouble.count:
            return
        if trouble.kind in ("crash", "kill"):
            self.die()
        if trouble.kind == "interrupt":
            self._tell("    -- Ctrl-C --")
            raise KeyboardInterrupt


class MortalBroker:
    """A broker as a process has it: it answers the living only, and tells what it was asked to write."""

    def __init__(
        self,
        broker: Any,
        process: Process,
        write: Callable[[str, Any, Callable[[], Any]], Any],
        looked: Callable[[], None],
    ) -> None:
        self._broker = broker
        self._process = process
        self._write = write
        self._looked = looked
        self.account_id = broker.account_id

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._broker, name)

        def ask(*arguments: Any, **keywords: Any) -> Any:
            self._process.alive()
            if name in ("submit", "replace", "cancel"):
                return self._write(name, arguments, lambda: method(*arguments, **keywords))
            answer = method(*arguments, **keywords)
            if name == "holdings":
                self._looked()
            return answer

        return ask

    def reset(self) -> None:
        """The account is ours, so that it takes orders of any moment."""
        raise AssertionError("nobody asked for that")


class MortalDatabase:
    """A ledger's database as a process has it: dead with it, and now and then locked, full or read-only."""

    def __init__(self, database: Any, path: Path, process: Process) -> None:
        self._database = database
        self._path = path
        self._process = process
        self._statements = 0
        self._locker: sqlite3.Connection | None = None
        self._troubled = False

    def __getattr__(self, name: str) -> Any:
        self._process.alive()
        return getattr(self._database, name)

    def run(self, statement: Any) -> Any:
        self._count()
        if self._troubled and self._process.trouble is not None and self._process.trouble.kind == "full":
            with self._database.told():  # as every write ends that the log on a full disk does not take
                raise sqlite3.OperationalError("database or disk is full")
        return self._database.run(statement)

    def rows(self, query: Any) -> Any:
        self._process.alive()
        return self._database.rows(query)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._count()
        with self._database.transaction():
            yield
            self._process.alive()

    def free(self) -> None:
        """Let go of the file, whatever became of the process."""
        self._set(False)
        self._database.close()

    def _count(self) -> None:
        self._process.alive()
        trouble = self._process.trouble
        self._statements += 1
        if trouble is None:
            return
        if trouble.kind == "crash in the ledger" and self._statements == trouble.count:
            self._process.die()
        if trouble.kind in ("locked", "full", "read-only"):
            self._set(trouble.count <= self._statements < trouble.count + trouble.lasts)

    def _set(self, troubled: bool) -> None:
        if troubled == self._troubled or (troubled and self._database.in_transaction):
            return
        self._troubled = troubled
        kind = self._process.trouble.kind if self._process.trouble else ""
        connection = self._database._db.connection()
        if kind == "locked":
            self._lock(troubled)
            connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
        if kind == "read-only":
            connection.execute(f"PRAGMA query_only = {int(troubled)}")
        if kind == "full":
            pages = connection.execute("PRAGMA page_count").fetchone()[0] if troubled else 1 << 30
            connection.execute(f"PRAGMA max_page_count = {pages}")

    def _lock(self, troubled: bool) -> None:
        if self._locker is not None:
            self._locker.close()
            self._locker = None
        if troubled:
            self._locker = sqlite3.connect(self._path, isolation_level=None, timeout=1)
            self._locker.execute("BEGIN IMMEDIATE")


def mortal(ledger: Ledger, path: Path, process: Process) -> MortalDatabase:
    """Put a ledger into a process; returns its database, to be freed at the end."""
    database = MortalDatabase(ledger._db, path, process)
    ledger._db = database  # type: ignore[assignment]
    return database


__all__ = ["Crash", "LedgerError", "MortalBroker", "MortalDatabase", "Process", "mortal"]

"""Putting a backup in the place of a ledger, whatever state that one is in.

At no moment is there no ledger, or half of one: the backup is copied beside it first, the ledger as it was is
kept, and only then a rename puts the one in the place of the other.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from momentum.durable import sync_directory
from momentum.errors import LedgerError, LockHeldError, UsageError
from momentum.ledger.database import Database, free_backup
from momentum.ledger.migrations import NEWEST, migrate
from momentum.ledger.sqlite import SqliteDatabase
from momentum.ledger.upkeep.backups import BEFORE_RESTORE, backups, folder
from momentum.ledger.upkeep.copying import copy_into
from momentum.ledger.upkeep.readonly import beside, copy, reading
from momentum.ledger.upkeep.verify import Kind, Verdict, verify_file

LATEST = "latest"
_IN_USE = "the ledger is in use by another command; try again when it has ended (nothing was changed)"


@dataclass(frozen=True, slots=True)
class Contents:
    """What a ledger holds, for a person who shall put it in the place of another."""

    kind: Kind
    version: int | None
    scans: int
    trades: int
    open_trades: int


def chosen(ledger: Path, wanted: str) -> tuple[Path, Verdict]:
    """The backup that a person means, checked: a path, a name in `backups/`, or `latest`, the newest that is
    whole.

    Raises UsageError where there is none such, and LedgerError where it is damaged or no ledger that this
    program knows.
    """
    if wanted == LATEST:
        return _latest(ledger)
    near = (Path(wanted), ledger.parent / wanted, folder(ledger) / wanted)
    path = next((place for place in near if place.is_file()), None)
    if path is None:
        there = ", ".join(one.name for one in backups(ledger)) or "none"
        raise UsageError(f"no backup {wanted!r}; in {folder(ledger)} there are: {there}")
    verdict = verify_file(path, NEWEST, still=True)
    if not _can_be_restored(verdict):
        why = verdict.findings[0].text if verdict.findings else "is empty"
        raise LedgerError(f"{path}: {why}; it is not restored (nothing was changed)")
    return path, verdict


def _latest(ledger: Path) -> tuple[Path, Verdict]:
    found = backups(ledger)
    for path in found:
        verdict = verify_file(path, NEWEST, still=True)
        if _can_be_restored(verdict):
            return path, verdict
    what = f"none of the {len(found)} backups there is whole" if found else "there is no backup"
    raise UsageError(f"{folder(ledger)}: {what}; `momentum db restore FILE` takes one from elsewhere")


def _can_be_restored(verdict: Verdict) -> bool:
    return verdict.kind in ("ledger", "source") and (verdict.version or 0) <= NEWEST


def contents(path: Path, verdict: Verdict) -> Contents:
    """Count what a checked file holds. Raises LedgerError."""
    try:
        with reading(path, still=True) as ask:
            scans = _count(ask, "scans") if verdict.kind == "ledger" else 0
            opened = _count(ask, "trades WHERE status = 'open'") if verdict.kind == "ledger" else 0
            return Contents(verdict.kind, verdict.version, scans, _count(ask, "trades"), opened)
    except sqlite3.Error as error:
        raise LedgerError(f"{path}: cannot be read: {error}") from error


def _count(ask: Any, what: str) -> int:
    return int(ask(f"SELECT COUNT(*) AS number FROM {what}")[0]["number"])


def restore_file(ledger: Path, backup: Path) -> Path | None:
    """Let the SQLite ledger hold what a checked backup holds; returns where it is kept as it was, if there was one.

    The backup stays as it is. Raises LockHeldError where another command has the ledger open, and LedgerError;
    then nothing was changed.
    """
    staged = ledger.with_name(f".{ledger.name}.restoring")
    try:
        _copy(backup, staged)
        kept = _keep(ledger) if ledger.exists() else None
        if kept is not None:
            shutil.copymode(ledger, staged)
        for file in beside(ledger):
            file.unlink(missing_ok=True)  # a log of the old file would be written over the new one
        staged.replace(ledger)
        sync_directory(ledger.parent)
    except OSError as error:
        raise _unchanged(ledger.parent, error) from error
    finally:
        with suppress(OSError):
            staged.unlink(missing_ok=True)
    return kept


def restore_database(database: Database, backup: Path, beside_it: Path) -> Path:
    """Let a ledger on a server hold what a checked backup holds, in one transaction; returns the file that
    keeps it as it was. `beside_it` is the directory of backups.

    Raises LockHeldError where an account of it is being traded from anywhere, and LedgerError.
    """
    migrate(database)
    with ExitStack() as held:
        for account in _accounts(database):
            held.enter_context(database.hold(account, 0))
        kept = database.backup(BEFORE_RESTORE)
        staged = beside_it / f".{backup.name}.restoring"
        try:
            _copy(backup, staged)
            source = SqliteDatabase(staged)
            try:
                migrate(source)
                copy_into(source, database)
            finally:
                source.close()
        finally:
            with suppress(OSError):
                staged.unlink(missing_ok=True)
    return kept


def _accounts(database: Database) -> list[str]:
    from momentum.ledger.tables import OrderIntent, Scan, Trade

    found = {
        row["account"]
        for table in (Scan, Trade, OrderIntent)
        for row in database.rows(table.select(table.account).distinct())
    }
    return sorted(found)


def _keep(ledger: Path) -> Path:
    """Copy the ledger away as it is. One that is damaged goes with its log, untouched; any other one is taken
    out of use first, so that nobody writes into what is replaced."""
    target = free_backup(folder(ledger), f"{ledger.stem}.{BEFORE_RESTORE}")
    damaged = verify_file(ledger, NEWEST).damaged
    if not damaged:
        _take_out_of_use(ledger)
    files = [(ledger, target)]
    if damaged:
        files += [pair for pair in zip(beside(ledger), beside(target), strict=True) if pair[0].exists()]
    done: list[Path] = []
    try:
        for source, kept in files:
            done.append(kept)
            shutil.copy2(source, kept)
    except OSError as error:
        for kept in done:
            kept.unlink(missing_ok=True)
        raise _unchanged(target.parent, error) from error
    return target


def _take_out_of_use(ledger: Path) -> None:
    """Write the log into the file and take it away, which SQLite does only where nobody else has it open."""
    try:
        with closing(sqlite3.connect(ledger, timeout=1.0)) as connection:
            connection.execute("PRAGMA journal_mode = delete").fetchone()
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise LockHeldError(f"{ledger}: {_IN_USE}") from None
        raise LedgerError(f"{ledger}: cannot be taken out of use: {error}") from error


def _copy(backup: Path, target: Path) -> None:
    """Copy a checked database to the disk. Raises LedgerError."""
    try:
        target.unlink(missing_ok=True)
        copy(backup, target)
    except sqlite3.Error as error:
        raise LedgerError(
            f"{target}: the backup cannot be copied there: {error} (nothing was changed)"
        ) from error
    except OSError as error:
        raise _unchanged(target.parent, error) from error


def _unchanged(directory: Path, error: OSError) -> LedgerError:
    return LedgerError(f"{directory}: cannot be written: {error.strerror} (the ledger was not changed)")

"""The copies of a ledger in `backups/` beside it, and the way back to the newest that is whole."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from momentum.ledger.upkeep.readonly import reading
from momentum.market.calendar import shown

APPLICATION_ID = 0x4D4D544D
"""Marks a SQLite file as a ledger of momentum."""
BEFORE_RESTORE = "before-restore"
"""The label of a ledger that was replaced by a backup; it is no backup to go back to, unless by its name."""


def folder(ledger: Path) -> Path:
    """Where the copies of a ledger are."""
    return ledger.parent / "backups"


def backups(ledger: Path) -> tuple[Path, ...]:
    """The ledger's copies, newest first; those replaced by a restore are not among them."""
    replaced = f"{ledger.stem}.{BEFORE_RESTORE}."
    found = [path for path in folder(ledger).glob("*.db") if path.name.startswith(f"{ledger.stem}.")]
    kept = [path for path in found if path.is_file() and not path.name.startswith(replaced)]
    return tuple(sorted(kept, key=lambda path: (path.stat().st_mtime_ns, path.name), reverse=True))


def newest_whole(ledger: Path) -> Path | None:
    """The newest of the backups that are not damaged."""
    return next((path for path in backups(ledger) if is_whole(path)), None)


def is_whole(path: Path) -> bool:
    """Whether a file is a SQLite database with tables, of which every page can be read."""
    try:
        with reading(path, still=True) as ask:
            tables = ask("SELECT name FROM sqlite_master WHERE type = 'table'")
            return bool(tables) and ask("PRAGMA integrity_check(1)") == [{"integrity_check": "ok"}]
    except (sqlite3.Error, OSError):
        return False


def made_at(path: Path) -> datetime:
    """When a backup was made."""
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def way_back(ledger: Path) -> str:
    """What to do about a ledger that is damaged: the command, with the backup that it puts back, or what else."""
    newest = newest_whole(ledger)
    if newest is None:
        return (
            f"there is no whole backup in {folder(ledger)}: move the file away and the next command begins a new "
            "ledger, which takes its positions from the broker"
        )
    return f"`momentum db restore` puts back the copy of {shown(made_at(newest))} ({short(newest, ledger)})"


def short(backup: Path, ledger: Path) -> str:
    """A backup's path as seen from the ledger's directory, where it lies below it."""
    return str(backup.relative_to(ledger.parent)) if backup.is_relative_to(ledger.parent) else str(backup)

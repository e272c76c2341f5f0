"""How a ledger gets to the newest version of its tables.

A new file is made from `tables.py` at once. A file of an older version is copied into `backups/` beside it, then
led through the steps that it lacks, each in a transaction of its own. A file of a newer version is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from momentum.errors import LedgerError
from momentum.ledger.database import Database
from momentum.ledger.tables import TABLES


@dataclass(frozen=True, slots=True)
class Step:
    """What leads a ledger from the version before to `version`."""

    version: int
    what: str
    apply: Callable[[Database], None]


def _create_all(database: Database) -> None:
    database.create(TABLES)


STEPS: tuple[Step, ...] = (Step(1, "every table", _create_all),)
"""In order. The first makes the tables as they are now; a later one changes those of an older ledger."""


def migrate(database: Database, steps: tuple[Step, ...] = STEPS) -> Path | None:
    """Bring a ledger to the newest version, and return the backup that was made before, if any.

    Raises LedgerError for a database that is newer, or no ledger of momentum.
    """
    newest = steps[-1].version
    version = _known_version(database, newest)
    if version == newest:
        return None
    if version == 0:
        with database.transaction():
            # Another process may have made the tables while this one waited for the lock.
            if _known_version(database, newest) == 0:
                steps[0].apply(database)
                database.set_schema_version(newest)
        return None
    backup = database.backup(f"v{version}")
    for step in steps:
        with database.transaction():
            if _known_version(database, newest) < step.version:
                step.apply(database)
                database.set_schema_version(step.version)
    return backup


def _known_version(database: Database, newest: int) -> int:
    version = database.schema_version
    if version is None:
        raise LedgerError(
            f"{database.name}: is a {database.kind}, but not a ledger of momentum; set `ledger:` to another"
        )
    if version > newest:
        raise LedgerError(
            f"{database.name}: is a ledger of version {version}, and this momentum knows versions up to {newest}; "
            "install the newer momentum, or set `ledger:` to another"
        )
    return version

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
from momentum.ledger.source.system import Imported, import_source, is_source
from momentum.ledger.sqlite import SqliteDatabase
from momentum.ledger.tables import TABLES, BacktestRun


@dataclass(frozen=True, slots=True)
class Step:
    """What leads a ledger from the version before to `version`."""

    version: int
    what: str
    apply: Callable[[Database], None]


def _create_all(database: Database) -> None:
    database.create(TABLES)


def _remember_backtests(database: Database) -> None:
    database.create((BacktestRun,))


STEPS: tuple[Step, ...] = (
    Step(1, "every table", _create_all),
    Step(2, "which variants were tried in backtests", _remember_backtests),
)
"""In order. The first makes the tables as they are now; a later one changes those of an older ledger."""


NEWEST = STEPS[-1].version
"""The version that this program makes, and the newest that it knows."""


@dataclass(frozen=True, slots=True)
class Migrated:
    """How a ledger came to its version: from `before`, which is 0 for a new one and None for a database of the
    source system, of which `imported` tells. `backup` is the ledger as it was, None for a new one."""

    before: int | None
    after: int
    backup: Path | None = None
    imported: Imported | None = None

    @property
    def is_new(self) -> bool:
        """True for a ledger that was begun, where there was none."""
        return self.before == 0

    def __str__(self) -> str:
        if self.imported is not None:
            return str(self.imported)
        if self.is_new:
            return f"a new ledger of version {self.after}"
        return f"migrated from version {self.before} to {self.after}; as it was: {self.backup}"


def migrate(database: Database, steps: tuple[Step, ...] = STEPS) -> Migrated | None:
    """Bring a ledger to the newest version, and say what was done; None where nothing was to be done.

    Raises LedgerError for a database that is newer, or no ledger of momentum.
    """
    newest = steps[-1].version
    if isinstance(database, SqliteDatabase) and is_source(database):
        imported = import_source(database, newest)
        return Migrated(None, newest, imported.backup, imported) if imported is not None else None
    version = _known_version(database, newest)
    if version == newest:
        return None
    if version == 0:
        return Migrated(0, newest) if _make(database, steps) else None
    backup = database.backup(f"v{version}")
    for step in steps:
        with database.transaction():
            if _known_version(database, newest) < step.version:
                step.apply(database)
                database.set_schema_version(step.version)
    return Migrated(version, newest, backup)


def _make(database: Database, steps: tuple[Step, ...]) -> bool:
    """Make the tables of a new ledger; False where another process made them while this one waited."""
    newest = steps[-1].version
    with database.transaction():
        if _known_version(database, newest) != 0:
            return False
        steps[0].apply(database)
        database.set_schema_version(newest)
    return True


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

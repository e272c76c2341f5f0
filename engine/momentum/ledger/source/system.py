"""A database as the system before this one made it: recognised, and turned into a ledger.

All in one transaction: the old tables are read and dropped, ours are made, and the rows come back in them with
what they have. Whoever dies in the middle leaves the old database as it was. Other tables are left alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from momentum.ledger import tables as t
from momentum.ledger.source.rows import Brought, bring
from momentum.ledger.source.shapes import SHAPES, looks_like_trades
from momentum.ledger.sqlite import SqliteDatabase
from momentum.ledger.trades import IMPORTED

_ROWS_AT_ONCE = 200
_SHOWN = {
    "trades": ("trade", "trades"),
    "poor_signals": ("poor signal", "poor signals"),
    "watchlist": ("watchlist entry", "watchlist entries"),
    "position_checks": ("position check", "position checks"),
    "market_snapshots": ("market snapshot", "market snapshots"),
    "candidate_snapshots": ("candidate", "candidates"),
    "daily_performance": ("day of performance", "days of performance"),
}


@dataclass(frozen=True, slots=True)
class Sql:
    """A statement in SQLite's own words; carried out, it answers its rows."""

    text: str
    values: tuple[object, ...] = ()

    def execute(self, database: Any) -> list[tuple[Any, ...]]:
        """Every row that the statement gives; none for one that asks nothing."""
        return list(database.execute_sql(self.text, self.values).fetchall())


@dataclass(frozen=True, slots=True)
class Imported:
    """What was brought over: rows by table, and by table and reason those that could not be used. They are in
    the backup, as is the whole database as it was. `moved` are tables of other use that had one of our names."""

    rows: Mapping[str, int]
    unused: Mapping[str, Mapping[str, int]]
    joined: int
    moved: Mapping[str, str]
    backup: Path

    def __str__(self) -> str:
        brought = ", ".join(_counted(name, number) for name, number in self.rows.items())
        parts = [f"migrated the source system's database: {brought}"]
        if self.joined:
            entries = "entry" if self.joined == 1 else "entries"
            parts.append(f"{self.joined} further {entries} of a position joined into one trade")
        if self.unused:
            parts.append("not usable, and only in the backup: " + ", ".join(self._left()))
        parts += [f"its table {old} is now {new}" for old, new in self.moved.items()]
        return "; ".join([*parts, f"as it was: {self.backup}"])

    def _left(self) -> list[str]:
        return [
            f"{_counted(name, number)} ({why})"
            for name, reasons in self.unused.items()
            for why, number in reasons.items()
        ]


def _counted(table: str, number: int) -> str:
    return f"{number} {_SHOWN[table][number != 1]}"


def is_source(database: SqliteDatabase) -> bool:
    """Whether the database is one of the source system: its `trades` hold round trips, and it has no other
    program's mark."""
    if database.schema_version is not None or _value(database, "PRAGMA application_id") != 0:
        return False
    return looks_like_trades(_columns(database, _old_tables(database).get("trades", "")))


def import_source(database: SqliteDatabase, version: int) -> Imported | None:
    """Turn the source system's database into a ledger of that version, after a backup beside it.

    None where another process has done so meanwhile. Raises LedgerError, and nothing is changed.
    """
    backup = database.backup("source")
    # A table that is left alone may refer to one that is dropped and made anew. The switch works only outside
    # a transaction, which checks nothing while it is off; `verify` checks what refers to what.
    database.run(Sql("PRAGMA foreign_keys = 0"))
    try:
        with database.transaction():
            if not is_source(database):
                return None
            brought, moved = _replace(database)
            done = _summary(brought, moved, backup)
            _remember(database, done)
            database.set_schema_version(version)
    finally:
        database.run(Sql("PRAGMA foreign_keys = 1"))
    return done


def _replace(database: SqliteDatabase) -> tuple[Brought, dict[str, str]]:
    old = _old_tables(database)
    brought = bring({name: _rows(database, actual) for name, actual in old.items()})
    moved = _move_aside(database)  # first: SQLite renames no table while a view misses one
    for name in reversed(SHAPES):
        if name in old:
            database.run(Sql(f"DROP TABLE {_quoted(old[name])}"))
    database.create(t.TABLES)
    for table in t.TABLES:
        rows = brought.rows.get(table._meta.table_name, [])
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            database.run(table.insert_many(rows[start : start + _ROWS_AT_ONCE]))
    return brought, moved


def _move_aside(database: SqliteDatabase) -> dict[str, str]:
    """Give tables and views of other use that have one of our names another one."""
    ours = {table._meta.table_name for table in t.TABLES}.difference(SHAPES)
    taken = {
        name.lower(): (kind, name)
        for kind, name in database.run(
            Sql("SELECT type, name FROM sqlite_master WHERE type IN ('table', 'view')")
        )
    }
    moved: dict[str, str] = {}
    for lowered in sorted(ours & taken.keys()):
        kind, name = taken[lowered]
        new = f"source_{name}"
        while new.lower() in taken:
            new += "_"
        if kind == "view":
            database.run(Sql(f"DROP VIEW {_quoted(name)}"))
        else:
            database.run(Sql(f"ALTER TABLE {_quoted(name)} RENAME TO {_quoted(new)}"))
            moved[name] = new
    return moved


def _summary(brought: Brought, moved: dict[str, str], backup: Path) -> Imported:
    rows = {name: len(brought.rows[name]) for name in SHAPES}
    there = {name: number for name, number in rows.items() if number or name == "trades"}
    unused = {name: dict(reasons) for name, reasons in brought.unused.items()}
    return Imported(there, unused, brought.joined, moved, backup)


def _remember(database: SqliteDatabase, done: Imported) -> None:
    """Write into the ledger itself what was brought over, should nobody live to tell it."""
    event = {
        "event_id": "source-system",
        "account": IMPORTED,
        "kind": "ledger.imported",
        "severity": "info",
        "at": datetime.now(UTC),
        "title": "the source system's database became this ledger",
        "text": str(done),
        "data": {"rows": done.rows, "unused": done.unused, "joined": done.joined, "moved": done.moved},
    }
    database.run(t.Event.insert(event))


def _old_tables(database: SqliteDatabase) -> dict[str, str]:
    """The source system's tables that are there, by the names that they should have."""
    return {name.lower(): name for name in database.table_names() if name.lower() in SHAPES}


def _columns(database: SqliteDatabase, table: str) -> tuple[str, ...]:
    return tuple(row[1] for row in database.run(Sql(f"PRAGMA table_info({_quoted(table)})")))


def _rows(database: SqliteDatabase, table: str) -> list[dict[str, Any]]:
    names = [name.lower() for name in _columns(database, table)]
    found = database.run(Sql(f"SELECT * FROM {_quoted(table)}"))
    return [dict(zip(names, row, strict=True)) for row in found]


def _value(database: SqliteDatabase, query: str) -> Any:
    return database.run(Sql(query))[0][0]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'

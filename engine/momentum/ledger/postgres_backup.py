"""A ledger on PostgreSQL as a SQLite file: a backup that can be read, and restored, anywhere.

The tables are taken as the server has them, and not as this program knows them: a backup is made before a
migration too, when they are older.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from momentum.errors import LedgerError
from momentum.ledger.database import free_backup, unwritable
from momentum.ledger.sqlite import SqliteDatabase

if TYPE_CHECKING:
    from momentum.ledger.postgres import PostgresDatabase

_BATCH = 200
_TYPES = {
    "bigint": "INTEGER", "text": "TEXT", "double precision": "REAL", "boolean": "INTEGER", "bytea": "BLOB",
}  # fmt: skip
_COLUMNS = """
    SELECT column_name, data_type, is_nullable = 'NO' FROM information_schema.columns
    WHERE table_schema = current_schema() AND table_name = %s ORDER BY ordinal_position
"""
_REFERENCES = """
    SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'f' AND conrelid = %s::regclass ORDER BY conname
"""
_INDEXES = """
    SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE NOT indisprimary AND indrelid = %s::regclass
    ORDER BY indexrelid
"""


def write_backup(source: PostgresDatabase, folder: Path, label: str) -> Path:
    """Copy the whole ledger, as of one moment, to `ledger.LABEL.db` in the folder, or to a free name like it.

    Raises LedgerError.
    """
    target = free_backup(folder, f"ledger.{label}")
    partial = target.with_suffix(".partial")
    try:
        partial.unlink(missing_ok=True)
        with source.snapshot():
            version = source.schema_version
            with closing(sqlite3.connect(partial)) as copy, copy:
                for table in source.table_names():
                    _copy(source, table, copy)
        marked = SqliteDatabase(partial)
        marked.set_schema_version(version or 0)
        marked.close()
        partial.replace(target)
    except sqlite3.Error as error:
        raise LedgerError(f"{partial}: the backup cannot be written: {error}") from error
    except OSError as error:
        raise unwritable(folder, error) from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
    return target


def _copy(source: PostgresDatabase, table: str, copy: sqlite3.Connection) -> None:
    columns = source.ask(_COLUMNS, table)
    lines = [_column(*column) for column in columns]
    lines += [definition for (definition,) in source.ask(_REFERENCES, table)]
    copy.execute(f'CREATE TABLE "{table}" ({", ".join(lines)})')
    names = [name for name, *_ in columns]
    marks = ", ".join("?" * len(names))
    for batch in _batches(source, table, names):
        copy.executemany(f'INSERT INTO "{table}" VALUES ({marks})', batch)
    for (definition,) in source.ask(_INDEXES, table):
        copy.execute(_index(definition))


def _batches(source: PostgresDatabase, table: str, names: list[str]) -> Iterator[list[tuple[Any, ...]]]:
    columns = ", ".join(f'"{name}"' for name in names)
    place, last = names.index("id"), -1
    sql = f'SELECT {columns} FROM "{table}" WHERE id > %s ORDER BY id LIMIT {_BATCH}'
    while batch := source.ask(sql, last):
        yield batch
        last = batch[-1][place]


def _column(name: str, type: str, required: bool) -> str:
    needed = " NOT NULL" if required else ""
    return f'"{name}" {_TYPES[type]}{needed}{" PRIMARY KEY" if name == "id" else ""}'


def _index(definition: str) -> str:
    """An index in SQLite's words: without the schema, the method and the types that PostgreSQL adds."""
    plain = re.sub(r" ON (?:\S+\.)?(\S+) USING btree ", r" ON \1 ", definition)
    return re.sub(r'::\w+| COLLATE "C"', "", plain)

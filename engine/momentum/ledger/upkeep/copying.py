"""Moving a whole ledger from one database to another, whatever kind each is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from momentum.ledger.database import Database
from momentum.ledger.fields import Table
from momentum.ledger.tables import TABLES

_BATCH = 100


def copy_into(source: Database, target: Database) -> int:
    """Let `target` hold what `source` holds, and nothing else; returns the number of rows.

    Both are ledgers of the newest version. Row ids stay what they are. It is all or nothing, and `source` is
    read as of one moment. Raises LedgerError.
    """
    copied = 0
    with source.snapshot(), target.transaction():
        for table in reversed(TABLES):
            target.run(table.delete())
        for table in TABLES:
            for batch in _batches(source, table):
                target.run(table.insert_many(batch))
                copied += len(batch)
        target.continue_ids(TABLES)
    return copied


def _batches(source: Database, table: type[Table]) -> Iterator[list[dict[str, Any]]]:
    last = -1
    while batch := source.rows(table.select().where(table.id > last).order_by(table.id).limit(_BATCH)):
        yield batch
        last = batch[-1]["id"]

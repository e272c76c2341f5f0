"""What every part of the ledger has in common."""

from __future__ import annotations

from momentum.ledger.database import Database


class Book:
    """A part of the ledger: methods on one subject, over the one database."""

    def __init__(self, database: Database) -> None:
        self._db = database

"""What went badly, to learn from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from momentum.ledger import tables as t
from momentum.ledger.book import Book


class Past(Book):
    """The part of the ledger that is read to learn from."""

    def poor_signals(self, account: str, since: date | None = None) -> tuple[Mapping[str, object], ...]:
        """The account's trades that a reversal closed, on `since` or later: rows by column, oldest first."""
        query = t.PoorSignal.select().where(t.PoorSignal.account == account)
        if since is not None:
            query = query.where(t.PoorSignal.exit_date >= since)
        return tuple(self._db.rows(query.order_by(t.PoorSignal.exit_date, t.PoorSignal.id)))

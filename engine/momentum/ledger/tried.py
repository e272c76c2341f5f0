"""Which variants of strategies were tried on the past, so that the best of many is not taken for skill."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from momentum.ledger import tables as t
from momentum.ledger.book import Book
from momentum.ledger.rows import TriedVariant

_COLUMNS = (
    t.BacktestRun.strategy,
    t.BacktestRun.variant,
    t.BacktestRun.data,
    t.BacktestRun.first_session,
    t.BacktestRun.last_session,
    t.BacktestRun.sharpe,
)


class Tried(Book):
    """The part of the ledger that remembers backtests."""

    def remember_backtest(self, tried: TriedVariant, at: datetime) -> None:
        """Remember a backtest; the same variant over the same span of the same bars is remembered once, as it came
        out last."""
        run = t.BacktestRun
        same = (
            (run.variant == tried.variant)
            & (run.data == tried.data)
            & (run.first_session == tried.first_session)
            & (run.last_session == tried.last_session)
        )
        with self._db.transaction():
            self._db.run(run.delete().where(same))
            self._db.run(run.insert(asdict(tried) | {"at": at}))

    def backtests_on(self, data: str) -> tuple[TriedVariant, ...]:
        """Every backtest over those bars, by their digest, the oldest first."""
        run = t.BacktestRun
        query = run.select(*_COLUMNS).where(run.data == data).order_by(run.id)
        return tuple(TriedVariant(**row) for row in self._db.rows(query))

"""What a backtest found: the account at each session's close, every trade, and what was known at each order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from momentum.ledger.rows import Intent, Trade


@dataclass(frozen=True, slots=True)
class Day:
    """The account at a session's close, in dollars. `benchmark` is the value of `benchmark_name` then, in its own
    units; None where it is not known."""

    day: date
    equity: float
    cash: float
    invested: float
    positions: int
    benchmark: float | None


@dataclass(frozen=True, slots=True)
class Result:
    """One strategy on one market.

    `trades` stand in order of entry, those still open at the end too; `max_gain` and `max_drawdown` of each are
    the largest move for and against it while it was held, as fractions of the entry price (MFE and MAE).
    `orders` are all orders by client id, with what was known when each was decided; `sectors` the sector of
    each traded symbol. `notes` are what a person should know of this result.
    """

    strategy: str
    description: str
    days: tuple[Day, ...]
    trades: tuple[Trade, ...]
    orders: Mapping[str, Intent]
    sectors: Mapping[str, str]
    benchmark_name: str
    settings: Mapping[str, object]
    data: str
    data_hash: str
    notes: tuple[str, ...] = ()

    @property
    def closed(self) -> tuple[Trade, ...]:
        """The trades that were closed, by exit session, then entry session, then symbol."""
        ended = (trade for trade in self.trades if trade.status == "closed" and trade.exit_date is not None)
        return tuple(sorted(ended, key=_ended))


def _ended(trade: Trade) -> tuple[date, date, str]:
    assert trade.exit_date is not None
    return trade.exit_date, trade.entry_date, trade.symbol

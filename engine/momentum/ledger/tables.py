"""The ledger's tables, as they are at the newest schema version.

Names follow the system that this one replaces where it had such a table. A column that ends in `_pct` holds a
percent (12.5 is 12.5 %); every other rate is a fraction. Prices and money are dollars. A row that belongs to an
account carries its name. What is NULL is unknown.

A change to a table needs a step in `migrations.py` that makes the same change to a ledger that exists.
"""

from __future__ import annotations

from momentum.ledger.fields import Table
from momentum.ledger.tables_running import (
    Alarm,
    BacktestRun,
    Event,
    JobRun,
    Outbox,
    Override,
    OverrideChange,
)
from momentum.ledger.tables_scans import CandidateSnapshot, Decision, MarketSnapshot, Refusal, Scan
from momentum.ledger.tables_trading import (
    CLOSED,
    OPEN,
    DailyPerformance,
    Fill,
    OrderIntent,
    PoorSignal,
    PositionCheck,
    Trade,
    Watch,
)

__all__ = [
    "CLOSED",
    "OPEN",
    "TABLES",
    "Alarm",
    "BacktestRun",
    "CandidateSnapshot",
    "DailyPerformance",
    "Decision",
    "Event",
    "Fill",
    "JobRun",
    "MarketSnapshot",
    "OrderIntent",
    "Outbox",
    "Override",
    "OverrideChange",
    "PoorSignal",
    "PositionCheck",
    "Refusal",
    "Scan",
    "Trade",
    "Watch",
]

TABLES: tuple[type[Table], ...] = (
    Scan,
    Decision,
    Refusal,
    MarketSnapshot,
    CandidateSnapshot,
    OrderIntent,
    Trade,
    Fill,
    PoorSignal,
    Watch,
    PositionCheck,
    DailyPerformance,
    Override,
    OverrideChange,
    JobRun,
    Event,
    Outbox,
    Alarm,
    BacktestRun,
)
"""All tables, each after those that it refers to."""

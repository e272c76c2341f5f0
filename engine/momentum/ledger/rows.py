"""What the ledger gives back: rows as frozen dataclasses, in the engine's own units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from momentum.model.decision import ScanInfo
from momentum.model.events import Event
from momentum.model.orders import OrderRequest

ScanStatus = Literal["running", "finished", "failed"]

INTENDED = "intended"
"""An order that was written down and of which nothing else is known: it may or may not have been sent."""
REFUSED = "refused"
LOST = "lost"
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ScanSummary:
    """One scan, as a list of scans shows it."""

    info: ScanInfo
    account: str
    status: ScanStatus
    started_at: datetime


@dataclass(frozen=True, slots=True)
class ScanRecord:
    """One scan, whole. `document` is its JSON; `frame` a parquet blob with a row for every symbol of the
    universe, empty while the scan is running."""

    info: ScanInfo
    account: str
    status: ScanStatus
    started_at: datetime
    document: Mapping[str, object]
    frame: bytes


@dataclass(frozen=True, slots=True)
class Intent:
    """An order as it was meant, and what became of it.

    `status` is `intended`, `refused`, `lost` (it never
    reached the broker), `unknown` (no answer that can be trusted) or the broker's order state.
    `fill_price` is the average; `error` the broker's text, or why the outcome is not known.
    """

    request: OrderRequest
    account: str
    strategy: str | None
    scan_id: str | None
    reason: str
    context: Mapping[str, object]
    intended_at: datetime | None
    status: str
    order_id: str | None = None
    updated_at: datetime | None = None
    filled_qty: int = 0
    fill_price: float | None = None
    error_kind: str | None = None
    error: str | None = None

    @property
    def client_id(self) -> str:
        """The client order id, unique for ever."""
        return self.request.client_id


@dataclass(frozen=True, slots=True)
class Trade:
    """One position from its first buy to its last share sold; prices are averages over the fills.

    `pnl` is what the sold shares earned in dollars after all commissions so far, None before the first sale.
    `pnl_pct` is the same rate of price as a percent, None while open. `at_entry` holds what was known at the
    first buy (`spy_trend`, `rsi`, ...), None where it was not.
    """

    id: int
    account: str
    strategy: str | None
    scan_id: str | None
    symbol: str
    cap: str | None
    status: Literal["open", "closed"]
    opened_at: datetime
    entry_date: date
    entry_price: float
    entry_quantity: int
    entry_reason: str
    closed_at: datetime | None
    exit_date: date | None
    exit_price: float | None
    exit_quantity: int
    exit_reason: str | None
    commission: float
    pnl: float | None
    pnl_pct: float | None
    composite_score: float | None
    entry_signals: object
    peak: float | None
    max_gain: float | None
    max_drawdown: float | None
    at_entry: Mapping[str, object]

    @property
    def quantity(self) -> int:
        """Shares still held."""
        return self.entry_quantity - self.exit_quantity


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that must be mended. `symbol` is empty where it is about the whole account."""

    account: str
    kind: str
    symbol: str
    text: str
    raised_at: datetime


@dataclass(frozen=True, slots=True)
class Override:
    """A setting changed while running."""

    key: str
    value: object
    who: str
    at: datetime


@dataclass(frozen=True, slots=True)
class OverrideChange:
    """One change of an override; None where there was, or is, no override."""

    key: str
    old: object
    new: object
    who: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event that a notifier has not yet told. `error` is what went wrong at the last of `attempts`."""

    event: Event
    notifier: str
    attempts: int = 0
    error: str | None = None


@dataclass(frozen=True, slots=True)
class TriedVariant:
    """A backtest of one variant of a strategy: digests of its settings and of the bars, the first and the last
    session, and the annual Sharpe ratio, None where it is not defined."""

    strategy: str
    variant: str
    data: str
    first_session: date
    last_session: date
    sharpe: float | None

"""The protocols through which the world reaches the engine: clock, market data, broker, desk and history.

A plugin implements one by having its methods; nothing needs to be inherited.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from momentum.model.decision import Execution, PlannedOrder
from momentum.model.market import LeftOut, Quote, Sessions
from momentum.model.orders import Fill, Order, OrderRequest, Outcome, Side
from momentum.model.portfolio import Account, Holding, Portfolio

if TYPE_CHECKING:
    import polars as pl

Timeframe = Literal["day", "minute"]
Progress = Callable[[str, int, int], None]
"""Told how far long work has come: what is done, how many parts are ready, of how many."""


class Clock(Protocol):
    """What time it is. Live, simulated and fixed clocks look alike."""

    def now(self) -> datetime:
        """The moment, aware, in UTC."""


class Prices(Protocol):
    """The last known prices."""

    def quotes(self, symbols: Sequence[str], at: datetime) -> Mapping[str, Quote]:
        """The last price of each symbol known at `at`; a symbol without one is absent."""


class MarketData(Prices, Protocol):
    """Bars and prices. Nothing it returns may be younger than the moment `at` that it is asked for.

    Frames are sorted by symbol, then time; prices are dollars, volume shares, all Float64. A symbol
    without data is absent. Raises `DataError` where the source cannot be read.
    """

    source: str
    """Which market this is, stable over time; a paper account belongs to it. E.g. `sample`, `files:bars`."""
    title: str
    """How it is shown to a person, on one line."""
    synthetic: bool
    """True where no real market stands behind it; this is said wherever its figures are shown."""
    timeframe: Timeframe
    """The finest bars it has."""
    resolution: timedelta
    """How long its finest bars last; a day for daily ones."""

    def symbols(self) -> tuple[str, ...]:
        """Every symbol that the source holds, sorted."""

    def sessions(self) -> Sessions:
        """The sessions that the data covers, in order."""

    def daily(self, symbols: Sequence[str] | None, at: datetime, sessions: int) -> pl.DataFrame:
        """Daily bars of the last `sessions` sessions up to `at`: symbol, ts (Date), open, high, low, close, volume.

        `symbols` None means all. Where a session is open at `at` and the source has finer bars, its last
        row is that session so far; with daily bars only, a session is known from its close on.
        """

    def bars(self, symbols: Sequence[str], after: datetime, until: datetime) -> pl.DataFrame:
        """The finest bars that end later than `after`, up to and with `until`, for matching orders.

        Columns: symbol, ts (start, UTC), ends (UTC), open, high, low, close, volume; regular hours only.
        """

    def vix(self, at: datetime) -> float | None:
        """The VIX known at `at`, in index points, where the source has it."""

    def notes(self) -> tuple[str, ...]:
        """What a person should know of this data: rows left out, symbols missing."""


@runtime_checkable
class Tabular(Protocol):
    """Market data that can be handed out whole, to be written elsewhere or looked through for defects."""

    def frame(self) -> pl.DataFrame:
        """Every usable bar: symbol, date (daily) or ts (UTC, start of the bar), open, high, low, close, volume."""

    def left_out(self) -> Sequence[LeftOut]:
        """The rows of the source that are not in the frame, one entry for each reason."""


class Broker(Protocol):
    """An account at a broker. Every write ends as Confirmed, Refused or Unknown; a write never raises for
    what a broker answers. Reads raise `BrokerError` where the broker does not answer.
    """

    account_id: str
    """Stable name of the account; the ledger's rows carry it."""
    knows_at_once: bool
    """True where an order that the broker does not know never reached it, and never will: as of an account in the
    same machine. Across a network an order may be on its way."""

    def moment(self) -> datetime | None:
        """The last moment that the account has lived through; None for an account not yet used."""

    def advance(self, until: datetime) -> tuple[Fill, ...]:
        """Bring the account to the moment `until` and return the fills on the way; a remote broker only reads.

        Raises `UsageError` where the account is already past that moment.
        """

    def is_open(self) -> bool:
        """True where market orders can fill at the account's moment."""

    def account(self) -> Account:
        """Equity, cash and buying power."""

    def holdings(self) -> tuple[Holding, ...]:
        """All positions, in symbol order."""

    def orders(self, *, open_only: bool = True) -> tuple[Order, ...]:
        """All open orders, or all orders whatever, oldest first."""

    def find(self, client_id: str) -> Order | None:
        """The order with that client order id, or None where the broker does not know it."""

    def expected_fill(self, side: Side, price: float) -> float:
        """What a market order is expected to fill at a share, where the last price is `price`; for sizing."""

    def submit(self, request: OrderRequest) -> Outcome:
        """Send an order."""

    def cancel(self, order_id: str) -> Outcome:
        """Ask for an order to be cancelled; Confirmed means accepted, not done."""

    def replace(self, order_id: str, client_id: str, qty: int) -> Outcome:
        """Change an open order's quantity; the new order keeps the stop level and takes the new client id."""

    def fills(self, after: datetime | None) -> tuple[Fill, ...]:
        """All fills later than `after` (all, where None), oldest first."""


@runtime_checkable
class StartsAnew(Protocol):
    """A broker whose account is ours to throw away, as a paper account is."""

    def reset(self) -> None:
        """Forget the account; its next use begins with its cash of the settings."""


@runtime_checkable
class Delists(Protocol):
    """A broker whose account lives on recorded bars, where a symbol may end."""

    def delist(self, symbol: str, price: float, client_id: str) -> None:
        """Close the position in a symbol that has ended at that price, under that client id, at no cost."""


class Desk(Protocol):
    """What an executor may do: carry out the orders of the Plan, each checked again at that moment."""

    def portfolio(self) -> Portfolio:
        """The account as it is now."""

    def close(self, order: PlannedOrder) -> Execution:
        """Sell a position of the Plan; its stop is cancelled first, and restored where the sale fails."""

    def buy(self, order: PlannedOrder) -> Execution:
        """Buy what the Plan approved, or less, or nothing, as the limits allow at this moment."""


class History(Protocol):
    """The ledger as a learner sees it: read-only, and never younger than the moment it learns at."""

    def trades(self, since: date | None = None) -> Sequence[Mapping[str, object]]:
        """Trades, open and closed, as rows of the ledger, oldest first."""

    def poor_signals(self, since: date | None = None) -> Sequence[Mapping[str, object]]:
        """Trades that a reversal closed, with their entry and exit signals, oldest first."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """What a data or broker plugin is given when it is opened.

    `sections` are the checked settings of the plugins; `environment` holds the process's environment with
    the workspace's `.env` under it; `data` is the market-data plugin's answer, None while it is itself asked.
    """

    directory: Path
    mode: Literal["paper", "live"]
    sections: Mapping[str, Mapping[str, object]]
    environment: Mapping[str, str]
    clock: Clock
    symbols: tuple[str, ...] | None = None
    """The symbols of the universe, or None where the universe is whatever the data holds."""
    data: MarketData | None = None
    progress: Progress | None = None
    """Where a data plugin tells how far it is with a long opening; None where nobody watches."""

    def section(self, plugin: str) -> Mapping[str, object]:
        """The settings that stand under the plugin's own name; empty where there are none."""
        return self.sections.get(plugin, {})


class Engine(Protocol):
    """What a service plugin is given: the running engine."""

    workspace: Workspace

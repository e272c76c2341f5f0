"""What the account holds at a moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

from momentum.model.market import UNCLASSIFIED, Cap
from momentum.model.orders import Order


@dataclass(frozen=True, slots=True)
class Account:
    """The broker's own figures. `equity` is cash plus the market value of all positions, in dollars."""

    id: str
    equity: float
    cash: float
    buying_power: float
    blocked: bool = False


@dataclass(frozen=True, slots=True)
class Holding:
    """A position as the broker has it. `available` are the shares that no open sell order holds."""

    symbol: str
    qty: int
    entry_price: float
    price: float
    available: int


@dataclass(frozen=True, slots=True)
class Position:
    """A held position with what the ledger knows of it.

    `entry_price` is the average fill; `peak` the highest price since entry; `opened` the session of the
    first fill; `stop_qty` and `stop_price` describe the open stops over it (0 and None where there is none).
    """

    symbol: str
    qty: int
    entry_price: float
    price: float
    cap: Cap = UNCLASSIFIED
    sector: str = ""
    opened: date | None = None
    peak: float | None = None
    days: int = 0
    stop_qty: int = 0
    stop_price: float | None = None

    @property
    def value(self) -> float:
        """Market value in dollars."""
        return self.qty * self.price

    @property
    def pnl(self) -> float:
        """Unrealised profit or loss in dollars."""
        return self.qty * (self.price - self.entry_price)

    @property
    def pnl_fraction(self) -> float:
        """Unrealised profit or loss as a fraction of the entry price."""
        return self.price / self.entry_price - 1 if self.entry_price else 0.0

    @property
    def is_naked(self) -> bool:
        """True where some share has no stop over it."""
        return self.stop_qty < self.qty


@dataclass(frozen=True, slots=True)
class Portfolio:
    """The account at the moment `at`; positions are in symbol order."""

    at: datetime
    equity: float
    cash: float
    positions: tuple[Position, ...] = ()
    open_orders: tuple[Order, ...] = field(default=())

    def position(self, symbol: str) -> Position | None:
        """The position in `symbol`, or None."""
        return next((position for position in self.positions if position.symbol == symbol), None)

    @property
    def pending_buys(self) -> tuple[Order, ...]:
        """Open buy orders: they count as exposure and take a slot."""
        return tuple(order for order in self.open_orders if order.side == "buy")

    @property
    def exposure(self) -> float:
        """The market value of all positions as a fraction of equity."""
        return sum(position.value for position in self.positions) / self.equity if self.equity > 0 else 0.0

"""Orders, fills and the outcomes of asking a broker for something."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

Side = Literal["buy", "sell"]
OrderType = Literal["market", "limit", "stop", "trailing_stop"]


class OrderState(StrEnum):
    """The states of an order, named as Alpaca names them; `unknown` is ours for a state not listed here."""

    PENDING_NEW = "pending_new"
    ACCEPTED = "accepted"
    NEW = "new"
    PARTIALLY_FILLED = "partially_filled"
    HELD = "held"
    PENDING_CANCEL = "pending_cancel"
    PENDING_REPLACE = "pending_replace"
    DONE_FOR_DAY = "done_for_day"
    STOPPED = "stopped"
    SUSPENDED = "suspended"
    CALCULATED = "calculated"
    PENDING_REVIEW = "pending_review"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    REPLACED = "replaced"
    UNKNOWN = "unknown"

    @property
    def is_open(self) -> bool:
        """True while the order may still fill and still holds shares or buying power."""
        return self not in _TERMINAL


_TERMINAL = frozenset(
    {OrderState.FILLED, OrderState.CANCELED, OrderState.EXPIRED, OrderState.REJECTED, OrderState.REPLACED}
)


class RefusalKind(StrEnum):
    """Why a broker definitively refused: nothing happened, and asking the same again will not help."""

    INSUFFICIENT_SHARES = "insufficient_shares"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    DUPLICATE_ID = "duplicate_id"
    NOT_TRADABLE = "not_tradable"
    MARKET_CLOSED = "market_closed"
    NO_PRICE = "no_price"
    WASH_TRADE = "wash_trade"
    DAY_TRADE_RULE = "day_trade_rule"
    SUB_PENNY = "sub_penny"
    NOT_FOUND = "not_found"
    NOT_CANCELABLE = "not_cancelable"
    INVALID = "invalid"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """What is asked of a broker. `trail` is a fraction of the price; `client_id` is unique for ever.

    `hwm` is where a trailing stop's peak starts; a broker that cannot be told starts from its last price, as
    it does where this is None. `time_in_force`: `day` ends with the session, `gtc` stays until it fills or
    is cancelled.
    """

    client_id: str
    symbol: str
    side: Side
    type: OrderType
    qty: int
    limit_price: float | None = None
    stop_price: float | None = None
    trail: float | None = None
    hwm: float | None = None
    time_in_force: Literal["day", "gtc"] = "day"


@dataclass(frozen=True, slots=True)
class Order:
    """An order as the broker has it. `hwm` is the highest price a trailing stop has seen.

    `fill_price` is the average over what was filled; `reason` is the broker's text on a rejection.
    """

    id: str
    client_id: str
    symbol: str
    side: Side
    type: OrderType
    qty: int
    state: OrderState
    submitted_at: datetime
    updated_at: datetime
    filled_qty: int = 0
    fill_price: float | None = None
    limit_price: float | None = None
    stop_price: float | None = None
    trail: float | None = None
    hwm: float | None = None
    time_in_force: Literal["day", "gtc"] = "day"
    reason: str = ""

    @property
    def remaining(self) -> int:
        """Shares that may still fill; they are held while a sell order is open."""
        return self.qty - self.filled_qty if self.state.is_open else 0

    @property
    def is_stop(self) -> bool:
        """True for a sell order that protects a position."""
        return self.side == "sell" and self.type in ("stop", "trailing_stop")


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution. `id` is the broker's and unique, so that a fill told twice is recorded once."""

    id: str
    order_id: str
    client_id: str
    symbol: str
    side: Side
    qty: int
    price: float
    at: datetime
    commission: float = 0.0


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The broker has the request; `order` is its state at that moment."""

    order: Order


@dataclass(frozen=True, slots=True)
class Refused:
    """The broker definitively refused; nothing happened."""

    kind: RefusalKind
    message: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """No answer, or none that can be trusted: the order may or may not exist. Look it up, never guess."""

    message: str


Outcome = Confirmed | Refused | Unknown

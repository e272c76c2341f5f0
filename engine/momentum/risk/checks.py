"""The rules that an order must pass, one function each: None where it passes, else the refusal.

The gate asks them when a plan is made, the desk asks the same ones again before each order.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from momentum.model.decision import Refusal
from momentum.model.market import Cap, Value
from momentum.model.orders import Side
from momentum.model.strategy import Limits
from momentum.risk.book import Book, MarketState, gives_way
from momentum.risk.limits import buys_left, max_buys_of, positions_left, price_age
from momentum.units import format_duration


@dataclass(frozen=True, slots=True)
class Case:
    """One order before the rules. `price` is the one it is sized by, in dollars.

    `max_buys` is what the scan asks for, `skip_buys` true where it is to buy nothing.
    """

    symbol: str
    side: Side
    cap: Cap
    price: float
    book: Book
    market: MarketState
    limits: Limits
    max_buys: int = 0
    skip_buys: bool = False

    def refuse(self, rule: str, limit: Value, value: Value, text: str) -> Refusal:
        """A refusal of this order; a number that JSON cannot hold becomes a text."""
        if isinstance(value, float) and not math.isfinite(value):
            value = f"{value:g}"
        return Refusal(self.symbol, self.side, rule, limit, value, text)


_MINUTES = timedelta(minutes=2)
_DAYS = timedelta(days=2)

Check = Callable[[Case], Refusal | None]


def first_broken(case: Case, checks: Sequence[Check]) -> Refusal | None:
    """The refusal of the first rule that does not let the order through."""
    return next((refusal for check in checks if (refusal := check(case)) is not None), None)


def not_ignored(case: Case) -> Refusal | None:
    """Nothing is bought of what the settings leave to somebody else."""
    if case.symbol not in case.limits.ignored:
        return None
    return case.refuse(
        "limits.ignore", "not ignored", case.symbol, "limits.ignore leaves it to somebody else"
    )


def market_open(case: Case) -> Refusal | None:
    """Orders need an open market."""
    return None if case.market.is_open else case.refuse("market_open", True, False, "the market is closed")


def not_halted(case: Case) -> Refusal | None:
    """While buying is halted nothing is bought."""
    halt = case.market.halt
    return None if halt is None else case.refuse("halt", None, halt, f"HALTED, no buys: {halt}")


def not_skipped(case: Case) -> Refusal | None:
    """In skip mode nothing is bought."""
    text = "SKIP MODE: every older position is healthy, nothing is bought"
    return case.refuse("skip_buys", None, True, text) if case.skip_buys else None


def not_held(case: Case) -> Refusal | None:
    """What is held is not bought again, unless positions may be added to."""
    position = case.book.held.get(case.symbol)
    if position is None or case.limits.add_to_positions:
        return None
    return case.refuse("held", 0.0, float(position.qty), f"already held ({position.qty} shares)")


def not_pending(case: Case) -> Refusal | None:
    """A symbol with an open order, its stop aside, gets no second one.

    A close takes the place of every order that waits to sell, and takes up a sale of which nobody knows whether
    it arrived.
    """
    order = case.book.working.get(case.symbol)
    if order is None or (case.side == "sell" and gives_way(order)):
        return None
    text = f"a {order.side} order of {order.remaining} shares is already open"
    return case.refuse("pending", 0.0, float(order.remaining), text)


def priced(case: Case) -> Refusal | None:
    """A price must be known, finite and over zero."""
    if case.symbol not in case.market.quotes:
        return case.refuse("price", "known", None, "no price is known")
    if not 0 < case.price < math.inf:
        return case.refuse("price", "over 0", case.price, f"price {case.price:g} cannot be used")
    return None


def price_not_halted(case: Case) -> Refusal | None:
    """No order while trading in the symbol is halted."""
    if not case.market.quotes[case.symbol].halted:
        return None
    return case.refuse("halted", False, True, "trading in it is halted")


def price_fresh(case: Case) -> Refusal | None:
    """No order on a price older than `limits.max_price_age`."""
    age, limit = price_age(case.market.quotes[case.symbol], case.market), case.limits.max_price_age
    if age <= limit:
        return None
    text = f"price is {_rough(age)} old, max {format_duration(limit)}"
    return case.refuse("limits.max_price_age", limit.total_seconds(), age.total_seconds(), text)


def account_known(case: Case) -> Refusal | None:
    """Nothing is bought without equity, nor while cash or the value of a position or pending buy is not known."""
    if case.book.unpriced:
        names = ", ".join(case.book.unpriced)
        return case.refuse("account", "known", names, f"exposure is unknown: no usable price for {names}")
    equity, cash = case.book.equity, case.book.cash
    if not 0 < equity < math.inf:
        return case.refuse("account", "over 0", equity, f"equity {equity:g} cannot be used")
    return (
        None
        if math.isfinite(cash)
        else case.refuse("account", "known", cash, f"cash {cash:g} cannot be used")
    )


def buy_left(case: Case) -> Refusal | None:
    """No more buys than the scan may make."""
    if buys_left(case.book, case.limits, case.max_buys) > 0:
        return None
    limit, planned = max_buys_of(case.limits, case.max_buys), case.book.buys()
    text = f"max {limit} buys a scan ({planned} in this plan)"
    return case.refuse("limits.max_buys_per_scan", float(limit), float(planned), text)


def cap_buy_left(case: Case) -> Refusal | None:
    """No more buys than the scan may make in one size class."""
    if buys_left(case.book, case.limits, case.max_buys, case.cap) > 0:
        return None
    limit, planned = case.limits.for_cap(case.cap).max_buys_per_scan, case.book.buys(case.cap)
    text = f"max {limit} {case.cap}-cap buys a scan ({planned} in this plan)"
    return case.refuse(f"caps.{case.cap}.max_buys_per_scan", float(limit), float(planned), text)


def slot_free(case: Case) -> Refusal | None:
    """No more positions than `limits.max_positions`."""
    if case.symbol in case.book.held or positions_left(case.book, case.limits) > 0:
        return None
    limit, slots = case.limits.max_positions, case.book.slots()
    text = f"max {limit} positions ({slots})"
    return case.refuse("limits.max_positions", float(limit), float(slots.taken), text)


def cap_slot_free(case: Case) -> Refusal | None:
    """No more positions in a size class than it may have."""
    if case.symbol in case.book.held or positions_left(case.book, case.limits, case.cap) > 0:
        return None
    limit, slots = case.limits.for_cap(case.cap).max_positions, case.book.slots(case.cap)
    text = f"max {limit} {case.cap}-cap positions ({slots})"
    return case.refuse(f"caps.{case.cap}.max_positions", float(limit), float(slots.taken), text)


def _rough(age: timedelta) -> str:
    """An age in whole seconds, minutes or hours, rounded up, so that it never reads as within its limit."""
    unit = (
        timedelta(hours=1)
        if age >= _DAYS
        else timedelta(minutes=1)
        if age >= _MINUTES
        else timedelta(seconds=1)
    )
    return format_duration(-(-age // unit) * unit)


PRICE: tuple[Check, ...] = (priced, price_not_halted, price_fresh)
CLOSE: tuple[Check, ...] = (market_open, not_pending, *PRICE)
BUY: tuple[Check, ...] = (not_ignored, not_halted, market_open, not_held, not_pending, *PRICE, account_known)
SCAN: tuple[Check, ...] = (not_skipped, buy_left, cap_buy_left)
SLOTS: tuple[Check, ...] = (slot_free, cap_slot_free)

"""What each limit still allows: the one place where it is computed, for the gate, the desk and the deciders."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, timedelta

from momentum.model.decision import LimitsLeft
from momentum.model.market import CAPS, UNCLASSIFIED, Cap, Quote, Reading
from momentum.model.portfolio import Portfolio
from momentum.model.strategy import Limits
from momentum.risk.book import Book, MarketState, open_book

AT_PLAN = "at_plan"
"""`limits.slots`: slots, exposure and cash are counted when the plan is made, and again before each order."""

_ROUNDING = 1e-9


def positions_left(book: Book, limits: Limits, cap: Cap | None = None) -> int:
    """Free slots, of one size class or (None) of all; never negative."""
    limit = limits.max_positions if cap is None else limits.for_cap(cap).max_positions
    return max(0, limit - book.slots(cap).taken)


def max_buys_of(limits: Limits, max_buys: int) -> int:
    """How many buys a scan may make: what it asks for, but no more than `limits.max_buys_per_scan`."""
    return max(0, min(max_buys, limits.max_buys_per_scan))


def buys_left(book: Book, limits: Limits, max_buys: int, cap: Cap | None = None) -> int:
    """Buys that a scan may still make, of one size class or (None) of all; never negative."""
    limit = max_buys_of(limits, max_buys) if cap is None else limits.for_cap(cap).max_buys_per_scan
    return max(0, limit - book.buys(cap))


def exposure_left(book: Book, limits: Limits) -> float:
    """Dollars that may still be bought before `limits.max_exposure` of equity is reached; 0 where unknown.

    A billionth of equity is allowed for the rounding of sums: at 100 % exposure all cash may be spent, and
    would now and then be a share short of it.
    """
    left = limits.max_exposure * book.equity - book.exposure + _ROUNDING * book.equity
    return _spendable(left) if not book.unpriced else 0.0


def cash_left(book: Book) -> float:
    """Dollars that may still be spent; 0 where unknown."""
    return _spendable(book.cash)


def position_left(book: Book, limits: Limits, symbol: str) -> float:
    """Dollars that may be bought of a symbol: `limits.position_size` of equity, less what is held of it."""
    held = book.held.get(symbol)
    return _spendable(limits.position_size * book.equity - (held.value if held else 0.0))


def price_age(quote: Quote, market: MarketState) -> timedelta:
    """How old a price is; none is younger than now."""
    return max(timedelta(0), market.now - quote.at)


def limits_left(
    portfolio: Portfolio,
    limits: Limits,
    market: MarketState,
    *,
    cap: str,
    max_buys: int,
    skip_buys: bool = False,
) -> LimitsLeft:
    """What a scan of the size class `cap` (or `all`) may still do, before any close.

    `by_cap` is the number of buys that a size class has room for. With `slots: at_fill` slots are not counted
    here, so that only the number of buys limits them. `position_size` is a fraction of equity.
    """
    book = open_book(portfolio, market)
    buys = buys_left(book, limits, max_buys)
    counted = limits.slots == AT_PLAN
    caps: tuple[Cap, ...] = (*CAPS, UNCLASSIFIED)
    return LimitsLeft(
        positions=positions_left(book, limits) if counted else buys,
        buys=buys,
        by_cap={
            of: min(
                buys_left(book, limits, max_buys, of), positions_left(book, limits, of) if counted else buys
            )
            for of in caps
            if cap in ("all", of)
        },
        exposure=exposure_left(book, limits),
        cash=cash_left(book),
        position_size=limits.position_size,
        skip_buys=skip_buys,
    )


def skip_buys(
    portfolio: Portfolio, readings: Sequence[Reading], healthy_threshold: float, session: date
) -> bool:
    """True where there are positions from before this session, and all of them are healthy.

    Healthy is a reversal score below the threshold. A position without a reading is not known to be healthy;
    one whose opening is unknown counts as an older one.
    """
    scores = {reading.symbol: reading.score for reading in readings}
    older = [p for p in portfolio.positions if p.opened is None or p.opened < session]
    return bool(older) and all(scores.get(p.symbol, math.nan) < healthy_threshold for p in older)


def _spendable(dollars: float) -> float:
    return dollars if 0 < dollars < math.inf else 0.0

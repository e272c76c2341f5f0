"""What bars do to open orders: which fill, at what price, and how trailing stops follow.

Inside a bar only four prices are known, not their order, so the pessimistic path is taken: open, low, high.

- A market order fills at the open of the first bar that begins no earlier than the order.
- At one open all market sells come first, in symbol order, then the market buys as they were submitted.
- A stop that the low reaches sells at its level, or at the open where the bar opened below it. (A stop given
  at the open itself is below it, or it would have been refused, so that it sells at its level.)
- A trailing stop sees the low before the high: its peak takes the bar's high only where it did not sell.
- A limit fills at its limit, or at the open where that is better; it pays no slippage.
- A bar that began before the order can only hurt it: it sets off stops, but fills no limit and lifts no peak,
  since its low and high may be older than the order.
- Where the costs name a share of the volume, the orders in a symbol take no more than that of a bar between
  them, in the order above; the rest stays open for later bars. A stop that was set off once stays set off,
  though the price recovers: its rest sells at the opens of the following bars (`stopped` where it has sold
  nothing yet).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from types import MappingProxyType

from momentum.execution.book import Book, Change, Draft
from momentum.execution.costs import Costs, Price
from momentum.model.orders import Order, OrderState

NONE_TAKEN: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of one symbol; prices in dollars, `starts` and `ends` in UTC, volume in shares."""

    symbol: str
    starts: datetime
    ends: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float | None = math.inf


def match_bar(book: Book, bar: Bar, costs: Costs) -> Change:
    """Take the open orders of one symbol through one bar."""
    return match_bars(book, (bar,), costs)


def match_bars(
    book: Book, bars: Sequence[Bar], costs: Costs, taken: Mapping[str, float] = NONE_TAKEN
) -> Change:
    """Take all open orders through bars of the same span of time, at most one for each symbol.

    `taken` are the shares of each symbol's bar that the account has traded already.
    """
    draft = Draft(book)
    _match(draft, bars, costs, taken)
    return draft.done()


def expire(book: Book, closes: datetime) -> Change:
    """End the day orders of the session that closed at `closes`; one given at the close is for the next."""
    draft = Draft(book)
    _expire(draft, closes)
    return draft.done()


def live_through(book: Book, bars: Iterable[Bar], closes: Iterable[datetime], costs: Costs) -> Change:
    """Take the book through a stretch of time: bars in any order, and the closing moments of its sessions."""
    draft = Draft(book)
    ends = iter(sorted(closes))
    closing = next(ends, None)
    for span, group in groupby(sorted(bars, key=_span), key=_span):
        while closing is not None and closing < span[0]:
            _expire(draft, closing)
            closing = next(ends, None)
        _match(draft, tuple(group), costs)
    while closing is not None:
        _expire(draft, closing)
        closing = next(ends, None)
    return draft.done()


def _span(bar: Bar) -> tuple[datetime, datetime]:
    return bar.ends, bar.starts


def _expire(draft: Draft, closes: datetime) -> None:
    for order in tuple(draft.orders.values()):
        if order.time_in_force == "day" and order.submitted_at < closes:
            draft.update(replace(order, state=OrderState.EXPIRED, updated_at=closes))


def _match(
    draft: Draft, bars: Sequence[Bar], costs: Costs, already: Mapping[str, float] = NONE_TAKEN
) -> None:
    if not draft.orders:
        return
    by_symbol = {bar.symbol: bar for bar in bars}
    taken = {symbol: already.get(symbol, 0) for symbol in by_symbol}
    touched = [order for order in draft.orders.values() if order.symbol in by_symbol]
    # Stable: orders of one symbol, and all buys at an open, keep the order in which they were submitted.
    sells = sorted((order for order in touched if order.side == "sell"), key=_symbol)
    buys = [order for order in touched if order.side == "buy"]
    for order in (*sells, *buys):
        bar = by_symbol[order.symbol]
        if _trades_at_open(order, bar):
            fill = costs.fill(order.side, bar.open, bar.volume, taken[bar.symbol])
            _execute(draft, order, bar, taken, fill, bar.starts, costs)
    for order in (*sells, *sorted(buys, key=_symbol)):
        if order.type != "market" and not is_set_off(order):
            _take_through(draft, order, by_symbol[order.symbol], taken, costs)


def is_set_off(order: Order) -> bool:
    """True for a stop that has begun to sell: it is a market order now, whatever the price does."""
    return order.is_stop and (order.filled_qty > 0 or order.state is OrderState.STOPPED)


def _trades_at_open(order: Order, bar: Bar) -> bool:
    if is_set_off(order):
        return order.updated_at <= bar.starts
    return order.type == "market" and order.submitted_at <= bar.starts


def _execute(
    draft: Draft, order: Order, bar: Bar, taken: dict[str, float], fill: Price, moment: datetime, costs: Costs
) -> bool:
    """Fill as much of an order as the bar has room for; False where it has none."""
    qty = int(min(order.remaining, costs.room(bar.volume, taken[bar.symbol])))
    if qty == 0:
        return False
    draft.fill(order, qty, fill, moment, costs)
    taken[bar.symbol] += qty
    return True


def _symbol(order: Order) -> str:
    return order.symbol


def _take_through(draft: Draft, order: Order, bar: Bar, taken: dict[str, float], costs: Costs) -> None:
    fill = _stop_fill(order, bar, costs, taken[bar.symbol]) if order.is_stop else _limit_fill(order, bar)
    if fill is not None:
        if not _execute(draft, order, bar, taken, fill, bar.ends, costs) and order.is_stop:
            _set_off(draft, order, bar.ends)
        return
    if order.trail is not None and order.hwm is not None and order.submitted_at <= bar.starts:
        hwm = max(order.hwm, bar.high)
        if hwm > order.hwm:
            order = replace(order, hwm=hwm, stop_price=hwm * (1 - order.trail), updated_at=bar.ends)
            draft.update(order)
    if order.state is OrderState.ACCEPTED:
        draft.update(replace(order, state=OrderState.NEW, updated_at=bar.ends))


def _set_off(draft: Draft, order: Order, at: datetime) -> None:
    if order.state is not OrderState.PENDING_CANCEL:
        draft.update(replace(order, state=OrderState.STOPPED, updated_at=at))


def _stop_fill(order: Order, bar: Bar, costs: Costs, taken: float) -> Price | None:
    stop = order.stop_price
    if stop is None or not bar.low <= stop:
        return None
    return costs.fill("sell", min(bar.open, stop), bar.volume, taken)


def _limit_fill(order: Order, bar: Bar) -> float | None:
    limit = order.limit_price
    if limit is None or order.submitted_at > bar.starts:
        return None
    if order.side == "buy":
        return min(bar.open, limit) if bar.low <= limit else None
    return max(bar.open, limit) if bar.high >= limit else None

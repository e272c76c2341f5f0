"""What a broker answers to a request: an order is accepted or refused, cancelled or changed.

Pure functions over a Book, with the rules and the words of Alpaca (long positions only).
"""

from __future__ import annotations

import math
from collections.abc import Container
from dataclasses import dataclass, replace
from datetime import datetime

from momentum.execution.book import Book, Change, Draft, filled
from momentum.execution.costs import Costs, Price
from momentum.execution.matching import is_set_off
from momentum.model.market import Quote, Session
from momentum.model.orders import Order, OrderRequest, OrderState, RefusalKind, Refused

_PRICES = {"market": "", "limit": "limit_price", "stop": "stop_price", "trailing_stop": "trail"}
_CHANGEABLE = (OrderState.NEW, OrderState.PARTIALLY_FILLED)


@dataclass(frozen=True, slots=True)
class Market:
    """What a broker knows when a request reaches it.

    `session` is the one that is open (its closing moment included), None outside of sessions; `quote` is the
    last price of the request's symbol, None where the symbol has none. `volume` is the shares that the bar of that
    price trades, None where nobody knows, and `taken` those of them that the account has traded already.
    """

    at: datetime
    session: Session | None
    quote: Quote | None
    volume: float | None = math.inf
    taken: float = 0

    @property
    def price(self) -> float | None:
        """The last price, however old; None where there is none that can be used."""
        return self.quote.price if self.quote and 0 < self.quote.price < math.inf else None

    @property
    def is_fresh(self) -> bool:
        """True where the last price is from the session that is open."""
        return self.quote is not None and self.session is not None and self.quote.at >= self.session.opens

    @property
    def is_trading(self) -> bool:
        """True where an order can fill at the last price, now."""
        return self.is_fresh and self.quote is not None and not self.quote.halted


def submit(
    book: Book,
    request: OrderRequest,
    market: Market,
    costs: Costs,
    used: Container[str] = (),
    *,
    fill: bool = True,
) -> Change | Refused:
    """Take an order into the book, or refuse it.

    Inside a session a market order, and a limit order that its price already satisfies, fills at once, as far
    as the market has room; outside it is `accepted` and waits for a bar (see `matching`). With `fill` False it
    is left to `fill_pending` and later bars. `used` are the client ids of all orders that the account ever
    had, whatever became of them.
    """
    refused = (
        _malformed(request, used) or _unpriced(request, market) or _uncovered(book, request, market, costs)
    )
    if refused:
        return refused
    draft = Draft(book)
    order = _enter(draft, request, market, costs)
    if fill:
        _fill_now(draft, order, market, costs)
    return draft.done()


def fill_pending(book: Book, order_id: str, market: Market, costs: Costs) -> Change:
    """Fill an order that was taken in without being filled, at the price of this moment, as `submit` would."""
    draft = Draft(book)
    _fill_now(draft, book.orders[order_id], market, costs)
    return draft.done()


def ask_cancel(book: Book, order_id: str, at: datetime) -> Change | Refused:
    """Take in the wish to cancel an order: it is `pending_cancel`, keeps what it holds and may fill still."""
    order = book.orders.get(order_id)
    if order is None or order.state in (OrderState.PENDING_CANCEL, OrderState.PENDING_REPLACE):
        state = order.state if order else "not open"
        return Refused(RefusalKind.NOT_CANCELABLE, f"order {order_id} is {state}")
    draft = Draft(book)
    draft.update(replace(order, state=OrderState.PENDING_CANCEL, updated_at=at))
    return draft.done()


def cancel(book: Book, order_id: str, at: datetime) -> Change | Refused:
    """Take an open order out of the book; its shares or cash are free at once."""
    order = book.orders.get(order_id)
    if order is None:
        return Refused(RefusalKind.NOT_CANCELABLE, f"order {order_id} is not open")
    return cancelled(book, order, at)


def cancelled(book: Book, order: Order, at: datetime) -> Change:
    """The book without an order that is open in it."""
    draft = Draft(book)
    draft.update(replace(order, state=OrderState.CANCELED, updated_at=at))
    return draft.done()


def replace_quantity(
    book: Book,
    order_id: str,
    client_id: str,
    qty: int,
    at: datetime,
    costs: Costs,
    used: Container[str] = (),
) -> Change | Refused:
    """Change an open order to `qty` shares, in one step: the old order ends as `replaced`.

    The new order takes `client_id` and keeps the level of a stop and the moment since which it stands. What the
    old one has filled stays with the old one: `qty` is what the new one is still for, and it begins unfilled.
    It is the last one of the Change. `used` as in `submit`.
    """
    if refused := _unusable(client_id, qty, used):
        return refused
    old = book.orders.get(order_id)
    if old is None or old.state not in _CHANGEABLE:
        state = old.state if old else "not open"
        return Refused(
            RefusalKind.NOT_CANCELABLE, f"unable to replace order in current state: {order_id} is {state}"
        )
    more = qty - old.remaining
    if old.side == "sell" and more > book.available(old.symbol):
        return _short_of_shares(book, old.symbol, qty, book.available(old.symbol) + old.remaining)
    reserve = 0.0
    if old.side == "buy":
        price, free = _reckoned(book, old, costs), book.buying_power + book.reserved.get(order_id, 0.0)
        if costs.affordable(qty, price, free) < qty:
            return _short_of_cash(costs.outlay(qty, price), free)
        reserve = costs.outlay(qty, price)
    draft = Draft(book)
    draft.update(replace(old, state=OrderState.REPLACED, updated_at=at))
    new = replace(
        old,
        id=draft.new_id(),
        client_id=client_id,
        qty=qty,
        state=OrderState.STOPPED if is_set_off(old) else OrderState.NEW,
        updated_at=at,
        filled_qty=0,
        fill_price=None,
    )
    draft.put(new, reserve)
    return draft.done()


def _reckoned(book: Book, order: Order, costs: Costs) -> float:
    """The fill price that an open buy reckons with; a market order has it only in the cash that it set aside."""
    if order.limit_price is not None:
        return order.limit_price
    return costs.price_of(book.reserved.get(order.id, 0.0), order.remaining, filled(order))


def _enter(draft: Draft, request: OrderRequest, market: Market, costs: Costs) -> Order:
    hwm = (request.hwm or market.price) if request.type == "trailing_stop" else None
    stop_price = request.stop_price
    if hwm is not None and request.trail is not None:
        stop_price = hwm * (1 - request.trail)
    order = Order(
        id=draft.new_id(),
        client_id=request.client_id,
        symbol=request.symbol,
        side=request.side,
        type=request.type,
        qty=request.qty,
        state=OrderState.NEW if market.session else OrderState.ACCEPTED,
        submitted_at=market.at,
        updated_at=market.at,
        limit_price=request.limit_price,
        stop_price=stop_price,
        trail=request.trail,
        hwm=hwm,
        time_in_force=request.time_in_force,
    )
    draft.put(
        order, costs.outlay(request.qty, _expected(request, market, costs)) if request.side == "buy" else 0
    )
    return order


def _fill_now(draft: Draft, order: Order, market: Market, costs: Costs) -> None:
    price = market.price
    qty = int(min(order.remaining, costs.room(market.volume, market.taken)))
    if price is None or not market.is_trading or qty == 0:
        return
    if order.type == "market":
        fill = costs.fill(order.side, price, market.volume, market.taken)
        draft.fill(order, qty, fill, market.at, costs)
    elif order.type == "limit" and order.limit_price is not None:
        reached = price <= order.limit_price if order.side == "buy" else price >= order.limit_price
        if reached:
            draft.fill(order, qty, price, market.at, costs)


def _malformed(request: OrderRequest, used: Container[str]) -> Refused | None:
    if refused := _unusable(request.client_id, request.qty, used):
        return refused
    if request.side not in ("buy", "sell"):
        return _invalid(f"side {request.side!r} is neither buy nor sell")
    if request.type not in _PRICES:
        return _invalid(f"order type {request.type!r} is not one of {', '.join(_PRICES)}")
    if request.side == "buy" and request.type in ("stop", "trailing_stop"):
        return _invalid("a stop protects a position: its side is sell")
    needed = _PRICES[request.type]
    for name in ("limit_price", "stop_price", "trail", "hwm"):
        value = getattr(request, name)
        if name == needed and value is None:
            return _invalid(f"{request.type} orders require {name}")
        if value is None:
            continue
        if name != needed and not (name == "hwm" and request.type == "trailing_stop"):
            return _invalid(f"{request.type} orders must not have {name}")
        if not 0 < value < (1 if name == "trail" else math.inf):
            return _invalid(f"invalid {name} {value}")
    return None


def _unusable(client_id: str, qty: int, used: Container[str]) -> Refused | None:
    if not client_id:
        return _invalid("client_order_id is empty")
    if client_id in used:
        return Refused(RefusalKind.DUPLICATE_ID, f"client_order_id must be unique: {client_id}")
    if not isinstance(qty, int) or isinstance(qty, bool) or qty <= 0:
        return _invalid(f"qty must be a whole number over 0, not {qty!r}")
    return None


def _unpriced(request: OrderRequest, market: Market) -> Refused | None:
    """Refuse what needs a price that is not there. A stop that knows its level needs none."""
    symbol = request.symbol
    follows_price = request.type == "trailing_stop" and request.hwm is None
    if market.price is None:
        if request.side == "buy" or request.type == "market" or follows_price:
            return Refused(RefusalKind.NO_PRICE, f"no price is known for {symbol}")
        return None
    if request.type == "market" and market.session is not None and market.quote is not None:
        if market.quote.halted:
            return Refused(RefusalKind.NOT_TRADABLE, f"trading in {symbol} is halted")
        if not market.is_fresh:
            last = market.quote.at.isoformat(timespec="minutes")
            return Refused(
                RefusalKind.NO_PRICE, f"the last price of {symbol} is from {last}, before this session"
            )
    return None


def _uncovered(book: Book, request: OrderRequest, market: Market, costs: Costs) -> Refused | None:
    if request.side == "buy":
        price, free = _expected(request, market, costs), book.buying_power
        if costs.affordable(request.qty, price, free) < request.qty:
            return _short_of_cash(costs.outlay(request.qty, price), free)
        return None
    available = book.available(request.symbol)
    if request.qty > available:
        return _short_of_shares(book, request.symbol, request.qty, available)
    level = request.stop_price
    if request.hwm is not None and request.trail is not None:
        level = request.hwm * (1 - request.trail)
    if level is not None and market.price is not None and level >= market.price:
        return _invalid(f"stop price {level} must be less than current price {market.price}")
    return None


def _expected(request: OrderRequest, market: Market, costs: Costs) -> Price:
    """The highest fill price to reckon with when a buy is taken in."""
    if request.limit_price is not None:
        return request.limit_price
    if market.price is None:
        return math.inf
    return costs.fill("buy", market.price, market.volume, market.taken)


def _short_of_shares(book: Book, symbol: str, asked: int, available: int) -> Refused:
    if not book.held(symbol):
        return Refused(RefusalKind.INSUFFICIENT_SHARES, f"{symbol} cannot be sold short: none is held")
    blockers = [o.id for o in book.orders.values() if o.symbol == symbol and o.side == "sell"]
    held_by = f", held by {', '.join(blockers)}" if blockers else ""
    return Refused(
        RefusalKind.INSUFFICIENT_SHARES,
        f"insufficient qty available for {symbol} (requested: {asked}, available: {available}{held_by})",
    )


def _short_of_cash(needed: float, free: float) -> Refused:
    return Refused(
        RefusalKind.INSUFFICIENT_FUNDS, f"insufficient buying power: {needed:.2f} needed, {free:.2f} free"
    )


def _invalid(message: str) -> Refused:
    return Refused(RefusalKind.INVALID, message)

"""What happens to an account's positions without an order: dividends are paid, and symbols end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from momentum.execution.book import Book, Change, Draft
from momentum.execution.costs import Costs
from momentum.model.orders import Order, OrderState

DELISTED = "delisted"
"""The reason of the sale that closes a position whose symbol has ended."""

_FREE = Costs(slippage=0.0)


@dataclass(frozen=True, slots=True)
class Dividend:
    """Cash that a holder was paid: `dollars` for `qty` shares."""

    symbol: str
    qty: int
    dollars: float


def pay_dividends(book: Book, dividends: Mapping[str, float]) -> tuple[Book, tuple[Dividend, ...]]:
    """Pay the holder at the open of an ex-date: dollars a share, by symbol. Returns the payments in symbol order.

    Call it before anything trades at that open: what is bought there goes without the dividend, what is sold there
    has it. The cash is there at once, without tax. What is no number over 0 is no dividend.
    """
    paid = tuple(
        Dividend(symbol, held.qty, held.qty * dividends[symbol])
        for symbol, held in sorted(book.holdings.items())
        if dividends.get(symbol, 0.0) > 0
    )
    if not paid:
        return book, ()
    return replace(book, cash=book.cash + sum(dividend.dollars for dividend in paid)), paid


def delist(book: Book, symbol: str, price: float, moment: datetime, client_id: str) -> Change:
    """Close a position whose symbol has no more bars, at its last price and at no cost.

    The symbol's open orders are cancelled. The sale is the last order of the Change, under `client_id` and with the
    reason `delisted`; there is none where nothing is held.
    """
    draft = Draft(book)
    for order in tuple(draft.orders.values()):
        if order.symbol == symbol:
            draft.update(replace(order, state=OrderState.CANCELED, updated_at=moment, reason=DELISTED))
    qty = book.held(symbol)
    if qty:
        sale = Order(
            id=draft.new_id(),
            client_id=client_id,
            symbol=symbol,
            side="sell",
            type="market",
            qty=qty,
            state=OrderState.NEW,
            submitted_at=moment,
            updated_at=moment,
            reason=DELISTED,
        )
        draft.fill(sale, qty, price, moment, _FREE)
    return draft.done()

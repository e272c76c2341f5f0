"""What becomes of positions without an order: dividends, and symbols that end."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from fakes import closes, holding, inside, trailing
from momentum.execution.acceptance import submit
from momentum.execution.book import Book, Change, Held
from momentum.execution.corporate import Dividend, delist, pay_dividends
from momentum.execution.costs import Costs
from momentum.model.orders import OrderState


def stopped(qty: int = 10) -> Book:
    """A position under a trailing stop."""
    change = submit(holding(qty), trailing(qty), inside(0, 100.0), Costs(0.0))
    assert isinstance(change, Change)
    return change.book


def test_a_holder_is_paid_the_dividend_of_each_share() -> None:
    book, paid = pay_dividends(holding(10, cash=50.0), {"AAA": 0.25, "BBB": 1.0})
    assert (book.cash, book.held("AAA")) == (52.5, 10)
    assert paid == (Dividend("AAA", 10, 2.5),)


def test_what_is_no_number_over_0_is_no_dividend() -> None:
    held = holding(10, cash=50.0)
    for dollars in (0.0, math.nan, -1.0):
        assert pay_dividends(held, {"AAA": dollars}) == (held, ())


@given(
    st.dictionaries(st.sampled_from("ABCDE"), st.integers(1, 1_000)),
    st.dictionaries(st.sampled_from("ABCDE"), st.floats(0, 50)),
)
def test_the_cash_grows_by_what_was_paid_and_nothing_else_changes(
    shares: dict[str, int], dividends: dict[str, float]
) -> None:
    before = Book(cash=1_000.0, holdings={symbol: Held(qty, 10.0) for symbol, qty in shares.items()})
    after, paid = pay_dividends(before, dividends)
    assert math.isclose(after.cash, before.cash + sum(one.dollars for one in paid))
    assert after.holdings == before.holdings
    assert [one.symbol for one in paid] == sorted(s for s in shares if dividends.get(s, 0.0) > 0)


def test_a_position_whose_symbol_ended_is_closed_at_its_last_price_and_flagged() -> None:
    change = delist(stopped(), "AAA", 3.5, closes(4), "end-1")
    (fill,) = change.fills
    assert (fill.client_id, fill.qty, fill.price, fill.at, fill.commission) == (
        "end-1",
        10,
        3.5,
        closes(4),
        0,
    )
    assert (change.book.cash, change.book.holdings, change.book.orders) == (35.0, {}, {})
    stop, sale = change.orders
    assert (stop.state, sale.state) == (OrderState.CANCELED, OrderState.FILLED)
    assert (sale.client_id, sale.reason) == ("end-1", "delisted")


def test_the_orders_of_a_symbol_that_ended_are_cancelled_though_nothing_is_held() -> None:
    book = Book(cash=1_000.0, orders=stopped().orders)
    change = delist(book, "AAA", 3.5, closes(4), "end-1")
    assert (change.fills, change.book.orders, change.book.cash) == ((), {}, 1_000.0)


def test_other_symbols_stay_as_they_are() -> None:
    book = stopped()
    assert delist(book, "BBB", 3.5, closes(4), "end-1").book == book

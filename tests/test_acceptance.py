"""Which orders a broker takes in, refuses, cancels and changes."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta

import pytest

from fakes import after_close, closes, daily_bar, holding, inside, opens, request, trailing
from momentum.execution.acceptance import Market, cancel, replace_quantity, submit
from momentum.execution.book import Book, Change
from momentum.execution.costs import Costs
from momentum.execution.matching import match_bar
from momentum.model.market import Quote
from momentum.model.orders import Order, OrderRequest, OrderState, RefusalKind, Refused

COSTS = Costs(slippage=0.0005)
FREE = Costs(slippage=0)


def accepted(book: Book, asked: OrderRequest, market: Market, costs: Costs = COSTS) -> Change:
    change = submit(book, asked, market, costs)
    assert isinstance(change, Change), change
    return change


def refused(book: Book, asked: OrderRequest, market: Market, costs: Costs = COSTS) -> Refused:
    answer = submit(book, asked, market, costs)
    assert isinstance(answer, Refused), answer
    return answer


def only_order(change: Change) -> Order:
    (order,) = change.book.orders.values()
    return order


class TestMarketOrders:
    def test_a_buy_inside_the_session_fills_at_once_with_slippage(self) -> None:
        change = accepted(Book(cash=10_000), request("buy", 10), inside(0, 100.0))
        assert change.fills[0].price == 100.0 * 1.0005
        assert change.book.cash == 10_000 - 10 * (100.0 * 1.0005)
        assert change.book.held("AAA") == 10
        assert not change.book.orders

    def test_a_sale_inside_the_session_fills_at_once_with_slippage(self) -> None:
        change = accepted(holding(10), request("sell", 4), inside(0, 100.0))
        assert change.fills[0].price == 100.0 * 0.9995
        assert change.book.held("AAA") == 6

    def test_the_close_belongs_to_the_session(self) -> None:
        change = accepted(Book(cash=10_000), request(), inside(0, 100.0, at=closes(0)))
        assert change.orders[-1].state is OrderState.FILLED

    def test_outside_the_session_an_order_is_accepted_and_waits(self) -> None:
        change = accepted(Book(cash=10_000), request(), after_close(0, 100.0))
        assert only_order(change).state is OrderState.ACCEPTED
        assert not change.fills
        assert change.book.cash == 10_000

    def test_commission_is_paid_with_the_fill(self) -> None:
        change = accepted(Book(cash=1_001), request("buy", 10), inside(0, 100.0), Costs(0, 1.0))
        assert change.book.cash == 0
        assert change.fills[0].commission == 1.0

    def test_adding_to_a_position_averages_its_entry_price(self) -> None:
        change = accepted(holding(10, price=100.0, cash=5_000), request("buy", 30), inside(0, 120.0), FREE)
        assert change.book.holdings["AAA"].entry_price == (10 * 100.0 + 30 * 120.0) / 40


class TestLimitOrders:
    def test_a_limit_that_the_price_satisfies_fills_at_the_price(self) -> None:
        change = accepted(Book(cash=10_000), request(type="limit", limit_price=101.0), inside(0, 100.0))
        assert change.fills[0].price == 100.0

    def test_a_limit_that_the_price_does_not_satisfy_waits(self) -> None:
        change = accepted(Book(cash=10_000), request(type="limit", limit_price=99.0), inside(0, 100.0))
        assert only_order(change).state is OrderState.NEW

    def test_a_limit_does_not_fill_on_the_price_of_an_earlier_session(self) -> None:
        market = replace(inside(1, 100.0), quote=Quote("AAA", 100.0, closes(0)))
        change = accepted(Book(cash=10_000), request(type="limit", limit_price=101.0), market)
        assert not change.fills


class TestRefusals:
    def test_a_client_id_that_was_used_is_refused(self) -> None:
        answer = submit(Book(cash=10_000), request(id="x"), inside(0, 100.0), COSTS, used={"x"})
        assert isinstance(answer, Refused)
        assert answer.kind is RefusalKind.DUPLICATE_ID

    def test_nothing_is_sold_short(self) -> None:
        answer = refused(Book(cash=10_000), request("sell", 1), inside(0, 100.0))
        assert answer.kind is RefusalKind.INSUFFICIENT_SHARES
        assert "short" in answer.message

    def test_shares_under_an_open_sell_are_not_free_and_the_blocker_is_named(self) -> None:
        stopped = accepted(holding(10), trailing(7), inside(0, 100.0)).book
        answer = refused(stopped, request("sell", 4), inside(0, 100.0))
        assert answer.kind is RefusalKind.INSUFFICIENT_SHARES
        assert "available: 3" in answer.message
        assert only_order(Change(stopped)).id in answer.message

    def test_shares_that_no_order_holds_can_be_sold(self) -> None:
        stopped = accepted(holding(10), trailing(7), inside(0, 100.0)).book
        assert accepted(stopped, request("sell", 3), inside(0, 100.0)).book.held("AAA") == 7

    def test_a_buy_over_the_cash_is_refused_slippage_included(self) -> None:
        answer = refused(Book(cash=1_000), request("buy", 10), inside(0, 100.0))
        assert answer.kind is RefusalKind.INSUFFICIENT_FUNDS
        accepted(Book(cash=1_000), request("buy", 10), inside(0, 100.0), FREE)

    def test_cash_that_an_open_buy_needs_cannot_be_spent_twice(self) -> None:
        first = accepted(Book(cash=1_500), request("buy", 10, id="a"), after_close(0, 100.0), FREE).book
        assert first.buying_power == 500
        answer = refused(first, request("buy", 6, id="b"), after_close(0, 100.0), FREE)
        assert answer.kind is RefusalKind.INSUFFICIENT_FUNDS

    def test_an_open_limit_buy_sets_its_limit_aside(self) -> None:
        asked = request("buy", 10, type="limit", limit_price=90.0)
        assert accepted(Book(cash=1_000), asked, inside(0, 100.0)).book.buying_power == 100

    @pytest.mark.parametrize("qty", [0, -1, 1.5, True])
    def test_a_quantity_that_is_no_whole_number_over_zero_is_refused(self, qty: int) -> None:
        assert refused(Book(cash=10_000), request("buy", qty), inside(0, 100.0)).kind is RefusalKind.INVALID

    @pytest.mark.parametrize(
        "wrong",
        [
            {"type": "limit"},
            {"type": "limit", "limit_price": -1.0},
            {"type": "limit", "limit_price": math.nan},
            {"type": "limit", "limit_price": 90.0, "stop_price": 80.0},
            {"type": "market", "limit_price": 90.0},
            {"type": "stop"},
            {"type": "stop", "stop_price": 0.0},
            {"type": "trailing_stop"},
            {"type": "trailing_stop", "trail": 1.0},
            {"type": "trailing_stop", "trail": 5.0},
            {"type": "trailing_stop", "trail": 0.05, "hwm": math.inf},
            {"type": "iceberg"},
        ],
    )
    def test_prices_that_do_not_fit_the_type_are_refused(self, wrong: dict[str, object]) -> None:
        assert refused(holding(10), request("sell", 5, **wrong), inside(0, 100.0)).kind is RefusalKind.INVALID

    @pytest.mark.parametrize(
        "wrong", [request("short"), request(id=""), request(type="trailing_stop", trail=0.05)]
    )
    def test_a_wrong_side_an_empty_id_and_a_stop_that_buys_are_refused(self, wrong: OrderRequest) -> None:
        assert refused(holding(10, cash=10_000), wrong, inside(0, 100.0)).kind is RefusalKind.INVALID

    @pytest.mark.parametrize("price", [None, math.nan, 0.0, -5.0])
    def test_a_market_order_without_a_usable_price_is_refused(self, price: float | None) -> None:
        for market in (inside(0, price), after_close(0, price)):
            assert refused(Book(cash=10_000), request(), market).kind is RefusalKind.NO_PRICE

    def test_a_market_order_on_a_price_of_an_earlier_session_is_refused(self) -> None:
        market = replace(inside(1, 100.0), quote=Quote("AAA", 100.0, closes(0)))
        assert refused(Book(cash=10_000), request(), market).kind is RefusalKind.NO_PRICE

    def test_a_market_order_in_a_halted_symbol_is_refused(self) -> None:
        now = opens(0) + timedelta(hours=1)
        market = replace(inside(0, 100.0), quote=Quote("AAA", 100.0, now, halted=True))
        assert refused(Book(cash=10_000), request(), market).kind is RefusalKind.NOT_TRADABLE

    @pytest.mark.parametrize("stop_price", [100.0, 101.0])
    def test_a_stop_at_or_over_the_price_is_refused(self, stop_price: float) -> None:
        asked = request("sell", 5, type="stop", stop_price=stop_price)
        assert refused(holding(10), asked, inside(0, 100.0)).kind is RefusalKind.INVALID

    def test_a_trailing_stop_whose_level_is_over_the_price_is_refused(self) -> None:
        assert refused(holding(10), trailing(hwm=120.0), inside(0, 100.0)).kind is RefusalKind.INVALID


class TestStops:
    def test_a_trailing_stop_starts_from_the_last_price(self) -> None:
        order = only_order(accepted(holding(10), trailing(), inside(0, 100.0)))
        assert (order.hwm, order.stop_price) == (100.0, 100.0 * (1 - 0.05))

    def test_a_trailing_stop_may_be_told_where_its_peak_starts(self) -> None:
        order = only_order(accepted(holding(10), trailing(hwm=104.0), inside(0, 100.0)))
        assert (order.hwm, order.stop_price) == (104.0, 104.0 * (1 - 0.05))

    def test_a_stop_that_knows_its_level_needs_no_price(self) -> None:
        accepted(holding(10), trailing(hwm=104.0), inside(0, None))
        accepted(holding(10), request("sell", type="stop", stop_price=95.0), inside(0, None))
        assert refused(holding(10), trailing(), inside(0, None)).kind is RefusalKind.NO_PRICE


class TestCancelAndReplace:
    def test_a_cancelled_stop_frees_its_shares(self) -> None:
        change = accepted(holding(10), trailing(10), inside(0, 100.0))
        after = cancel(change.book, only_order(change).id, closes(0))
        assert isinstance(after, Change)
        assert after.orders[-1].state is OrderState.CANCELED
        assert after.book.available("AAA") == 10

    def test_a_cancelled_buy_frees_its_cash(self) -> None:
        change = accepted(Book(cash=1_000), request("buy", 9), after_close(0, 100.0))
        after = cancel(change.book, only_order(change).id, closes(0))
        assert isinstance(after, Change)
        assert after.book.buying_power == 1_000

    def test_an_order_that_is_not_open_cannot_be_cancelled(self) -> None:
        answer = cancel(holding(10), "p-7", closes(0))
        assert isinstance(answer, Refused)
        assert answer.kind is RefusalKind.NOT_CANCELABLE

    def test_a_replaced_stop_keeps_its_level_though_the_price_has_fallen(self) -> None:
        change = accepted(holding(10), trailing(6), inside(0, 100.0))
        risen = match_bar(change.book, daily_bar("AAA", 1, open=118, high=120, low=117), COSTS).book
        old = only_order(Change(risen))
        after = replace_quantity(risen, old.id, "stop-2", 10, closes(1), COSTS)
        assert isinstance(after, Change)
        ended, new = after.orders
        assert (ended.id, ended.state) == (old.id, OrderState.REPLACED)
        assert (new.client_id, new.qty, new.hwm, new.stop_price) == ("stop-2", 10, 120.0, 120.0 * (1 - 0.05))
        assert new.id != old.id
        assert after.book.available("AAA") == 0

    def test_a_stop_is_not_extended_over_shares_that_are_not_free(self) -> None:
        change = accepted(holding(10), trailing(6), inside(0, 100.0))
        answer = replace_quantity(change.book, only_order(change).id, "stop-2", 11, closes(0), COSTS)
        assert isinstance(answer, Refused)
        assert answer.kind is RefusalKind.INSUFFICIENT_SHARES

    def test_a_limit_buy_is_not_extended_over_the_cash(self) -> None:
        asked = request("buy", 5, type="limit", limit_price=90.0)
        change = accepted(Book(cash=1_000), asked, inside(0, 100.0))
        order = only_order(change)
        assert isinstance(replace_quantity(change.book, order.id, "b", 11, closes(0), COSTS), Change)
        answer = replace_quantity(change.book, order.id, "b", 12, closes(0), COSTS)
        assert isinstance(answer, Refused)
        assert answer.kind is RefusalKind.INSUFFICIENT_FUNDS

    def test_an_order_that_is_only_accepted_cannot_be_replaced(self) -> None:
        change = accepted(holding(10), trailing(6), after_close(0, 100.0))
        answer = replace_quantity(change.book, only_order(change).id, "stop-2", 10, closes(0), COSTS)
        assert isinstance(answer, Refused)
        assert answer.kind is RefusalKind.NOT_CANCELABLE

    def test_a_replacement_needs_a_client_id_of_its_own(self) -> None:
        change = accepted(holding(10), trailing(6), inside(0, 100.0))
        order = only_order(change)
        answer = replace_quantity(change.book, order.id, "stop-1", 10, closes(0), COSTS, used={"stop-1"})
        assert isinstance(answer, Refused)
        assert answer.kind is RefusalKind.DUPLICATE_ID

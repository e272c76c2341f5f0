"""Fills in parts: what orders get of a bar whose volume they may take a share of."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from fakes import after_close, closes, daily_bar, holding, inside, opens, request, trailing
from momentum.execution.acceptance import Market, ask_cancel, fill_pending, replace_quantity, submit
from momentum.execution.book import Book, Change
from momentum.execution.costs import Costs
from momentum.execution.matching import Bar, expire, match_bar, match_bars
from momentum.model.orders import Order, OrderRequest, OrderState, RefusalKind, Refused

COSTS = Costs(slippage=0, commission_per_order=1, volume_share=0.1)


def after(book: Book, asked: OrderRequest, market: Market, costs: Costs = COSTS) -> Book:
    change = submit(book, asked, market, costs)
    assert isinstance(change, Change), change
    return change.book


def bar(number: int, price: float, volume: float, low: float | None = None) -> Bar:
    return daily_bar("AAA", number, price, price, price if low is None else low, price, volume=volume)


def only(book: Book) -> Order:
    (order,) = book.orders.values()
    return order


class TestMarketOrders:
    def test_a_buy_takes_its_share_of_each_bar_until_it_is_filled(self) -> None:
        book = after(Book(cash=10_000), request("buy", 25, time_in_force="gtc"), after_close(0, 100.0))
        parts = []
        for number, price in ((1, 100.0), (2, 110.0), (3, 120.0)):
            change = match_bar(book, bar(number, price, 100), COSTS)
            book = change.book
            parts += [(fill.qty, fill.price, fill.at, fill.commission) for fill in change.fills]
        assert parts == [(10, 100, opens(1), 1), (10, 110, opens(2), 0), (5, 120, opens(3), 0)]
        assert change.orders[-1].state is OrderState.FILLED
        assert change.orders[-1].fill_price == pytest.approx((1000 + 1100 + 600) / 25)
        assert book.cash == 10_000 - 2_700 - 1
        assert book.holdings["AAA"].entry_price == pytest.approx(108)

    def test_between_the_parts_it_is_partially_filled_and_sets_aside_the_cash_of_the_rest(self) -> None:
        book = after(Book(cash=10_000), request("buy", 25), after_close(0, 100.0))
        assert book.buying_power == 10_000 - 2_501
        book = match_bar(book, bar(1, 100.0, 100), COSTS).book
        order = only(book)
        assert (order.state, order.filled_qty, order.remaining) == (OrderState.PARTIALLY_FILLED, 10, 15)
        assert book.buying_power == pytest.approx(10_000 - 2_501)

    def test_a_day_order_expires_with_what_was_filled(self) -> None:
        book = after(Book(cash=10_000), request("buy", 25), after_close(0, 100.0))
        book = match_bar(book, bar(1, 100.0, 100), COSTS).book
        (order,) = expire(book, closes(1)).orders
        assert (order.state, order.filled_qty) == (OrderState.EXPIRED, 10)

    def test_each_part_pays_what_is_due_on_the_order_so_far(self) -> None:
        costs = replace(COSTS, commission_per_order=0.0, commission_per_share=0.1, commission_minimum=1.5)
        book = after(Book(cash=10_000), request("buy", 25, time_in_force="gtc"), after_close(0, 100.0), costs)
        assert book.buying_power == pytest.approx(10_000 - 2_500 - 2.5)
        paid = []
        for number in (1, 2, 3):
            change = match_bar(book, bar(number, 100.0, 100), costs)
            book = change.book
            paid.append(change.fills[0].commission)
            assert book.buying_power == pytest.approx(10_000 - 2_500 - 2.5)
        assert paid == pytest.approx([1.5, 0.5, 0.5])

    def test_two_orders_in_one_bar_push_the_price_further_than_one(self) -> None:
        costs = Costs(slippage=0, impact=0.5)
        book = after(Book(cash=10_000), request("buy", 10, id="a"), after_close(0, 100.0), costs)
        book = after(book, request("buy", 10, id="b"), after_close(0, 100.0), costs)
        fills = match_bar(book, bar(1, 100.0, 100), costs).fills
        assert [fill.price for fill in fills] == pytest.approx([100 * 1.005, 100 * 1.02])

    def test_what_was_taken_of_a_bar_already_is_not_there_again(self) -> None:
        book = after(Book(cash=10_000), request("buy", 25), after_close(0, 100.0))
        change = match_bars(book, [bar(1, 100.0, 100)], COSTS, {"AAA": 7})
        assert [fill.qty for fill in change.fills] == [3]

    def test_cash_that_runs_out_between_the_parts_cancels_the_rest(self) -> None:
        book = after(Book(cash=2_001), request("buy", 20, time_in_force="gtc"), after_close(0, 100.0))
        book = match_bar(book, bar(1, 100.0, 100), COSTS).book
        change = match_bar(book, bar(2, 250.0, 100), COSTS)
        (order,) = change.orders
        assert (order.state, order.filled_qty) == (OrderState.CANCELED, 14)
        assert change.book.cash == 0

    def test_cash_that_pays_for_no_share_of_a_later_part_cancels_it_and_keeps_what_was_filled(self) -> None:
        book = after(Book(cash=2_001), request("buy", 20, time_in_force="gtc"), after_close(0, 100.0))
        book = match_bar(book, bar(1, 100.0, 100), COSTS).book
        (order,) = match_bar(book, bar(2, 5_000.0, 100), COSTS).orders
        assert (order.state, order.filled_qty, order.fill_price) == (OrderState.CANCELED, 10, 100)

    def test_a_bar_without_volume_fills_nothing(self) -> None:
        book = after(Book(cash=10_000), request("buy", 25), after_close(0, 100.0))
        for volume in (0.0, 9.0, math.nan):
            assert match_bar(book, bar(1, 100.0, volume), COSTS).fills == ()

    def test_two_orders_share_the_volume_of_one_bar_in_the_order_in_which_they_came(self) -> None:
        book = after(Book(cash=10_000), request("buy", 7, id="a"), after_close(0, 100.0))
        book = after(book, request("buy", 7, id="b"), after_close(0, 100.0))
        fills = match_bar(book, bar(1, 100.0, 100), COSTS).fills
        assert [(fill.client_id, fill.qty) for fill in fills] == [("a", 7), ("b", 3)]

    def test_inside_a_session_it_takes_what_the_market_has_room_for(self) -> None:
        market = replace(inside(1, 100.0), volume=40)
        change = submit(Book(cash=10_000), request("buy", 10), market, COSTS)
        assert isinstance(change, Change)
        assert (change.orders[-1].state, change.orders[-1].filled_qty) == (OrderState.PARTIALLY_FILLED, 4)

    def test_where_the_market_has_no_room_it_is_new_and_waits(self) -> None:
        change = submit(Book(cash=10_000), request("buy", 10), replace(inside(1, 100.0), volume=0), COSTS)
        assert isinstance(change, Change)
        assert only(change.book).state is OrderState.NEW


class TestStops:
    def stopped(self) -> Book:
        return after(holding(25), trailing(25), inside(0, 100.0, at=closes(0)))

    def test_a_stop_that_was_set_off_sells_its_rest_at_the_following_opens(self) -> None:
        first = match_bar(self.stopped(), bar(1, 100.0, 100, low=94), COSTS)
        assert [(fill.qty, fill.price) for fill in first.fills] == [(10, 95)]
        second = match_bar(first.book, bar(2, 130.0, 100), COSTS)
        assert [(fill.qty, fill.price, fill.at) for fill in second.fills] == [(10, 130, opens(2))]
        third = match_bar(second.book, bar(3, 130.0, 100), COSTS)
        assert third.orders[-1].state is OrderState.FILLED
        assert third.book.holdings == {}

    def test_its_peak_follows_no_price_any_more(self) -> None:
        first = match_bar(self.stopped(), bar(1, 100.0, 100, low=94), COSTS).book
        assert only(match_bar(first, bar(2, 130.0, 10), COSTS).book).hwm == 100

    def test_one_that_could_sell_nothing_stays_set_off(self) -> None:
        first = match_bar(self.stopped(), bar(1, 100.0, 5, low=94), COSTS)
        assert first.fills == ()
        assert only(first.book).state is OrderState.STOPPED
        assert first.book.available("AAA") == 0
        assert match_bar(first.book, bar(2, 130.0, 100), COSTS).fills[0].price == 130

    def test_extended_it_stays_set_off_and_begins_unfilled(self) -> None:
        book = match_bar(self.stopped(), bar(1, 100.0, 100, low=94), COSTS).book
        change = replace_quantity(book, only(book).id, "stop-2", 12, closes(1), COSTS)
        assert isinstance(change, Change)
        old, new = change.orders
        assert (old.state, old.filled_qty) == (OrderState.REPLACED, 10)
        assert (new.qty, new.filled_qty, new.remaining) == (12, 0, 12)
        assert change.book.available("AAA") == 3
        assert match_bar(change.book, bar(2, 130.0, 1_000), COSTS).fills[0].qty == 12


class TestLimits:
    def test_a_limit_fills_in_the_bars_that_reach_it(self) -> None:
        asked = request("buy", 25, type="limit", limit_price=100.0, time_in_force="gtc")
        book = after(Book(cash=10_000), asked, after_close(0, 105.0))
        parts = []
        for number, price in ((1, 100.0), (2, 101.0), (3, 90.0)):
            change = match_bar(book, bar(number, price, 150), COSTS)
            book = change.book
            parts += [(fill.qty, fill.price) for fill in change.fills]
        assert parts == [(15, 100.0), (10, 90.0)]

    def test_a_limit_that_is_extended_after_a_part_buys_that_many_more(self) -> None:
        asked = request("buy", 25, type="limit", limit_price=100.0, time_in_force="gtc")
        book = match_bar(after(Book(cash=4_001), asked, after_close(0, 105.0)), bar(1, 100, 100), COSTS).book
        assert isinstance(replace_quantity(book, only(book).id, "b", 30, closes(1), COSTS), Refused)
        change = replace_quantity(book, only(book).id, "b", 29, closes(1), COSTS)
        assert isinstance(change, Change)
        assert change.book.buying_power == pytest.approx(4_001 - 1_001 - 2_901)


class TestPendingCancel:
    def test_an_order_whose_cancel_is_pending_holds_and_fills_and_is_not_cancelled_twice(self) -> None:
        book = after(holding(25), trailing(25), inside(0, 100.0, at=closes(0)))
        change = ask_cancel(book, only(book).id, closes(0))
        assert isinstance(change, Change)
        assert change.book.available("AAA") == 0
        again = ask_cancel(change.book, only(book).id, closes(0))
        assert isinstance(again, Refused)
        assert again.kind is RefusalKind.NOT_CANCELABLE
        first = match_bar(change.book, bar(1, 100.0, 100, low=94), COSTS)
        assert (first.fills[0].qty, only(first.book).state) == (10, OrderState.PENDING_CANCEL)
        assert match_bar(first.book, bar(2, 130.0, 1_000), COSTS).orders[-1].state is OrderState.FILLED


def test_an_order_left_unfilled_is_filled_later_as_it_would_have_been() -> None:
    market = inside(1, 100.0)
    waiting = submit(Book(cash=10_000), request("buy", 10), market, COSTS, fill=False)
    assert isinstance(waiting, Change)
    assert (waiting.fills, only(waiting.book).state) == ((), OrderState.NEW)
    change = fill_pending(waiting.book, only(waiting.book).id, market, COSTS)
    assert change.orders[-1].state is OrderState.FILLED


def test_a_market_buy_that_waits_is_extended_only_as_far_as_the_cash_goes() -> None:
    market = inside(1, 100.0)
    waiting = submit(Book(cash=2_001), request("buy", 10), market, COSTS, fill=False)
    assert isinstance(waiting, Change)
    order = only(waiting.book)
    assert isinstance(replace_quantity(waiting.book, order.id, "b", 21, market.at, COSTS), Refused)
    assert isinstance(replace_quantity(waiting.book, order.id, "b", 20, market.at, COSTS), Change)

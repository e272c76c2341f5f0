"""What bars do to open orders."""

from __future__ import annotations

from datetime import timedelta

import pytest

from fakes import after_close, closes, daily_bar, holding, inside, minute_bar, opens, request, trailing
from momentum.execution.acceptance import Market, submit
from momentum.execution.book import Book, Change, Held
from momentum.execution.costs import Costs
from momentum.execution.matching import expire, live_through, match_bar, match_bars
from momentum.model.market import Quote
from momentum.model.orders import OrderRequest, OrderState

COSTS = Costs(slippage=0.0005)
SOLD = 1 - 0.0005
BOUGHT = 1 + 0.0005


def after(book: Book, asked: OrderRequest, market: Market) -> Book:
    change = submit(book, asked, market, COSTS)
    assert isinstance(change, Change), change
    return change.book


def stopped(price: float = 100.0, **more: float) -> Book:
    """Ten shares under a trailing stop of 5 %, both from the close before day 1."""
    return after(holding(10), trailing(10, **more), inside(0, price, at=closes(0)))


class TestMarketOrders:
    def test_an_order_from_outside_the_session_fills_at_the_next_open(self) -> None:
        book = after(Book(cash=10_000), request("buy", 10), after_close(0, 100.0))
        change = match_bar(book, daily_bar("AAA", 1, open=103, high=104, low=90), COSTS)
        (fill,) = change.fills
        assert (fill.price, fill.at) == (103 * BOUGHT, opens(1))

    def test_an_open_before_the_order_cannot_fill_it(self) -> None:
        book = after(Book(cash=10_000), request("buy", 10), after_close(0, 100.0))
        assert match_bar(book, daily_bar("AAA", 0, open=103, high=104, low=90), COSTS).fills == ()

    def test_bars_of_other_symbols_leave_it_waiting(self) -> None:
        book = after(Book(cash=10_000), request("buy", 10), after_close(0, 100.0))
        assert match_bar(book, daily_bar("BBB", 1, open=103, high=104, low=90), COSTS).orders == ()

    def test_a_gap_that_the_cash_does_not_pay_for_buys_fewer_shares_and_cancels_the_rest(self) -> None:
        book = after(Book(cash=1_001), request("buy", 10), after_close(0, 100.0))
        change = match_bar(book, daily_bar("AAA", 1, open=120, high=120, low=120), COSTS)
        (order,) = change.orders
        assert (order.state, order.filled_qty) == (OrderState.CANCELED, 8)
        assert "cash" in order.reason
        assert change.book.held("AAA") == 8
        assert change.book.cash == 1_001 - 8 * (120 * BOUGHT)

    def test_a_gap_over_all_the_cash_rejects_the_order(self) -> None:
        book = after(Book(cash=101), request("buy", 1), after_close(0, 100.0))
        change = match_bar(book, daily_bar("AAA", 1, open=120, high=120, low=120), COSTS)
        assert change.orders[0].state is OrderState.REJECTED
        assert change.book.cash == change.book.buying_power == 101

    def test_at_one_open_sells_come_first_by_symbol_then_buys_as_they_were_submitted(self) -> None:
        book = Book(cash=10_000, holdings={"BBB": Held(1, 10.0), "AAA": Held(1, 10.0)})
        for number, (side, symbol) in enumerate(
            [("buy", "DDD"), ("buy", "CCC"), ("sell", "BBB"), ("sell", "AAA")]
        ):
            market = after_close(0, 10.0, symbol=symbol)
            book = after(book, request(side, 1, symbol=symbol, id=f"id-{number}"), market)
        bars = [daily_bar(symbol, 1, open=10, high=10, low=10) for symbol in ("CCC", "AAA", "DDD", "BBB")]
        fills = match_bars(book, bars, COSTS).fills
        assert [(fill.side, fill.symbol) for fill in fills] == [
            ("sell", "AAA"),
            ("sell", "BBB"),
            ("buy", "DDD"),
            ("buy", "CCC"),
        ]

    def test_a_sale_at_the_open_pays_for_a_buy_at_the_same_open(self) -> None:
        book = Book(cash=1_001, holdings={"BBB": Held(10, 100.0)})
        book = after(book, request("buy", 10, symbol="AAA", id="a"), after_close(0, 100.0))
        book = after(book, request("sell", 10, symbol="BBB", id="b"), after_close(0, 100.0, symbol="BBB"))
        bars = [daily_bar(symbol, 1, open=120, high=120, low=120) for symbol in ("AAA", "BBB")]
        assert match_bars(book, bars, COSTS).book.held("AAA") == 10


class TestTrailingStops:
    def test_the_low_reaching_the_level_sells_at_the_level(self) -> None:
        change = match_bar(stopped(), daily_bar("AAA", 1, open=99, high=99, low=95.0), COSTS)
        assert change.fills[0].price == 0.95 * 100.0 * SOLD
        assert change.fills[0].at == closes(1)
        assert change.book.held("AAA") == 0

    def test_the_low_just_over_the_level_does_not_sell(self) -> None:
        assert match_bar(stopped(), daily_bar("AAA", 1, open=99, high=99, low=95.01), COSTS).fills == ()

    def test_an_open_under_the_level_sells_at_the_open(self) -> None:
        change = match_bar(stopped(), daily_bar("AAA", 1, open=90, high=99, low=89), COSTS)
        assert change.fills[0].price == 90 * SOLD

    def test_the_low_is_seen_before_the_high(self) -> None:
        change = match_bar(stopped(), daily_bar("AAA", 1, open=100, high=200, low=96), COSTS)
        assert change.fills == ()
        (order,) = change.book.orders.values()
        assert (order.hwm, order.stop_price) == (200, 200 * (1 - 0.05))

    def test_a_bar_that_sells_does_not_lift_the_peak_first(self) -> None:
        change = match_bar(stopped(), daily_bar("AAA", 1, open=100, high=200, low=94), COSTS)
        assert change.fills[0].price == 95.0 * SOLD

    def test_the_peak_never_falls(self) -> None:
        change = match_bar(stopped(), daily_bar("AAA", 1, open=97, high=98, low=96), COSTS)
        (order,) = change.book.orders.values()
        assert order.hwm == 100.0

    def test_a_stop_given_at_the_open_sells_at_its_level(self) -> None:
        market = Market(opens(1), inside(1, None).session, Quote("AAA", 100.0, opens(1)))
        book = after(holding(10), trailing(10, hwm=100.05), market)
        change = match_bar(book, daily_bar("AAA", 1, open=100, high=101, low=90), COSTS)
        assert change.fills[0].price == 0.95 * 100.05 * SOLD

    def test_a_stop_given_at_the_open_follows_that_bars_high(self) -> None:
        market = Market(opens(1), inside(1, None).session, Quote("AAA", 100.0, opens(1)))
        book = after(holding(10), trailing(10), market)
        book = match_bar(book, daily_bar("AAA", 1, open=100, high=110, low=99), COSTS).book
        assert next(iter(book.orders.values())).hwm == 110

    def test_a_bar_that_began_before_the_stop_sets_it_off_but_lifts_no_peak(self) -> None:
        noon = inside(1, 100.0)
        calm = daily_bar("AAA", 1, open=100, high=130, low=96)
        wild = daily_bar("AAA", 1, open=80, high=130, low=79)
        book = after(holding(10), trailing(10), noon)
        assert match_bar(book, calm, COSTS).orders == ()
        assert match_bar(book, wild, COSTS).fills[0].price == 80 * SOLD


class TestPlainStopsAndLimits:
    def test_a_plain_stop_sells_at_its_level(self) -> None:
        asked = request("sell", type="stop", stop_price=90.0, time_in_force="gtc")
        book = after(holding(10), asked, inside(0, 100.0))
        assert match_bar(book, daily_bar("AAA", 1, 95, 96, 90), COSTS).fills[0].price == 90.0 * SOLD

    @pytest.mark.parametrize(
        ("side", "limit", "bar", "price"),
        [
            ("buy", 98.0, daily_bar("AAA", 1, open=100, high=101, low=98), 98.0),
            ("buy", 98.0, daily_bar("AAA", 1, open=95, high=101, low=94), 95.0),
            ("buy", 98.0, daily_bar("AAA", 1, open=100, high=101, low=98.5), None),
            ("sell", 102.0, daily_bar("AAA", 1, open=100, high=102, low=98), 102.0),
            ("sell", 102.0, daily_bar("AAA", 1, open=105, high=106, low=98), 105.0),
            ("sell", 102.0, daily_bar("AAA", 1, open=100, high=101.9, low=98), None),
        ],
    )
    def test_a_limit_fills_at_its_limit_or_at_a_better_open(self, side, limit, bar, price) -> None:  # type: ignore[no-untyped-def]
        asked = request(side, 10, type="limit", limit_price=limit, time_in_force="gtc")
        change = match_bar(after(holding(10, cash=5_000), asked, inside(0, 100.0)), bar, COSTS)
        assert [fill.price for fill in change.fills] == ([] if price is None else [price])

    def test_a_bar_that_began_before_a_limit_does_not_fill_it(self) -> None:
        book = after(Book(cash=5_000), request(type="limit", limit_price=98.0), inside(1, 100.0))
        assert match_bar(book, daily_bar("AAA", 1, open=90, high=101, low=80), COSTS).fills == ()

    def test_the_stop_of_a_position_goes_before_its_target_in_a_bar_that_reaches_both(self) -> None:
        book = after(holding(10), trailing(5), inside(0, 100.0))
        asked = request("sell", 5, id="target", type="limit", limit_price=110.0, time_in_force="gtc")
        fills = match_bar(
            after(book, asked, inside(0, 100.0)), daily_bar("AAA", 1, 100, 120, 90), COSTS
        ).fills
        assert [fill.client_id for fill in fills] == ["stop-1", "target"]

    def test_an_accepted_order_is_new_once_a_bar_has_passed_it(self) -> None:
        book = after(holding(10), trailing(10), after_close(0, 100.0))
        (order,) = match_bar(book, daily_bar("AAA", 1, 100, 100, 99), COSTS).orders
        assert order.state is OrderState.NEW


class TestTimeInForce:
    def test_a_day_order_ends_with_its_session_and_frees_what_it_held(self) -> None:
        book = after(Book(cash=5_000), request(type="limit", limit_price=90.0), inside(1, 100.0))
        change = expire(book, closes(1))
        assert change.orders[0].state is OrderState.EXPIRED
        assert change.book.buying_power == 5_000

    def test_a_day_order_given_at_the_close_or_later_is_for_the_next_session(self) -> None:
        asked = request(type="limit", limit_price=90.0)
        for market in (inside(0, 100.0, at=closes(0)), after_close(0, 100.0)):
            book = after(Book(cash=5_000), asked, market)
            assert expire(book, closes(0)).orders == ()
            assert expire(book, closes(1)).orders[0].state is OrderState.EXPIRED

    def test_a_gtc_order_stays(self) -> None:
        assert expire(stopped(), closes(5)).orders == ()

    def test_a_market_order_for_a_symbol_that_does_not_trade_expires_that_day(self) -> None:
        book = after(Book(cash=10_000), request("buy", 10), after_close(0, 100.0))
        bars = [daily_bar("AAA", 2, 100, 100, 100)]
        change = live_through(book, bars, [closes(1), closes(2)], COSTS)
        assert change.orders[0].state is OrderState.EXPIRED
        assert change.fills == ()


def test_a_stretch_of_time_is_lived_in_order_whatever_the_order_of_the_bars() -> None:
    minutes = [opens(1) + timedelta(minutes=number) for number in range(3)]
    rise = minute_bar("AAA", minutes[0], 100, 120, 100, 120)
    fall = minute_bar("AAA", minutes[1], 119, 119, 113, 113)
    later = minute_bar("AAA", minutes[2], 50, 50, 50, 50)
    change = live_through(stopped(), [later, fall, rise], [closes(1)], COSTS)
    (fill,) = change.fills
    assert (fill.price, fill.at) == (120 * (1 - 0.05) * SOLD, fall.ends)
    assert len(change.orders) == 1, "an order that changed several times is told once, as it ended"


def test_a_sale_that_brings_less_than_it_costs_is_charged_what_there_is_and_makes_no_debt() -> None:
    market = inside(1, 0.5)
    for cash, charged in ((0.0, 5.0), (3.0, 8.0), (50.0, 20.0)):
        change = submit(
            holding(10, cash=cash), request("sell", 10), market, Costs(0, commission_per_order=20)
        )
        assert isinstance(change, Change)
        assert change.fills[0].commission == charged
        assert change.book.cash == cash + 5.0 - charged

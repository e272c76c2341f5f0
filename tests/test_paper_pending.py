"""What is on its way to a paper account: seen late, taken over by the next process, in before time passes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from fakes import closes, opens, request, trailing
from momentum.model.orders import Confirmed, OrderState, RefusalKind, Unknown
from test_paper_faults import ALWAYS, Chance, confirmed, faulty, plain, refusal, stop_of
from test_paper_faults import place as place

LATER = closes(0) + timedelta(hours=1)


@pytest.fixture
def chance() -> Chance:
    return Chance()


class TestLateRequests:
    def test_an_order_is_not_answered_not_shown_and_arrives_by_a_later_look(
        self, place: Path, chance: Chance
    ) -> None:
        broker = faulty(place, chance=chance, late_requests=0.5)
        assert isinstance(broker.submit(request("buy", 3, id="late")), Unknown)
        chance.happens = False
        assert broker.find("late") is None
        assert [order.client_id for order in broker.orders(open_only=False)] == ["entry", "stop-1"]
        chance.happens = True  # also: that it has arrived by now
        found = broker.find("late")
        assert found is not None
        assert found.state is OrderState.FILLED
        assert broker.holdings()[0].qty == 13

    def test_sent_again_while_it_is_late_it_is_taken_once(self, place: Path, chance: Chance) -> None:
        broker = faulty(place, chance=chance, late_requests=0.5)
        broker.submit(request("buy", 3, id="late"))
        chance.happens = False
        assert isinstance(broker.submit(request("buy", 3, id="late")), Confirmed)
        chance.happens = True
        assert broker.holdings()[0].qty == 13
        assert refusal(plain(place).submit(request("buy", 3, id="late"))) is RefusalKind.DUPLICATE_ID

    def test_a_request_sent_twice_late_is_one(self, place: Path) -> None:
        broker = faulty(place, late_requests=ALWAYS)
        for _ in range(2):
            broker.submit(request("buy", 3, id="late"))
        plain(place).advance(LATER)
        assert plain(place).holdings()[0].qty == 13

    def test_the_next_process_lets_it_arrive_before_time_passes(self, place: Path) -> None:
        faulty(place, late_requests=ALWAYS).submit(request("buy", 3, id="late"))
        assert plain(place).find("late") is None
        plain(place).advance(closes(1))
        (fill,) = [fill for fill in plain(place).fills(None) if fill.client_id == "late"]
        assert fill.at == closes(0)

    def test_refused_on_arrival_it_never_was(self, place: Path) -> None:
        faulty(place, late_requests=ALWAYS).submit(request("buy", 3, id="late"))
        faulty(place, refused=ALWAYS).advance(LATER)
        assert plain(place).find("late") is None
        assert plain(place).pending.in_flight() == ()

    def test_an_order_that_is_in_already_is_not_sent_late(self, place: Path) -> None:
        faulty(place, late_requests=ALWAYS).submit(request("buy", 3, id="entry"))
        assert plain(place).pending.in_flight() == ()


class TestPendingCancels:
    def test_an_accepted_cancel_holds_its_shares_until_a_later_look(
        self, place: Path, chance: Chance
    ) -> None:
        broker = faulty(place, chance=chance, pending_cancels=0.5)
        stop = stop_of(broker)
        assert confirmed(broker.cancel(stop.id)).state is OrderState.PENDING_CANCEL
        assert broker.holdings()[0].available == 0
        assert refusal(broker.submit(request("sell", 10, id="out"))) is RefusalKind.INSUFFICIENT_SHARES
        assert refusal(broker.replace(stop.id, "stop-2", 5)) is RefusalKind.NOT_CANCELABLE
        assert refusal(broker.cancel(stop.id)) is RefusalKind.NOT_CANCELABLE
        chance.happens = False
        assert broker.orders() == ()
        assert broker.holdings()[0].available == 10

    def test_the_next_process_finds_it_pending_and_time_ends_it(self, place: Path) -> None:
        broker = faulty(place, pending_cancels=ALWAYS)
        broker.cancel(stop_of(broker).id)
        after = faulty(place, pending_cancels=ALWAYS)
        assert after.orders()[0].state is OrderState.PENDING_CANCEL
        after.advance(LATER)
        assert stop_of(after).state is OrderState.CANCELED

    def test_an_account_without_faults_ends_it_at_the_same_moment(self, place: Path) -> None:
        broker = faulty(place, pending_cancels=ALWAYS)
        broker.cancel(stop_of(broker).id)
        plain(place).advance(closes(0))
        assert plain(place).orders() == ()

    def test_it_may_fill_still(self, place: Path, chance: Chance) -> None:
        broker = faulty(place, chance=chance, pending_cancels=ALWAYS, pending_fills=0.5)
        order = confirmed(broker.submit(request("buy", 3, id="new")))
        broker.cancel(order.id)
        chance.happens = False
        found = broker.find("new")
        assert found is not None
        assert found.state is OrderState.FILLED


class TestPendingFills:
    def test_a_market_order_is_new_until_a_later_look(self, place: Path, chance: Chance) -> None:
        broker = faulty(place, chance=chance, pending_fills=0.5)
        order = confirmed(broker.submit(request("buy", 3, id="new")))
        assert (order.state, order.filled_qty) == (OrderState.NEW, 0)
        assert [fill.client_id for fill in broker.fills(None)] == ["entry"]
        assert broker.account().buying_power == broker.account().cash - 3 * 100
        chance.happens = False
        assert broker.find("new").state is OrderState.FILLED  # type: ignore[union-attr]

    def test_a_new_process_fills_it_at_its_moment_before_time_passes(self, place: Path) -> None:
        faulty(place, pending_fills=ALWAYS).submit(request("buy", 3, id="new"))
        fills = faulty(place, pending_fills=ALWAYS).advance(closes(1))
        assert [(fill.client_id, fill.at) for fill in fills] == [("new", closes(0))]

    def test_cancelled_before_it_filled_it_buys_nothing(self, place: Path, chance: Chance) -> None:
        broker = faulty(place, chance=chance, pending_fills=0.5)
        order = confirmed(broker.submit(request("buy", 3, id="new")))
        assert confirmed(broker.cancel(order.id)).state is OrderState.CANCELED
        chance.happens = False
        assert broker.holdings()[0].qty == 10
        assert broker.account().buying_power == broker.account().cash

    def test_outside_of_a_session_nothing_is_pending_but_the_open(self, place: Path) -> None:
        broker = faulty(place, pending_fills=ALWAYS)
        broker.advance(LATER)
        assert confirmed(broker.submit(request("buy", 3, id="new"))).state is OrderState.ACCEPTED
        (fill,) = broker.advance(closes(1))
        assert fill.at == opens(1)


class TestHeldAfterCancel:
    def test_shares_of_a_cancelled_stop_are_held_until_a_later_look(
        self, place: Path, chance: Chance
    ) -> None:
        broker = faulty(place, chance=chance, held_after_cancel=0.5)
        stop = stop_of(broker)
        assert confirmed(broker.cancel(stop.id)).state is OrderState.CANCELED
        assert broker.holdings()[0].available == 0
        outcome = broker.submit(request("sell", 10, id="out"))
        assert refusal(outcome) is RefusalKind.INSUFFICIENT_SHARES
        assert stop.id in outcome.message  # type: ignore[union-attr]
        chance.happens = False
        assert broker.holdings()[0].available == 10
        assert confirmed(broker.submit(request("sell", 10, id="out"))).state is OrderState.FILLED

    def test_the_next_process_is_told_the_same_until_time_passes(self, place: Path) -> None:
        broker = faulty(place, held_after_cancel=ALWAYS)
        broker.cancel(stop_of(broker).id)
        assert faulty(place, held_after_cancel=ALWAYS).holdings()[0].available == 0
        plain(place).advance(LATER)
        assert plain(place).holdings()[0].available == 10

    def test_a_sale_that_is_in_is_refused_as_a_duplicate_though_shares_are_held(self, place: Path) -> None:
        broker = faulty(place, held_after_cancel=ALWAYS)
        broker.replace(stop_of(broker).id, "stop-2", 5)
        confirmed(broker.submit(request("sell", 5, id="half")))
        broker.cancel(broker.orders()[0].id)
        assert refusal(broker.submit(request("sell", 5, id="half"))) is RefusalKind.DUPLICATE_ID

    def test_a_cancelled_buy_holds_nothing(self, place: Path) -> None:
        broker = faulty(place, held_after_cancel=ALWAYS)
        order = confirmed(broker.submit(request(qty=3, id="low", type="limit", limit_price=90.0)))
        broker.cancel(order.id)
        assert broker.account().buying_power == broker.account().cash

    def test_a_stop_over_them_is_refused_as_well(self, place: Path) -> None:
        broker = faulty(place, held_after_cancel=ALWAYS)
        broker.cancel(stop_of(broker).id)
        assert refusal(broker.submit(trailing(10, id="stop-2"))) is RefusalKind.INSUFFICIENT_SHARES

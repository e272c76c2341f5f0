"""Protection: one stop over each whole position, at the level it has earned, or a standing alarm."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from execution_builders import at_work, bought, desk, later, open_stops, order
from momentum.errors import BrokerError
from momentum.execution.account import portfolio
from momentum.execution.alarms import NAKED, UNSETTLED
from momentum.execution.reconcile import Change, reconcile
from momentum.execution.stops import protect
from momentum.model.orders import OrderState, RefusalKind, Refused, Unknown


def test_one_stop_covers_the_whole_position(tmp_path: Path) -> None:
    trading = at_work(tmp_path)
    bought(trading)
    (protection,) = protect(trading)
    assert protection.placed
    (stop,) = open_stops(trading)
    assert (stop.qty, stop.trail, stop.stop_price) == (50, 0.05, pytest.approx(102 * 0.95))


def test_protecting_twice_places_one_stop(tmp_path: Path) -> None:
    trading = at_work(tmp_path)
    bought(trading)
    protect(trading)
    (again,) = protect(trading)
    assert not again.placed
    assert len(open_stops(trading)) == 1


def test_a_position_that_grew_has_its_stop_extended_at_its_level(tmp_path: Path) -> None:
    """The bug this is named for: 232 shares held, 165 protected."""
    trading = at_work(tmp_path)
    trading = replace(trading, limits=replace(trading.limits, add_to_positions=True))
    bought(trading, qty=50)
    protect(trading)
    trading = later(trading, 1)
    trading.broker.advance(trading.now)
    (before,) = open_stops(trading)
    more = order("buy", qty=30)
    assert desk(trading, more).buy(more).status == "filled"
    protect(trading)
    (stop,) = open_stops(trading)
    assert stop.qty == 80
    assert stop.stop_price == before.stop_price == pytest.approx(104 * 0.95)


def test_a_refused_stop_is_tried_three_times_and_then_shouted(tmp_path: Path) -> None:
    trading = at_work(tmp_path)
    bought(trading)
    trading.broker.moods["submit"] = lambda broker, request: Refused(RefusalKind.OTHER, "not today")  # type: ignore[attr-defined]
    tried = len(trading.broker.sent)  # type: ignore[attr-defined]
    (protection,) = protect(trading)
    assert protection.stop_price is None
    assert len(trading.broker.sent) - tried == 3  # type: ignore[attr-defined]
    assert trading.sleep.slept == 2.0  # type: ignore[attr-defined]
    (alarm,) = trading.ledger.alarms(trading.account)
    assert alarm.kind == NAKED
    assert alarm.text.startswith("CRITICAL: Position AAA has NO trailing stop protection!")
    assert "By hand" in alarm.text
    assert "`momentum status --fix` tries again, as every scan does" in alarm.text


def test_the_alarm_stands_until_a_later_command_mends_it(tmp_path: Path) -> None:
    trading = at_work(tmp_path)
    bought(trading)
    trading.broker.moods["submit"] = lambda broker, request: Refused(RefusalKind.OTHER, "not today")  # type: ignore[attr-defined]
    protect(trading)
    assert portfolio(trading).positions[0].is_naked
    del trading.broker.moods["submit"]  # type: ignore[attr-defined]
    protect(trading)
    assert trading.ledger.alarms(trading.account) == ()
    assert [stop.qty for stop in open_stops(trading)] == [50]


def test_the_alarm_of_a_position_that_is_gone_is_cleared(tmp_path: Path) -> None:
    trading = at_work(tmp_path)
    bought(trading)
    trading.broker.moods["submit"] = lambda broker, request: (  # type: ignore[attr-defined]
        Refused(RefusalKind.OTHER, "not today") if request.type == "trailing_stop" else broker.submit(request)
    )
    protect(trading)
    close = order("sell")
    assert desk(trading, close).close(close).status == "filled"
    protect(trading)
    assert trading.ledger.alarms(trading.account) == ()


def test_a_stop_below_the_market_is_placed_where_the_earned_level_is_passed_already(tmp_path: Path) -> None:
    from fakes import daily_bar

    bars = (daily_bar("AAA", 0, 100, 104, 98, 102), daily_bar("AAA", 1, 120, 130, 95, 96))
    trading = at_work(tmp_path, bars=bars)
    bought(trading)
    trading.ledger.update_peak(trading.account, "AAA", 130.0)
    trading = later(trading, 1)
    trading.broker.advance(trading.now)
    protect(trading)
    (stop,) = open_stops(trading)
    assert stop.stop_price == pytest.approx(96 * 0.95)


def test_stops_are_taken_through_every_bar_before_the_next_scan(tmp_path: Path) -> None:
    from fakes import daily_bar

    bars = (
        daily_bar("AAA", 0, 100, 104, 98, 102),
        daily_bar("AAA", 1, 103, 110, 101, 109),
        daily_bar("AAA", 2, 108, 109, 100, 101),
    )
    trading = at_work(tmp_path, bars=bars)
    bought(trading)
    protect(trading)
    found = reconcile(later(trading, 2))
    (fill,) = found.fills
    assert (fill.side, fill.qty) == ("sell", 50)
    assert fill.price == pytest.approx(110 * 0.95)
    (trade,) = trading.ledger.trades(trading.account)
    assert trade.exit_reason == "trailing_stop"


def test_an_intent_that_never_reached_the_broker_is_told_as_lost(tmp_path: Path) -> None:
    from momentum.model.orders import Unknown

    trading = at_work(tmp_path, submit=lambda broker, request: Unknown("timed out"))
    wanted = order("buy")
    desk(trading, wanted).buy(wanted)
    del trading.broker.moods["submit"]  # type: ignore[attr-defined]
    assert reconcile(trading).lost == (), "not being found right after it was sent is no proof"
    assert [order.symbol for order in portfolio(trading).pending_buys] == ["AAA"]
    next_day = later(trading, 1)
    assert len(reconcile(next_day).lost) == 1
    assert trading.ledger.open_intents(trading.account) == ()
    assert portfolio(next_day).pending_buys == ()


def test_a_position_that_the_ledger_does_not_know_is_adopted_and_protected(tmp_path: Path) -> None:
    from fakes import request

    trading = at_work(tmp_path)
    trading.broker.submit(request("buy", 20))
    trading.broker.moods["fills"] = lambda broker, after: ()  # type: ignore[attr-defined]
    assert reconcile(trading).adopted == (Change("AAA", 0, 20),)
    protect(trading)
    assert [stop.qty for stop in open_stops(trading)] == [20]


def test_a_stop_that_is_being_cancelled_is_no_cover(tmp_path: Path) -> None:
    trading = at_work(tmp_path)
    bought(trading)
    protect(trading)
    trading.broker.moods["orders"] = lambda broker, **more: tuple(  # type: ignore[attr-defined]
        replace(one, state=OrderState.PENDING_CANCEL) if one.is_stop else one for one in broker.orders(**more)
    )
    (protection,) = protect(trading)
    assert protection.problem
    assert [alarm.symbol for alarm in trading.ledger.alarms(trading.account)] == ["AAA"]


def test_a_stop_that_nobody_confirmed_is_looked_for_before_another_is_sent(tmp_path: Path) -> None:
    def lost(broker, request):  # type: ignore[no-untyped-def]
        broker.submit(request)
        return Unknown("timed out")

    trading = at_work(tmp_path)
    bought(trading)
    trading.broker.moods["submit"] = lost  # type: ignore[attr-defined]
    trading.broker.moods["find"] = lambda broker, client_id: None  # type: ignore[attr-defined]
    (protection,) = protect(trading)
    assert protection.problem == ""
    assert [stop.qty for stop in open_stops(trading)] == [50]
    assert trading.ledger.alarms(trading.account) == ()


def test_shares_that_no_stop_covers_are_taken_in_by_the_one_with_the_highest_level(tmp_path: Path) -> None:
    from fakes import trailing

    trading = at_work(tmp_path)
    bought(trading)
    for number, (qty, hwm) in enumerate(((20, 106.0), (25, 105.0))):
        trading.broker.submit(trailing(qty, id=f"by-hand-{number}", hwm=hwm))
    protect(trading)
    assert sorted((stop.qty, stop.stop_price) for stop in open_stops(trading)) == [
        (25, pytest.approx(105 * 0.95)),
        (25, pytest.approx(106 * 0.95)),
    ]


def test_a_stop_that_the_broker_does_not_change_keeps_what_it_covers(tmp_path: Path) -> None:
    from fakes import trailing

    trading = at_work(tmp_path, replace=lambda *_: Refused(RefusalKind.NOT_CANCELABLE, "not in this state"))
    bought(trading)
    trading.broker.submit(trailing(20, id="by-hand", hwm=106.0))
    protect(trading)
    assert sorted(stop.qty for stop in open_stops(trading)) == [20, 30]
    assert trading.ledger.alarms(trading.account) == ()


@pytest.mark.parametrize("changeable", [True, False])
def test_shares_covered_twice_are_let_go(tmp_path: Path, changeable: bool) -> None:
    """As after a part of the position was sold by hand, at a broker that left the stop as it was."""
    trading = at_work(tmp_path)
    bought(trading)
    protect(trading)
    if not changeable:
        trading.broker.moods["replace"] = lambda *_: Refused(RefusalKind.NOT_CANCELABLE, "not in this state")  # type: ignore[attr-defined]
    trading.broker.moods["holdings"] = lambda broker: tuple(  # type: ignore[attr-defined]
        replace(one, qty=30, available=30 - sum(stop.remaining for stop in broker.orders()))
        for one in broker.holdings()
    )
    (before,) = open_stops(trading)
    protect(trading)
    (after,) = open_stops(trading)
    assert (after.qty, after.stop_price) == (30, before.stop_price)


def test_an_account_that_cannot_be_read_is_an_alarm_of_its_own(tmp_path: Path) -> None:
    def silent(broker: object) -> None:
        raise BrokerError("no answer")

    trading = at_work(tmp_path)
    bought(trading)
    trading.broker.moods["holdings"] = silent  # type: ignore[attr-defined]
    with pytest.raises(BrokerError):
        protect(trading)
    (alarm,) = trading.ledger.alarms(trading.account)
    assert (alarm.symbol, "cannot be read" in alarm.text) == ("", True)
    del trading.broker.moods["holdings"]  # type: ignore[attr-defined]
    protect(trading)
    assert trading.ledger.alarms(trading.account) == ()


def test_shares_that_are_gone_end_their_trade(tmp_path: Path) -> None:
    trading = at_work(tmp_path)
    bought(trading, qty=50)
    trading.broker.moods["holdings"] = lambda broker: ()  # type: ignore[attr-defined]
    assert reconcile(trading).gone == (Change("AAA", 50, 0),)
    assert trading.ledger.open_trades(trading.account) == ()
    assert reconcile(trading).gone == ()


def test_nothing_is_bought_while_a_position_has_no_stop(tmp_path: Path) -> None:
    trading = at_work(tmp_path)
    bought(trading)
    trading.broker.moods["submit"] = lambda broker, request: (  # type: ignore[attr-defined]
        Refused(RefusalKind.OTHER, "no stops") if request.type == "trailing_stop" else broker.submit(request)
    )
    protect(trading)
    wanted = order("buy", "BBB")
    done = desk(trading, wanted).buy(wanted)
    assert (done.status, done.text) == (
        "refused",
        "HALTED, no buys: no stop over all of AAA: nothing is bought until there is",
    )
    trading.broker.moods.clear()  # type: ignore[attr-defined]
    protect(trading)
    assert desk(trading, wanted).buy(wanted).status == "filled"


def test_a_buy_that_may_still_arrive_is_an_alarm_until_it_is_settled(tmp_path: Path) -> None:
    trading = at_work(tmp_path, submit=lambda broker, request: Unknown("timed out"))
    wanted = order("buy")
    desk(trading, wanted).buy(wanted)
    protect(trading)
    (alarm,) = trading.ledger.alarms(trading.account)
    assert (alarm.kind, alarm.symbol) == (UNSETTLED, "AAA")
    assert "50 AAA may still fill" in alarm.text
    reconcile(replace(trading, now=trading.now + timedelta(minutes=11)))
    protect(trading)
    assert trading.ledger.alarms(trading.account) == ()


def test_a_stop_over_shares_that_are_not_held_is_cancelled(tmp_path: Path) -> None:
    """One that arrived late, after its position was sold: at some brokers it would sell short."""
    trading = at_work(tmp_path)
    bought(trading)
    protect(trading)
    trading.broker.moods["holdings"] = lambda broker: ()  # type: ignore[attr-defined]
    protect(trading)
    assert open_stops(trading) == []


def test_shares_sold_short_by_somebody_are_no_position_of_ours(tmp_path: Path) -> None:
    trading = at_work(tmp_path)
    bought(trading)
    trading.broker.moods["holdings"] = lambda broker: tuple(  # type: ignore[attr-defined]
        replace(one, qty=-50, available=-50) for one in broker.holdings()
    )
    assert portfolio(trading).positions == ()
    assert protect(trading) == ()


def test_an_odd_answer_about_one_position_keeps_no_other_from_its_stop(tmp_path: Path) -> None:
    trading = at_work(tmp_path)
    bought(trading, "AAA")
    bought(trading, "BBB")
    trading.broker.moods["submit"] = lambda broker, request: (  # type: ignore[attr-defined]
        None if request.symbol == "AAA" else broker.submit(request)
    )
    protect(trading)
    assert [stop.symbol for stop in open_stops(trading)] == ["BBB"]
    assert [alarm.symbol for alarm in trading.ledger.alarms(trading.account)] == ["AAA"]


def test_ctrl_c_leaves_no_position_bare_in_silence(tmp_path: Path) -> None:
    def interrupted(broker: object, request: object) -> None:
        raise KeyboardInterrupt

    trading = at_work(tmp_path)
    bought(trading, "AAA")
    bought(trading, "BBB")
    trading.broker.moods["submit"] = interrupted  # type: ignore[attr-defined]
    with pytest.raises(KeyboardInterrupt):
        protect(trading)
    assert [alarm.symbol for alarm in trading.ledger.alarms(trading.account)] == ["AAA", "BBB"]


def test_no_stop_is_placed_over_a_position_that_is_gone_by_then(tmp_path: Path) -> None:
    """The stop of one position fires while another one takes its time."""
    trading = at_work(tmp_path)
    bought(trading, "AAA")
    bought(trading, "BBB")

    def slow(broker, request):  # type: ignore[no-untyped-def]
        if request.symbol == "AAA":
            for held_order in broker.orders():
                broker.cancel(held_order.id)
            broker.submit(
                replace(
                    request,
                    client_id="sold",
                    symbol="BBB",
                    type="market",
                    trail=None,
                    hwm=None,
                    time_in_force="day",
                )
            )
        return broker.submit(request)

    trading.broker.moods["submit"] = slow  # type: ignore[attr-defined]
    protect(trading)
    assert [sent.symbol for sent in trading.broker.sent] == ["AAA", "BBB", "AAA"]  # type: ignore[attr-defined]
    assert [stop.symbol for stop in open_stops(trading)] == ["AAA"]


def test_a_stop_that_is_being_changed_is_waited_for(tmp_path: Path) -> None:
    trading = at_work(tmp_path)
    bought(trading)
    protect(trading)
    trading.broker.moods["orders"] = lambda broker, **more: tuple(  # type: ignore[attr-defined]
        replace(one, state=OrderState.PENDING_REPLACE) if one.is_stop else one
        for one in broker.orders(**more)
    )
    sent = len(trading.broker.sent)  # type: ignore[attr-defined]
    (protection,) = protect(trading)
    assert "pending" in protection.problem
    assert len(trading.broker.sent) == sent  # type: ignore[attr-defined]

"""The order bugs of the system that this one replaces, each by name: they must not come back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from execution_builders import BARS, at_work, bought, desk, held, later, open_stops, order
from fakes import closes, daily_bar
from momentum.execution.alarms import NAKED
from momentum.execution.stops import protect
from momentum.model.orders import OrderState, RefusalKind, Refused


def test_232_shares_held_and_165_protected(tmp_path: Path) -> None:
    """Each entry once had only its own stop; a stop covers the whole position, also after adding to it."""
    trading = at_work(tmp_path)
    trading = replace(trading, limits=replace(trading.limits, add_to_positions=True))
    first, second = order("buy", qty=165), order("buy", qty=67)
    desk(trading, first).buy(first)
    desk(trading, second).buy(second)
    assert held(trading) == {"AAA": 232}
    assert [stop.remaining for stop in open_stops(trading)] == [232]


def test_adding_leaves_no_share_without_a_stop_on_the_way(tmp_path: Path) -> None:
    """The old stop was once cancelled before the new one was placed; it is extended in place instead."""
    covered = []

    def replaced(broker, order_id, client_id, qty):  # type: ignore[no-untyped-def]
        covered.append(sum(one.remaining for one in broker.orders() if one.is_stop))
        return broker.replace(order_id, client_id, qty)

    def cancel(broker, order_id):  # type: ignore[no-untyped-def]
        raise AssertionError("the stop is not to be cancelled")

    trading = at_work(tmp_path, replace=replaced, cancel=cancel)
    trading = replace(trading, limits=replace(trading.limits, add_to_positions=True))
    for wanted in (order("buy", qty=165), order("buy", qty=67)):
        desk(trading, wanted).buy(wanted)
    assert covered == [165]


def test_insufficient_qty_available_for_order_requested_1518_available_0(tmp_path: Path) -> None:
    """A close once waited half a second, and for the wrong thing: the shares were still held by the stop."""
    trading = at_work(tmp_path, cash=1_000_000)
    bought(trading, qty=1518)
    polls = []

    def holdings(broker):  # type: ignore[no-untyped-def]
        """The broker's books lag behind the cancel by three seconds."""
        polls.append(trading.sleep.slept)  # type: ignore[attr-defined]
        return tuple(replace(one, available=0) if polls[-1] < 3 else one for one in broker.holdings())

    trading.broker.moods["holdings"] = holdings  # type: ignore[attr-defined]
    wanted = order("sell", qty=1518)
    done = desk(trading, wanted).close(wanted)
    assert (done.status, done.qty) == ("filled", 1518)
    assert 3 <= trading.sleep.slept <= 5  # type: ignore[attr-defined]


def test_the_close_failed_and_the_scan_bought_all_the_same(tmp_path: Path) -> None:
    """A failed close keeps its slot, so that the buy that needed it does not happen; its stop is back."""
    trading = at_work(tmp_path)
    trading = replace(trading, limits=replace(trading.limits, max_positions=1))
    bought(trading)

    def submit(broker, request):  # type: ignore[no-untyped-def]
        if request.side == "sell" and request.type == "market":
            return Refused(RefusalKind.INSUFFICIENT_SHARES, "insufficient qty available for order")
        return broker.submit(request)

    trading.broker.moods["submit"] = submit  # type: ignore[attr-defined]
    sale, buy = order("sell"), order("buy", "BBB")
    table = desk(trading, sale, buy)
    assert table.close(sale).status == "refused"
    assert [stop.remaining for stop in open_stops(trading)] == [50]
    done = table.buy(buy)
    assert (done.status, held(trading)) == ("refused", {"AAA": 50})
    assert "max 1 positions" in done.text


def test_a_position_without_a_stop_is_told_and_not_passed_over(tmp_path: Path) -> None:
    """After three attempts, a second apart, an alarm stands that says what to do by hand."""

    def no_stops(broker, request):  # type: ignore[no-untyped-def]
        return (
            Refused(RefusalKind.OTHER, "no stops today")
            if request.type == "trailing_stop"
            else broker.submit(request)
        )

    trading = at_work(tmp_path, submit=no_stops)
    wanted = order("buy")
    assert desk(trading, wanted).buy(wanted).status == "filled"
    stops = [sent for sent in trading.broker.sent if sent.type == "trailing_stop"]  # type: ignore[attr-defined]
    assert len(stops) == 3
    assert trading.sleep.slept == 2.0  # type: ignore[attr-defined]
    (alarm,) = trading.ledger.alarms(trading.account)
    assert alarm.kind == NAKED
    assert alarm.text.startswith("CRITICAL: Position AAA has NO trailing stop protection!")
    assert "sell trailing stop of 5% over 50 shares" in alarm.text


def test_adding_beside_a_resting_stop_that_the_broker_does_not_take(tmp_path: Path) -> None:
    """Some brokers refuse a buy beside an opposite stop: it gives way for the buy, and comes back as it was."""
    bars = (
        *BARS,
        *(daily_bar("DDD", number, 100, 104, 98, price) for number, price in enumerate((102, 100))),
    )
    trading = at_work(tmp_path, bars=bars)
    trading = replace(trading, limits=replace(trading.limits, add_to_positions=True))
    bought(trading, "DDD", 40)
    protect(trading)
    level = open_stops(trading)[0].stop_price

    def submit(broker, request):  # type: ignore[no-untyped-def]
        if request.side == "buy" and any(one.is_stop for one in broker.orders()):
            return Refused(RefusalKind.WASH_TRADE, "potential wash trade detected. use complex orders")
        return broker.submit(request)

    trading.broker.moods["submit"] = submit  # type: ignore[attr-defined]
    next_day = later(trading, 1)
    next_day.broker.advance(closes(1))
    more = replace(order("buy", "DDD", 20), price=100.0)
    assert desk(next_day, more).buy(more).status == "filled"
    (stop,) = open_stops(next_day)
    assert (stop.remaining, stop.state) == (60, OrderState.NEW)
    assert level is not None and stop.stop_price is not None and stop.stop_price >= level

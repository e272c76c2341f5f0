"""Reconciliation: the ledger is brought to the broker's truth, and every share is accounted for once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from execution_builders import BARS, at_work, bought, desk, held, later, open_stops, order
from fakes import closes, request, trailing
from momentum.errors import BrokerError, LedgerError
from momentum.execution.account import portfolio
from momentum.execution.following import record_fills
from momentum.execution.reconcile import Change, reconcile, settle
from momentum.execution.sending import send
from momentum.execution.stops import protect
from momentum.execution.trading import Trading
from momentum.ledger.trades import IMPORTED
from momentum.model.orders import Fill, OrderState, RefusalKind, Refused, Unknown
from momentum.model.portfolio import Holding


def mood(trading: Trading, **moods: Callable[..., Any]) -> None:
    trading.broker.moods.update(moods)  # type: ignore[attr-defined]


def no_fills(broker: Any, after: object) -> tuple[Fill, ...]:
    return ()


def cheerful(trading: Trading) -> None:
    """The broker behaves again."""
    trading.broker.moods.clear()  # type: ignore[attr-defined]


def test_a_fill_told_late_is_counted_once_and_keeps_its_profit(tmp_path: Path) -> None:
    trading = at_work(tmp_path)
    mood(trading, fills=no_fills)
    bought(trading)
    (trade,) = trading.ledger.open_trades(trading.account)
    assert (trade.quantity, trade.entry_price, trade.entry_reason) == (50, 102.0, "a test")
    assert reconcile(trading).adopted == ()
    cheerful(trading)
    for _ in range(2):
        assert reconcile(trading).adopted == ()
        assert [trade.quantity for trade in trading.ledger.open_trades(trading.account)] == [50]
    (fill,) = trading.ledger.fills(account=trading.account)
    assert (fill.qty, fill.price) == (50, 102.0)
    assert fill.id == trading.broker.fills(None)[0].id


def test_a_sale_told_late_closes_its_trade_by_its_own_reason(tmp_path: Path) -> None:
    trading = at_work(tmp_path)
    bought(trading)
    mood(trading, fills=no_fills)
    close = order("sell", reason="signal")
    assert desk(trading, close).close(close).status == "filled"
    cheerful(trading)
    assert reconcile(trading).gone == ()
    (trade,) = trading.ledger.trades(trading.account)
    assert (trade.status, trade.exit_reason, trade.exit_price) == ("closed", "signal", 102.0)


def test_a_fill_told_late_brings_its_commission_to_the_trade(tmp_path: Path) -> None:
    trading = at_work(tmp_path)
    mood(trading, fills=no_fills)
    bought(trading)
    mood(
        trading,
        fills=lambda broker, after: tuple(replace(one, commission=1.5) for one in broker.fills(after)),
    )
    record_fills(trading)
    (trade,) = trading.ledger.open_trades(trading.account)
    assert trade.commission == 1.5


def test_fills_told_in_parts_after_the_count_replace_it_bit_by_bit(tmp_path: Path) -> None:
    trading = at_work(tmp_path)
    mood(trading, fills=no_fills)
    bought(trading)
    mood(trading, fills=parts(20, 30))
    record_fills(trading)
    assert sorted(fill.qty for fill in trading.ledger.fills(account=trading.account)) == [20, 30]
    assert [trade.quantity for trade in trading.ledger.open_trades(trading.account)] == [50]


def parts(*quantities: int) -> Callable[..., tuple[Fill, ...]]:
    def told(broker: Any, after: object) -> tuple[Fill, ...]:
        (whole,) = broker.fills(None)
        return tuple(
            replace(whole, id=f"{whole.id}.{number}", qty=qty) for number, qty in enumerate(quantities)
        )

    return told


def test_shares_that_an_unanswered_order_may_explain_are_not_adopted(tmp_path: Path) -> None:
    """The order list lags behind the position: adopting it would count the order's shares twice later."""

    def lost(broker, request):  # type: ignore[no-untyped-def]
        broker.submit(request)
        return Unknown("timed out")

    trading = at_work(tmp_path, submit=lost, find=lambda broker, client_id: None, fills=no_fills)
    wanted = order("buy")
    assert desk(trading, wanted).buy(wanted).status == "unknown"
    assert reconcile(trading).adopted == ()
    cheerful(trading)
    reconcile(trading)
    (trade,) = trading.ledger.open_trades(trading.account)
    assert (trade.quantity, trade.entry_reason) == (50, "a test")


def test_a_fill_between_two_readings_is_no_difference(tmp_path: Path) -> None:
    """Positions and fills are read one after the other; what happens between them must not look foreign."""
    trading = at_work(tmp_path)
    readings = []

    def holdings(broker):  # type: ignore[no-untyped-def]
        readings.append(1)
        return () if len(readings) == 1 else broker.holdings()

    bought(trading)
    mood(trading, holdings=holdings)
    found = reconcile(trading)
    assert (found.gone, found.adopted) == ((), ())
    assert len(readings) > 1


def test_shares_bought_by_hand_are_taken_in_by_their_fill(tmp_path: Path) -> None:
    trading = at_work(tmp_path)
    trading.broker.submit(request("buy", 20))
    found = reconcile(trading)
    assert (len(found.fills), found.adopted) == (1, ())
    (trade,) = trading.ledger.open_trades(trading.account)
    assert (trade.quantity, trade.entry_reason, trade.entry_price) == (20, "external", 102.0)


def test_a_foreign_fill_told_after_its_shares_were_adopted_changes_nothing(tmp_path: Path) -> None:
    trading = at_work(tmp_path)
    trading.broker.submit(request("buy", 20))
    mood(trading, fills=no_fills)
    assert reconcile(trading).adopted == (Change("AAA", 0, 20),)
    cheerful(trading)
    reconcile(trading)
    assert [trade.quantity for trade in trading.ledger.open_trades(trading.account)] == [20]
    assert reconcile(trading) == reconcile(trading)


def test_a_split_keeps_the_cost_and_the_level_of_the_stop(tmp_path: Path) -> None:
    trading = at_work(tmp_path)
    bought(trading)
    trading.ledger.update_peak(trading.account, "AAA", 110.0)

    def split(broker):  # type: ignore[no-untyped-def]
        return tuple(
            replace(one, qty=one.qty * 2, entry_price=one.entry_price / 2, available=one.qty * 2)
            for one in broker.holdings()
        )

    mood(trading, holdings=split)
    found = reconcile(trading)
    assert (found.split, found.adopted) == ((Change("AAA", 50, 100),), ())
    (trade,) = trading.ledger.open_trades(trading.account)
    assert (trade.quantity, trade.entry_price, trade.peak) == (100, 51.0, 55.0)
    assert reconcile(trading).split == ()


def test_a_position_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    trading = at_work(tmp_path)
    trading = replace(trading, limits=replace(trading.limits, ignored=frozenset({"AAA"})))
    trading.broker.submit(request("buy", 20))
    found = reconcile(trading)
    protect(trading)
    assert (found.fills, found.adopted, open_stops(trading), held(trading)) == ((), (), [], {})
    wanted = order("buy")
    done = desk(trading, wanted).buy(wanted)
    assert (done.status, "limits.ignore" in done.text) == ("refused", True)


def test_an_imported_trade_is_taken_over_by_the_account_that_holds_it(tmp_path: Path) -> None:
    trading = at_work(tmp_path)
    trading.ledger.adopt(IMPORTED, Holding("AAA", 20, 90.0, 102.0, 20), trading.session, "old")
    trading.broker.submit(request("buy", 20))
    mood(trading, fills=no_fills)
    reconcile(trading)
    (trade,) = trading.ledger.open_trades(trading.account)
    assert (trade.quantity, trade.entry_price, trade.strategy) == (20, 90.0, "old")
    assert trading.ledger.open_trades(IMPORTED) == ()


def test_what_a_dead_command_left_open_of_a_buy_is_withdrawn(tmp_path: Path) -> None:
    trading = at_work(tmp_path)
    bought(trading, "BBB", 10)
    (intent,) = trading.ledger.intents(symbol="BBB")
    cancelled = []

    def orders(broker, *, open_only=True):  # type: ignore[no-untyped-def]
        found = broker.orders(open_only=open_only)
        resting = replace(broker.find(intent.client_id), state=OrderState.PARTIALLY_FILLED, filled_qty=4)
        return found if cancelled else (*found, resting)

    def cancel(broker, order_id):  # type: ignore[no-untyped-def]
        cancelled.append(order_id)
        return Refused(RefusalKind.NOT_CANCELABLE, "done already")

    mood(trading, orders=orders, cancel=cancel)
    found = reconcile(trading)
    assert found.withdrawn == (intent.client_id,)
    assert cancelled == [intent.order_id]


def test_a_close_that_nobody_answered_is_taken_up_under_its_own_id(tmp_path: Path) -> None:
    trading = at_work(tmp_path)
    bought(trading)
    protect(trading)

    def silent(broker, request):  # type: ignore[no-untyped-def]
        return Unknown("timed out") if request.type == "market" else broker.submit(request)

    mood(trading, submit=silent)
    close = order("sell")
    assert desk(trading, close).close(close).status == "unknown"
    assert [stop.remaining for stop in open_stops(trading)] == [50]
    cheerful(trading)
    assert desk(trading, close).close(close).status == "filled"
    sales = [sent for sent in trading.broker.sent if sent.type == "market" and sent.side == "sell"]  # type: ignore[attr-defined]
    assert len(sales) == 2
    assert sales[0].client_id == sales[1].client_id
    assert held(trading) == {}


def test_an_id_that_the_broker_knows_and_the_ledger_does_not_is_passed_over(tmp_path: Path) -> None:
    """As after a ledger was put back from a backup."""
    trading = at_work(tmp_path)
    known = trading.broker.submit(request("buy", 5, symbol="BBB", id="test-test-20260106-close-AAA-buy-1"))
    assert not isinstance(known, Refused)
    trading = later(trading, 1)
    trading.broker.advance(closes(1))
    wanted = order("buy")
    done = desk(trading, wanted).buy(wanted)
    assert (done.status, done.client_id) == ("filled", "test-test-20260106-close-AAA-buy-2")


def test_an_id_that_is_taken_by_this_very_order_is_this_order(tmp_path: Path) -> None:
    """A client library sends again what was not answered, and tells the second answer."""

    def twice(broker, request):  # type: ignore[no-untyped-def]
        broker.submit(request)
        return broker.submit(request)

    trading = at_work(tmp_path, submit=twice)
    wanted = order("buy")
    assert desk(trading, wanted).buy(wanted).status == "filled"
    assert held(trading) == {"AAA": 50}


def test_a_ledger_that_cannot_be_written_leaves_the_stop_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trading = at_work(tmp_path)
    bought(trading)
    protect(trading)

    def full(*_: object, **__: object) -> None:
        raise LedgerError("the disk is full")

    monkeypatch.setattr(type(trading.ledger), "write_intent", full)
    close = order("sell")
    done = desk(trading, close).close(close)
    assert (done.status, "the disk is full" in done.text) == ("unknown", True)
    assert [stop.remaining for stop in open_stops(trading)] == [50]


def test_a_cancel_that_got_lost_is_asked_for_again(tmp_path: Path) -> None:
    trading = at_work(tmp_path)
    bought(trading)
    protect(trading)
    asked = []

    def cancel(broker, order_id):  # type: ignore[no-untyped-def]
        asked.append(order_id)
        return Unknown("timed out") if len(asked) == 1 else broker.cancel(order_id)

    mood(trading, cancel=cancel)
    close = order("sell")
    assert desk(trading, close).close(close).status == "filled"
    assert len(asked) == 2


def test_an_order_of_which_nobody_knows_counts_as_lost_after_ten_minutes(tmp_path: Path) -> None:
    trading = at_work(tmp_path, submit=lambda broker, request: Unknown("timed out"))
    wanted = order("buy")
    desk(trading, wanted).buy(wanted)
    assert reconcile(trading).lost == ()
    soon = replace(trading, now=trading.now + timedelta(minutes=10))
    assert len(reconcile(soon).lost) == 1


def test_a_stop_bought_by_hand_over_a_part_is_completed(tmp_path: Path) -> None:
    trading = at_work(tmp_path, bars=BARS)
    bought(trading)
    trading.broker.submit(trailing(20, id="by-hand", hwm=106.0))
    protect(trading)
    assert sum(stop.remaining for stop in open_stops(trading)) == 50


def test_a_reconciliation_that_fails_leaves_no_position_bare(tmp_path: Path) -> None:
    def silent(broker: object, after: object) -> None:
        raise BrokerError("the activities do not answer")

    trading = at_work(tmp_path)
    bought(trading)
    mood(trading, fills=silent)
    with pytest.raises(BrokerError):
        settle(trading)
    assert [stop.remaining for stop in open_stops(trading)] == [50]


def test_a_buy_that_its_command_left_open_is_withdrawn_after_the_close_too(tmp_path: Path) -> None:
    trading = at_work(tmp_path)
    trading.broker.advance(closes(0) + timedelta(hours=1))
    evening = replace(trading, now=closes(0) + timedelta(hours=1))
    send(evening, request("buy", 20, id=""), "buy", "a test")
    assert [order.state for order in trading.broker.orders()] == [OrderState.ACCEPTED]
    assert len(reconcile(evening).withdrawn) == 1
    assert trading.broker.orders() == ()


def test_an_old_round_trip_of_somebody_else_is_no_entry_of_today(tmp_path: Path) -> None:
    """A ledger that knows nothing meets an account with a history: what is held came with the newest fills."""
    trading = at_work(tmp_path)
    trading.broker.submit(request("buy", 50, id="now"))
    (today,) = trading.broker.fills(None)
    long_ago = today.at - timedelta(hours=20)
    old = replace(today, id="old-buy", client_id="old-1", price=10.0, at=long_ago)
    sold = replace(
        old, id="old-sale", client_id="old-2", side="sell", qty=20, at=long_ago + timedelta(hours=1)
    )
    mood(trading, fills=lambda broker, after: (old, sold, *broker.fills(after)))
    reconcile(trading)
    (trade,) = trading.ledger.open_trades(trading.account)
    assert (trade.quantity, trade.entry_price) == (50, 102.0)


def test_a_round_trip_that_a_restored_ledger_missed_is_booked_as_it_happened(tmp_path: Path) -> None:
    trading = at_work(tmp_path)
    bought(trading)
    trading.broker.submit(request("sell", 50, id="by-hand-1"))
    trading.broker.submit(request("buy", 50, id="by-hand-2"))
    found = reconcile(trading)
    assert (len(found.fills), found.adopted, found.gone) == (2, (), ())
    first, second = trading.ledger.trades(trading.account)
    assert (first.status, first.exit_reason, second.status) == ("closed", "external", "open")


def test_a_close_after_a_restore_takes_an_id_that_the_broker_does_not_know(tmp_path: Path) -> None:
    trading = at_work(tmp_path)
    for number in range(1, 4):
        trading.broker.submit(
            request("buy", 5, symbol="BBB", id=f"test-test-20260106-close-AAA-sell-{number}")
        )
    bought(trading)
    tomorrow = later(trading, 1)
    tomorrow.broker.advance(closes(1))
    close = order("sell")
    done = desk(tomorrow, close).close(close)
    assert (done.status, done.client_id) == ("filled", "test-test-20260106-close-AAA-sell-4")


def test_what_changed_without_an_order_is_on_record_with_the_change_itself(tmp_path: Path) -> None:
    trading = replace(at_work(tmp_path), notifiers=("console",))
    trading.broker.submit(request("buy", 20))
    mood(trading, fills=no_fills)
    reconcile(trading)
    (event,) = trading.ledger.events(account=trading.account)
    assert (event.kind, event.data["after"]) == ("position.adopted", 20)
    assert len(trading.ledger.undelivered("console", 10)) == 1


def test_somebody_elses_short_position_is_owed(tmp_path: Path) -> None:
    trading = at_work(tmp_path, cash=100_000)
    mood(trading, holdings=lambda broker: (Holding("SHRT", -100, 50.0, 50.0, -100),))
    assert portfolio(trading).equity == 100_000 - 5_000


def test_orders_of_somebody_else_are_no_part_of_the_account(tmp_path: Path) -> None:
    trading = at_work(tmp_path)
    trading.broker.submit(request("buy", 5, id="theirs", type="limit", limit_price=50.0))
    ignoring = replace(trading, limits=replace(trading.limits, ignored=frozenset({"AAA"})))
    assert (len(portfolio(trading).open_orders), portfolio(ignoring).open_orders) == (1, ())

"""The desk: orders of the plan only, each checked again, intents before acts, unknown outcomes looked up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from execution_builders import at_work, bought, desk, held, later, open_stops, order
from momentum.execution.reconcile import reconcile
from momentum.execution.stops import protect
from momentum.halt import halt, resume
from momentum.model.orders import OrderState, RefusalKind, Refused, Unknown


def test_a_buy_fills_and_becomes_a_trade(tmp_path: Path) -> None:
    trading = at_work(tmp_path)
    wanted = order("buy", score=15.0, context={"score:gap": 3.0, "rsi_14": 61.0})
    done = desk(trading, wanted).buy(wanted)
    assert (done.status, done.qty, done.price) == ("filled", 50, 102.0)
    (trade,) = trading.ledger.open_trades(trading.account)
    assert (trade.symbol, trade.quantity, trade.composite_score) == ("AAA", 50, 15.0)
    assert trade.entry_signals == {"gap": 3.0}
    assert trade.at_entry["rsi"] == 61.0


def test_an_order_that_is_not_of_the_plan_is_refused(tmp_path: Path) -> None:
    trading = at_work(tmp_path)
    planned = order("buy")
    table = desk(trading, planned)
    for foreign in (order("buy", "BBB"), replace(planned, qty=51), order("sell")):
        done = table.close(foreign) if foreign.side == "sell" else table.buy(foreign)
        assert (done.status, done.qty) == ("refused", 0)
    assert held(trading) == {}


def test_an_order_of_the_plan_is_carried_out_once(tmp_path: Path) -> None:
    trading = at_work(tmp_path)
    wanted = order("buy")
    table = desk(trading, wanted)
    assert [table.buy(wanted).status, table.buy(wanted).status] == ["filled", "refused"]
    assert held(trading) == {"AAA": 50}


def test_the_intent_is_on_the_disk_before_the_broker_is_asked(tmp_path: Path) -> None:
    seen = []

    def submit(broker: object, request: object) -> Refused:
        seen.append(trading.ledger.intent(request.client_id).status)  # type: ignore[attr-defined,union-attr]
        return Refused(RefusalKind.OTHER, "not today")

    trading = at_work(tmp_path, submit=submit)
    wanted = order("buy")
    assert desk(trading, wanted).buy(wanted).status == "refused"
    assert seen == ["intended"]


def test_a_reply_that_got_lost_is_looked_up_and_not_sent_again(tmp_path: Path) -> None:
    def lost(broker, request):  # type: ignore[no-untyped-def]
        broker.submit(request)
        return Unknown("timed out")

    trading = at_work(tmp_path, submit=lost)
    wanted = order("buy")
    done = desk(trading, wanted).buy(wanted)
    assert (done.status, done.qty) == ("filled", 50)
    assert [sent.side for sent in trading.broker.sent] == ["buy", "sell"]  # type: ignore[attr-defined]
    assert held(trading) == {"AAA": 50}


def test_an_order_that_never_arrived_stays_unknown_and_is_not_sent_again(tmp_path: Path) -> None:
    trading = at_work(tmp_path, submit=lambda broker, request: Unknown("timed out"))
    wanted = order("buy")
    assert desk(trading, wanted).buy(wanted).status == "unknown"
    assert len(trading.broker.sent) == 1  # type: ignore[attr-defined]
    assert [intent.status for intent in trading.ledger.open_intents(trading.account)] == ["unknown"]


def test_a_halt_stops_buys_and_not_closes(tmp_path: Path) -> None:
    trading = at_work(tmp_path)
    bought(trading)
    halt(tmp_path, "by hand", trading.now)
    buy, close = order("buy", "BBB"), order("sell", "AAA")
    table = desk(trading, buy, close)
    assert "HALTED" in table.buy(buy).text
    assert table.close(close).status == "filled"
    assert resume(tmp_path)
    assert desk(trading, buy).buy(buy).status == "filled"


def test_a_buy_is_checked_again_on_the_portfolio_of_its_moment(tmp_path: Path) -> None:
    trading = at_work(tmp_path)
    bought(trading)
    again = order("buy", "AAA")
    done = desk(trading, again).buy(again)
    assert done.status == "refused"
    assert "held" in done.text


def test_a_buy_that_needed_the_slot_of_a_failed_close_does_not_happen(tmp_path: Path) -> None:
    trading = at_work(tmp_path)
    trading = replace(trading, limits=replace(trading.limits, max_positions=1))
    bought(trading)
    protect(trading)
    trading.broker.moods["cancel"] = lambda broker, id: Unknown("no answer")  # type: ignore[attr-defined]
    close, buy = order("sell", "AAA"), order("buy", "BBB")
    table = desk(trading, close, buy)
    assert table.close(close).status == "refused"
    assert table.buy(buy).status == "refused"
    assert held(trading) == {"AAA": 50}
    assert [stop.qty for stop in open_stops(trading)] == [50]


def test_a_close_waits_until_the_shares_are_free(tmp_path: Path) -> None:
    """A cancel is a request: the broker holds the shares a while longer and would refuse the sale."""
    trading = at_work(tmp_path)
    bought(trading)
    protect(trading)
    looks = []

    def slowly(broker):  # type: ignore[no-untyped-def]
        looks.append(1)
        freed = len(looks) > 4
        return tuple(replace(h, available=h.qty if freed else 0) for h in broker.holdings())

    trading.broker.moods["holdings"] = slowly  # type: ignore[attr-defined]
    close = order("sell")
    assert desk(trading, close).close(close).status == "filled"
    assert trading.sleep.slept >= 0.5  # type: ignore[attr-defined]


def test_shares_that_never_become_free_fail_the_close_within_five_seconds(tmp_path: Path) -> None:
    trading = at_work(tmp_path)
    bought(trading)
    protect(trading)
    trading.broker.moods["holdings"] = lambda broker: tuple(  # type: ignore[attr-defined]
        replace(h, available=0) for h in broker.holdings()
    )
    close = order("sell")
    done = desk(trading, close).close(close)
    assert done.status == "refused"
    assert "still held" in done.text
    assert trading.sleep.slept <= 5  # type: ignore[attr-defined]


def test_a_failed_close_gets_its_stop_back_at_its_old_level(tmp_path: Path) -> None:
    trading = at_work(tmp_path)
    bought(trading)
    protect(trading)
    trading = later(trading, 1)
    trading.broker.advance(trading.now)
    (before,) = open_stops(trading)
    trading.broker.moods["submit"] = lambda broker, request: (  # type: ignore[attr-defined]
        Refused(RefusalKind.OTHER, "not today") if request.type == "market" else broker.submit(request)
    )
    close = order("sell")
    assert desk(trading, close).close(close).status == "refused"
    (after,) = open_stops(trading)
    assert after.qty == before.qty == 50
    assert after.stop_price == before.stop_price


def test_a_position_that_its_stop_sold_meanwhile_is_dropped(tmp_path: Path) -> None:
    trading = at_work(tmp_path)
    close = order("sell")
    done = desk(trading, close).close(close)
    assert (done.status, done.qty) == ("dropped", 0)


def test_a_close_writes_the_trades_exit_with_its_reason(tmp_path: Path) -> None:
    trading = at_work(tmp_path)
    bought(trading)
    close = order("sell", reason="reversal score 6 of 5: failed gap")
    assert desk(trading, close).close(close).status == "filled"
    assert trading.ledger.open_trades(trading.account) == ()
    (trade,) = trading.ledger.trades(trading.account)
    assert (trade.exit_price, trade.exit_quantity) == (102.0, 50)
    assert trade.exit_reason == "reversal score 6 of 5: failed gap"


def test_an_order_that_nobody_confirmed_takes_its_slot(tmp_path: Path) -> None:
    trading = at_work(tmp_path)
    trading = replace(trading, limits=replace(trading.limits, max_positions=1))
    first, second = order("buy", "AAA"), order("buy", "BBB")
    table = desk(trading, first, second)
    trading.broker.moods["submit"] = lambda broker, request: Unknown("timed out")  # type: ignore[attr-defined]
    assert table.buy(first).status == "unknown"
    del trading.broker.moods["submit"]  # type: ignore[attr-defined]
    assert table.buy(second).status == "refused"


def test_an_order_that_nobody_confirmed_is_not_bought_again_by_the_next_scan(tmp_path: Path) -> None:
    trading = at_work(tmp_path, submit=lambda broker, request: Unknown("timed out"))
    wanted = order("buy")
    desk(trading, wanted).buy(wanted)
    del trading.broker.moods["submit"]  # type: ignore[attr-defined]
    reconcile(trading)
    again = order("buy")
    done = desk(trading, again).buy(again)
    assert done.status == "refused", done
    assert "order" in done.text


def test_a_broker_that_raises_is_an_unknown_outcome_and_not_asked_twice(tmp_path: Path) -> None:
    def falls_over(broker: object, request: object) -> None:
        raise ConnectionError("reset by peer")

    trading = at_work(tmp_path, submit=falls_over)
    wanted = order("buy")
    table = desk(trading, wanted)
    assert [table.buy(wanted).status, table.buy(wanted).status] == ["unknown", "refused"]
    assert len(trading.broker.sent) == 1  # type: ignore[attr-defined]


def test_a_desk_that_is_shut_takes_nothing_and_says_what_was_left(tmp_path: Path) -> None:
    trading = at_work(tmp_path)
    wanted = order("buy")
    table = desk(trading, wanted)
    table.shut()
    assert table.buy(wanted).status == "refused"
    assert [(done.symbol, done.status) for done in table.done] == [("AAA", "dropped")]
    assert held(trading) == {}


def test_a_rejected_order_is_refused_and_not_pending(tmp_path: Path) -> None:
    trading = at_work(tmp_path)

    def rejected(broker, client_id):  # type: ignore[no-untyped-def]
        found = broker.find(client_id)
        return replace(found, state=OrderState.REJECTED, filled_qty=0, fill_price=None, reason="halted")

    trading.broker.moods["find"] = rejected  # type: ignore[attr-defined]
    wanted = order("buy")
    done = desk(trading, wanted).buy(wanted)
    assert (done.status, done.text) == ("refused", "rejected: halted")

"""Protection: one stop over each whole position, at the level it has earned, or a standing alarm."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from execution_builders import at_work, bought, desk, later, open_stops, order
from momentum.execution.account import portfolio
from momentum.execution.reconcile import reconcile
from momentum.execution.stops import NAKED, protect
from momentum.model.orders import RefusalKind, Refused


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
    assert "momentum close AAA" in alarm.text


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
    assert len(reconcile(trading).lost) == 1
    assert trading.ledger.open_intents(trading.account) == ()
    assert reconcile(trading).lost == ()


def test_a_position_that_the_ledger_does_not_know_is_adopted_and_protected(tmp_path: Path) -> None:
    from fakes import request

    trading = at_work(tmp_path)
    trading.broker.submit(request("buy", 20))
    trading.broker.moods["fills"] = lambda broker, after: ()  # type: ignore[attr-defined]
    assert reconcile(trading).adopted == ("AAA",)
    protect(trading)
    assert [stop.qty for stop in open_stops(trading)] == [20]

"""The watchlist, alarms, overrides and the outbox."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from ledger_builders import ACCOUNT, NOW, Place
from momentum.ledger.store import Ledger
from momentum.model.decision import WatchEntry
from momentum.model.events import Event

LATER = NOW + timedelta(hours=1)


def event(id: str) -> Event:
    return Event(id, "order.filled", "info", NOW, f"{id} happened", "all of it", {"symbol": "MU"})


def told(ledger: Ledger, notifier: str) -> list[str]:
    return [delivery.event.id for delivery in ledger.undelivered(notifier, 50)]


def test_a_setup_that_stays_on_the_watchlist_keeps_its_day(ledger: Ledger) -> None:
    first, second = date(2026, 11, 23), date(2026, 11, 24)
    ledger.update_watchlist(
        ACCOUNT, [WatchEntry("MU", first, 9, "base"), WatchEntry("AMD", first, 8, "tight")], replacing=None
    )
    ledger.update_watchlist(
        ACCOUNT, [WatchEntry("LRCX", second, 10, "gap"), WatchEntry("MU", second, 11, "near")], replacing=None
    )
    assert ledger.watchlist(ACCOUNT) == (
        WatchEntry("LRCX", second, 10, "gap"),
        WatchEntry("MU", first, 11, "near"),
    )
    assert ledger.watchlist("alpaca") == ()


def test_a_scan_of_some_symbols_leaves_the_setups_of_the_others(ledger: Ledger) -> None:
    first, second = date(2026, 11, 23), date(2026, 11, 24)
    large, small = WatchEntry("MU", first, 9, "base"), WatchEntry("LUNR", first, 8, "tight")
    ledger.update_watchlist(ACCOUNT, [large, small], replacing=None)
    ledger.update_watchlist("alpaca", [large], replacing=None)
    found = WatchEntry("AMD", second, 10, "gap")
    ledger.update_watchlist(ACCOUNT, [found], replacing={"MU", "AMD"})
    assert ledger.watchlist(ACCOUNT) == (small, found)
    assert ledger.watchlist("alpaca") == (large,)
    ledger.update_watchlist(ACCOUNT, [], replacing=())
    assert ledger.watchlist(ACCOUNT) == (small, found)


def test_a_setup_found_again_from_elsewhere_stands_once(ledger: Ledger) -> None:
    first, second = date(2026, 11, 23), date(2026, 11, 24)
    ledger.update_watchlist(ACCOUNT, [WatchEntry("MU", first, 9, "base")], replacing=None)
    ledger.update_watchlist(ACCOUNT, [WatchEntry("MU", second, 11, "near")], replacing={"AMD"})
    assert ledger.watchlist(ACCOUNT) == (WatchEntry("MU", first, 11, "near"),)


def test_an_alarm_stands_once_until_it_is_mended(ledger: Ledger) -> None:
    assert ledger.raise_alarm(ACCOUNT, "stop.missing", "MU", "MU has no stop", NOW)
    assert not ledger.raise_alarm(ACCOUNT, "stop.missing", "MU", "MU still has no stop", LATER)
    assert ledger.raise_alarm(ACCOUNT, "stop.missing", "AMD", "AMD has no stop", LATER)
    standing = [(alarm.symbol, alarm.text, alarm.raised_at) for alarm in ledger.alarms(ACCOUNT)]
    assert standing == [("MU", "MU still has no stop", NOW), ("AMD", "AMD has no stop", LATER)]

    assert ledger.clear_alarm(ACCOUNT, "stop.missing", "MU", LATER)
    assert not ledger.clear_alarm(ACCOUNT, "stop.missing", "MU", LATER)
    assert [alarm.symbol for alarm in ledger.alarms(ACCOUNT)] == ["AMD"]
    assert ledger.raise_alarm(ACCOUNT, "stop.missing", "MU", "again", LATER)


def test_overrides_remember_who_changed_what(ledger: Ledger) -> None:
    ledger.set_override("monitor.auto_close", False, "chat:7", NOW)
    ledger.set_override("monitor.auto_close", True, "cli", LATER)
    assert [(one.key, one.value, one.who) for one in ledger.overrides()] == [
        ("monitor.auto_close", True, "cli")
    ]
    assert ledger.unset_override("monitor.auto_close", "cli", LATER)
    assert not ledger.unset_override("monitor.auto_close", "cli", LATER)
    assert ledger.overrides() == ()
    changes = [
        (change.old, change.new, change.who) for change in ledger.override_changes("monitor.auto_close")
    ]
    assert changes == [(None, False, "chat:7"), (False, True, "cli"), (True, None, "cli")]


def test_an_override_needs_a_value(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="unset_override"):
        ledger.set_override("monitor.every", None, "cli", NOW)


def test_each_notifier_has_its_own_outbox_in_order(ledger: Ledger) -> None:
    for id in ("e1", "e2", "e3"):
        assert ledger.record_event(event(id), ["console", "telegram"], account=ACCOUNT)
    (first, *_) = ledger.undelivered("console", 50)
    assert first.event == event("e1")
    ledger.settle_delivery("console", "e1", None)
    assert told(ledger, "console") == ["e2", "e3"]
    assert told(ledger, "telegram") == ["e1", "e2", "e3"]
    assert [one.event.id for one in ledger.undelivered("telegram", 2)] == ["e1", "e2"]


def test_a_delivery_that_fails_keeps_its_place_and_says_why(ledger: Ledger) -> None:
    ledger.record_event(event("e1"), ["telegram"], account=ACCOUNT)
    ledger.record_event(event("e2"), ["telegram"], account=ACCOUNT)
    ledger.settle_delivery("telegram", "e1", "telegram: 502")
    first, second = ledger.undelivered("telegram", 50)
    assert (first.event.id, first.attempts, first.error) == ("e1", 1, "telegram: 502")
    assert (second.attempts, second.error) == (0, None)


def test_an_event_recorded_twice_is_told_once(ledger: Ledger) -> None:
    assert ledger.record_event(event("e1"), ["console"], account=ACCOUNT)
    ledger.settle_delivery("console", "e1", None)
    assert not ledger.record_event(event("e1"), ["console"], account=ACCOUNT)
    assert told(ledger, "console") == []
    assert ledger.events() == (event("e1"),)


def test_what_was_not_delivered_survives_a_restart(place: Place, ledger: Ledger) -> None:
    ledger.record_event(event("e1"), ["console"], account=ACCOUNT)
    ledger.close()
    with place.open() as again:
        assert told(again, "console") == ["e1"]


def test_events_can_be_asked_by_account_and_moment(ledger: Ledger) -> None:
    ledger.record_event(event("e1"), [], account=ACCOUNT)
    ledger.record_event(event("e2"), [], account=None)
    assert ledger.events(account=ACCOUNT) == (event("e1"),)
    assert ledger.events(since=LATER) == ()

"""Every order is written down before it is sent, and what became of it is never guessed."""

from __future__ import annotations

import pytest

from ledger_builders import ACCOUNT, NOW, Place, fill, order, request, scan_info, write
from momentum.errors import LedgerError
from momentum.ledger.store import Ledger
from momentum.model.orders import Confirmed, OrderState, RefusalKind, Refused, Unknown


def status(ledger: Ledger, client_id: str) -> str:
    intent = ledger.intent(client_id)
    assert intent is not None
    return intent.status


def test_an_intent_is_seen_by_others_as_soon_as_it_is_written(place: Place, ledger: Ledger) -> None:
    write(ledger, request("b-1"), "score 15", {"score": 15.0})
    with place.open() as other:
        intent = other.intent("b-1")
    assert intent is not None
    assert (intent.status, intent.reason, intent.context) == ("intended", "score 15", {"score": 15.0})
    assert intent.request == request("b-1")
    assert intent.intended_at == NOW


def test_an_intent_cannot_be_part_of_a_transaction_that_may_be_undone(ledger: Ledger) -> None:
    with ledger.transaction(), pytest.raises(RuntimeError, match="committed before"):
        write(ledger, request("b-1"))
    assert ledger.intent("b-1") is None


def test_a_client_id_is_used_once(ledger: Ledger) -> None:
    write(ledger, request("b-1"))
    with pytest.raises(LedgerError, match="b-1 is written down already"):
        write(ledger, request("b-1"))


def test_an_intent_of_a_scan_takes_its_strategy_and_moment(ledger: Ledger) -> None:
    ledger.begin_scan(scan_info(), ACCOUNT, NOW)
    ledger.write_intent(request("b-1"), account=ACCOUNT, scan_id=scan_info().id, reason="", context={})
    intent = ledger.intent("b-1")
    assert intent is not None
    assert (intent.strategy, intent.intended_at) == ("momentum_breakout", NOW)
    assert ledger.intents(scan_id=scan_info().id, symbol="MU") == (intent,)
    assert ledger.intents(symbol="AMD") == ()


def test_numbers_go_on_from_the_highest_ever_written(ledger: Ledger) -> None:
    assert ledger.next_seq("ws-s-20261124-close-MU-buy-") == 1
    for number in (1, 2, 10):
        write(ledger, request(f"ws-s-20261124-close-MU-buy-{number}"))
    write(ledger, request("ws-s-20261124-close-MU-buy-extra-99"))
    ledger.record_outcome("ws-s-20261124-close-MU-buy-10", Refused(RefusalKind.OTHER, "no"))
    assert ledger.next_seq("ws-s-20261124-close-MU-buy-") == 11
    assert ledger.next_seq("ws-s-20261124-close-MU-buy") == 11
    assert ledger.next_seq("ws-s-20261124-close-M_-buy-") == 1


def test_a_confirmed_order_is_as_the_broker_has_it(ledger: Ledger) -> None:
    asked = request("b-1")
    write(ledger, asked)
    ledger.record_outcome("b-1", Confirmed(order(asked, OrderState.ACCEPTED)))
    assert status(ledger, "b-1") == "accepted"
    assert ledger.record_order(order(asked, OrderState.FILLED, 100, 10.5, minute=2))
    intent = ledger.intent("b-1")
    assert intent is not None
    assert (intent.status, intent.filled_qty, intent.fill_price, intent.order_id) == (
        "filled",
        100,
        10.5,
        "broker-b-1",
    )
    assert ledger.open_intents(ACCOUNT) == ()


def test_an_unknown_outcome_stays_open_until_it_is_looked_up(ledger: Ledger) -> None:
    asked = request("b-1")
    write(ledger, asked)
    ledger.record_outcome("b-1", Unknown("timed out"))
    (intent,) = ledger.open_intents(ACCOUNT)
    assert (intent.status, intent.error) == ("unknown", "timed out")
    ledger.record_order(order(asked, OrderState.NEW))
    assert (status(ledger, "b-1"), ledger.intent("b-1").error) == ("new", None)


def test_a_refusal_says_why_and_ends_the_order(ledger: Ledger) -> None:
    write(ledger, request("b-1"))
    ledger.record_outcome("b-1", Refused(RefusalKind.INSUFFICIENT_FUNDS, "needs $2,000"))
    intent = ledger.intent("b-1")
    assert intent is not None
    assert (intent.status, intent.error_kind, intent.error) == (
        "refused",
        "insufficient_funds",
        "needs $2,000",
    )
    assert ledger.open_intents(ACCOUNT) == ()


def test_a_refused_resend_does_not_undo_what_was_confirmed(ledger: Ledger) -> None:
    asked = request("b-1")
    write(ledger, asked)
    ledger.record_outcome("b-1", Confirmed(order(asked, OrderState.NEW)))
    ledger.record_outcome("b-1", Refused(RefusalKind.DUPLICATE_ID, "client_order_id must be unique"))
    ledger.record_outcome("b-1", Unknown("timed out"))
    assert status(ledger, "b-1") == "new"


def test_an_order_refused_as_a_duplicate_and_found_is_open_again(ledger: Ledger) -> None:
    asked = request("b-1")
    write(ledger, asked)
    ledger.record_outcome("b-1", Refused(RefusalKind.DUPLICATE_ID, "client_order_id must be unique"))
    ledger.record_order(order(asked, OrderState.NEW))
    assert [intent.client_id for intent in ledger.open_intents(ACCOUNT)] == ["b-1"]


def test_an_order_that_ended_does_not_open_again_on_late_news(ledger: Ledger) -> None:
    asked = request("b-1")
    write(ledger, asked)
    ledger.record_order(order(asked, OrderState.CANCELED, 40, 10.0, minute=5))
    ledger.record_order(order(asked, OrderState.PARTIALLY_FILLED, 20, 10.0, minute=3))
    intent = ledger.intent("b-1")
    assert intent is not None
    assert (intent.status, intent.filled_qty) == ("canceled", 40)


def test_a_lost_order_that_turns_up_after_all_counts(ledger: Ledger) -> None:
    asked = request("b-1")
    write(ledger, asked)
    ledger.record_lost("b-1")
    assert (status(ledger, "b-1"), ledger.open_intents(ACCOUNT)) == ("lost", ())
    ledger.record_order(order(asked, OrderState.FILLED, 100, 10.0))
    assert status(ledger, "b-1") == "filled"
    ledger.record_lost("b-1")
    assert status(ledger, "b-1") == "filled"


def test_fills_carry_the_order_forward(ledger: Ledger) -> None:
    write(ledger, request("b-1"))
    ledger.record_fill(ACCOUNT, fill("f1", "b-1", 40, 10.0))
    assert status(ledger, "b-1") == "partially_filled"
    ledger.record_fill(ACCOUNT, fill("f2", "b-1", 60, 11.0))
    intent = ledger.intent("b-1")
    assert intent is not None
    assert (intent.status, intent.filled_qty, intent.fill_price) == ("filled", 100, pytest.approx(10.6))


def test_fills_told_after_the_brokers_own_count_are_not_counted_again(ledger: Ledger) -> None:
    asked = request("b-1")
    write(ledger, asked)
    ledger.record_order(order(asked, OrderState.FILLED, 100, 10.6))
    ledger.record_fill(ACCOUNT, fill("f1", "b-1", 40, 10.0))
    ledger.record_fill(ACCOUNT, fill("f2", "b-1", 60, 11.0))
    intent = ledger.intent("b-1")
    assert intent is not None
    assert (intent.status, intent.filled_qty) == ("filled", 100)


def test_the_rest_of_a_cancelled_order_stays_cancelled(ledger: Ledger) -> None:
    asked = request("b-1")
    write(ledger, asked)
    ledger.record_order(order(asked, OrderState.CANCELED, 40, 10.0))
    ledger.record_fill(ACCOUNT, fill("f1", "b-1", 40, 10.0))
    assert status(ledger, "b-1") == "canceled"


def test_an_order_that_the_ledger_does_not_know_is_said_to_be_unknown(ledger: Ledger) -> None:
    assert not ledger.record_order(order(request("by-hand"), OrderState.NEW))

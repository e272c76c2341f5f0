"""A scan leaves everything behind that explains it, whatever a decider says, in a moment."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import astuple, fields, replace
from datetime import date

import pytest

from ledger_builders import ACCOUNT, NOW, SESSION, Place, rows, scan_info
from momentum.errors import LedgerError
from momentum.ledger import tables as t
from momentum.ledger.fields import to_json
from momentum.ledger.store import Ledger
from momentum.model.decision import CandidateAction, Decision, ExecutionPlan, PositionAction, Refusal
from momentum.model.market import Candidate, EarnedPoints, MarketContext, Reading
from momentum.model.portfolio import Position

FRAME = b"PAR1" + bytes(range(256))


@pytest.fixture
def ledger(place: Place) -> Iterator[Ledger]:
    with place.open() as ledger:
        ledger.begin_scan(scan_info(), ACCOUNT, NOW)
        yield ledger


def candidate(symbol: str, rank: int) -> Candidate:
    points = (EarnedPoints("five-day breakout", 3.0), EarnedPoints("gap", 0.0))
    return Candidate(
        symbol, "large", 308.76, 15.0, rank, points, {"roc_10d": 0.36, "follow_through": True, "vix": None}
    )


def test_scan_ids_count_up_for_each_session_type_and_cap(ledger: Ledger) -> None:
    def begin(**other: object) -> str:
        return ledger.begin_scan(replace(scan_info("any"), **other), ACCOUNT, NOW).id  # type: ignore[arg-type]

    assert begin() == "2026-11-24-close-all-2"
    assert begin() == "2026-11-24-close-all-3"
    assert begin(cap="large") == "2026-11-24-close-large-1"
    assert begin(session=date(2026, 11, 25)) == "2026-11-25-close-all-1"


def test_a_scan_that_begins_is_running_under_its_id(ledger: Ledger) -> None:
    begun = ledger.begin_scan(scan_info("any"), "alpaca", NOW)
    (newest, _) = ledger.scans()
    assert (newest.info, newest.account, newest.status) == (begun, "alpaca", "running")


def test_a_finished_scan_comes_back_whole(ledger: Ledger) -> None:
    ledger.finish_scan(scan_info().id, "finished", {"funnel": [{"rule": "price", "passed": 146}]}, FRAME)
    record = ledger.scan(scan_info().id)
    assert record is not None
    assert (record.info, record.account, record.status) == (scan_info(), ACCOUNT, "finished")
    assert record.document == {"funnel": [{"rule": "price", "passed": 146}]}
    assert record.frame == FRAME


def test_the_last_scan_is_the_newest_that_finished(ledger: Ledger) -> None:
    assert ledger.scan() is None
    ledger.finish_scan(scan_info().id, "finished", {}, FRAME)
    for status in ("failed", "running"):
        info = ledger.begin_scan(scan_info(), "alpaca", NOW)
        if status == "failed":
            ledger.finish_scan(info.id, "failed", {"error": "no data"}, b"")
    record = ledger.scan()
    assert record is not None and record.info == scan_info()
    assert ledger.scan(account="alpaca") is None
    assert [scan.status for scan in ledger.scans(limit=2)] == ["running", "failed"]


def test_what_belongs_to_no_scan_is_refused(ledger: Ledger) -> None:
    with pytest.raises(LedgerError, match="holds no scan 'nothing'"):
        ledger.record_decision("nothing", Decision(), {})
    with pytest.raises(LedgerError, match="holds no scan 'nothing'"):
        ledger.finish_scan("nothing", "finished", {}, b"")


def test_a_decision_comes_back_as_it_was_made(ledger: Ledger) -> None:
    made = Decision(
        market_assessment="Broad strength.",
        position_actions=(PositionAction("AMD", "CLOSE", 6.0, "below SMA20"),),
        candidate_actions=(CandidateAction("MU", "BUY", 15.0, 0.85, "breakout on volume"),),
        execution_plan=ExecutionPlan(closes=("AMD",), buys=("MU",), new_watchlist=("LRCX",)),
        portfolio_summary="One out, one in.",
        decider="rules",
    )
    ledger.record_decision(scan_info().id, made, {"positions": ["AMD"]})
    (row,) = rows(ledger, t.Decision)
    assert row["decision"] == json.loads(to_json(made))
    assert row["decision"]["execution_plan"] == {"closes": ["AMD"], "buys": ["MU"], "new_watchlist": ["LRCX"]}
    assert (row["decider"], row["situation"]) == ("rules", {"positions": ["AMD"]})


def test_a_decision_that_is_no_number_can_be_recorded_too(ledger: Ledger) -> None:
    action = CandidateAction("MU", "BUY", float("nan"), float("inf"), "")
    ledger.record_decision(scan_info().id, Decision(candidate_actions=(action,)), {"vix": float("nan")})
    (row,) = rows(ledger, t.Decision)
    assert row["decision"]["candidate_actions"][0]["score"] is None
    assert row["situation"] == {"vix": None}


def test_refusals_keep_rule_limit_and_value(ledger: Ledger) -> None:
    refusals = (
        Refusal("LUNR", "buy", "max_positions.small", 2, 2, "max 2 small-cap positions (2 held)"),
        Refusal("??", "buy", "unknown_symbol", None, "??", "?? is not in the universe"),
    )
    ledger.record_refusals(scan_info().id, refusals)
    ledger.record_refusals(scan_info().id, ())
    columns = ("symbol", "side", "rule", "rule_limit", "rule_value", "text")
    kept = [tuple(row[name] for name in columns) for row in rows(ledger, t.Refusal)]
    assert kept == [astuple(refusal) for refusal in refusals]


def test_all_candidates_are_kept_traded_and_skipped(ledger: Ledger) -> None:
    actions = [
        CandidateAction("MU", "BUY", 15.0, 0.85, "breakout"),
        CandidateAction("AMD", "SKIP", 9.0, 0.2, "weak"),
    ]
    ranked = [candidate("MU", 1), candidate("AMD", 2), candidate("LRCX", 3)]
    ledger.record_candidates(scan_info().id, ACCOUNT, ranked, actions)
    seen = rows(ledger, t.CandidateSnapshot)
    assert [(one["symbol"], one["rank"], one["action"]) for one in seen] == [
        ("MU", 1, "BUY"),
        ("AMD", 2, "SKIP"),
        ("LRCX", 3, None),
    ]
    assert seen[0]["points"] == [
        {"name": "five-day breakout", "points": 3.0},
        {"name": "gap", "points": 0.0},
    ]
    assert seen[0]["columns"] == ranked[0].columns
    assert (seen[0]["session_date"], seen[0]["reasoning"]) == (SESSION, "breakout")


def test_the_market_and_the_funnel_come_back(ledger: Ledger) -> None:
    context = MarketContext(spy_price=612.5, spy_trend="up", vix=14.2, vix_source="proxy", breadth=0.61)
    funnel = ({"rule": "price", "passed": 146}, {"rule": "breakout", "passed": 26})
    ledger.record_market(scan_info().id, context, funnel)
    (row,) = rows(ledger, t.MarketSnapshot)
    assert MarketContext(**{field.name: row[field.name] for field in fields(MarketContext)}) == context
    assert (row["at"], row["funnel"]) == (NOW, list(funnel))


def test_a_look_at_a_position_is_kept_with_its_profit(ledger: Ledger) -> None:
    reading = Reading("MU", 3.0, (EarnedPoints("below SMA20", 2.0),))
    ledger.record_position_checks(ACCOUNT, NOW, [reading], [Position("MU", 10, 100.0, 95.0)], alerted={"MU"})
    (check,) = rows(ledger, t.PositionCheck)
    assert check["pnl_pct"] == pytest.approx(-5.0)
    assert (check["score"], check["alert_sent"]) == (3.0, True)
    assert check["signals"] == [{"name": "below SMA20", "points": 2.0}]


def test_a_transaction_that_fails_leaves_nothing(ledger: Ledger) -> None:
    with pytest.raises(ZeroDivisionError), ledger.transaction():
        ledger.record_market(scan_info().id, MarketContext(), ())
        raise ZeroDivisionError
    assert rows(ledger, t.MarketSnapshot) == []


def test_another_databases_failure_inside_a_transaction_is_not_ours(ledger: Ledger) -> None:
    import sqlite3

    with pytest.raises(sqlite3.OperationalError, match="no such table"), ledger.transaction():
        sqlite3.connect(":memory:").execute("SELECT * FROM orders")

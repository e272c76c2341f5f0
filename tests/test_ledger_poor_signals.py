"""Trades that a reversal closed are kept to learn from, by their cause and not by the words of their reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import pytest

from ledger_builders import ACCOUNT, NOW, Place, fill, request, write
from momentum.ledger.store import Ledger

LATER = datetime(2026, 11, 27, 15, 0, tzinfo=UTC)
REVERSAL = {"closed_by_reversal": True, "reversal_score": 6.0, "reversal_signals": {"below SMA20": 2.0}}


@pytest.fixture
def ledger(place: Place) -> Iterator[Ledger]:
    with place.open() as ledger:
        write(ledger, request("b-1"), context={"points": {"breakout": 3}, "score": 14})
        ledger.record_fill(ACCOUNT, fill("f1", "b-1", 100, 10.0))
        yield ledger


def close(
    ledger: Ledger, reason: str, context: Mapping[str, object], qty: int = 100, price: float = 9.0
) -> None:
    write(ledger, request("s-1", side="sell", qty=qty), reason, context)
    ledger.record_fill(ACCOUNT, fill("f2", "s-1", qty, price, side="sell", at=LATER))


def test_a_close_for_a_reversal_becomes_a_poor_signal(ledger: Ledger) -> None:
    close(ledger, "the chart broke", REVERSAL)
    (poor,) = ledger.poor_signals(ACCOUNT)
    assert poor["reversal_score"] == 6.0
    assert poor["reversal_signals"] == {"below SMA20": 2.0}
    assert poor["entry_signals"] == {"breakout": 3}
    assert (poor["composite_score"], poor["holding_days"], poor["reviewed"]) == (14.0, 3, 0)
    assert (poor["exit_price"], poor["exit_reason"]) == (9.0, "the chart broke")
    assert poor["pnl_pct"] == pytest.approx(-10.0)


@pytest.mark.parametrize("context", [{}, REVERSAL | {"closed_by_reversal": False, "reversal_score": 0.0}])
def test_a_close_that_only_speaks_of_a_reversal_is_no_poor_signal(
    ledger: Ledger, context: Mapping[str, object]
) -> None:
    close(ledger, "profit 16% over 15%; reversal score 0 of 5", context, price=11.6)
    assert [trade.status for trade in ledger.trades()] == ["closed"]
    assert ledger.poor_signals(ACCOUNT) == ()


def test_a_trade_is_learnt_from_once_its_last_share_is_sold(ledger: Ledger) -> None:
    close(ledger, "reversal", REVERSAL, qty=40)
    assert ledger.poor_signals(ACCOUNT) == ()
    ledger.record_fill(ACCOUNT, fill("f3", "s-1", 60, 9.0, side="sell", at=LATER))
    assert len(ledger.poor_signals(ACCOUNT)) == 1


def test_a_trade_that_earned_nobody_knows_what_teaches_nothing(ledger: Ledger) -> None:
    ledger.settle_trade(ACCOUNT, "MU", held=60, price=None, at=NOW)
    close(ledger, "reversal", REVERSAL, qty=60)
    assert [trade.status for trade in ledger.trades()] == ["closed"]
    assert ledger.poor_signals(ACCOUNT) == ()

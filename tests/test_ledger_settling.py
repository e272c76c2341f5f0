"""Shares that came or went behind the ledger's back: trades follow what the broker holds."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from ledger_builders import ACCOUNT, NOW, SESSION, fill
from momentum.ledger.rows import Trade
from momentum.ledger.store import Ledger
from momentum.model.portfolio import Holding

LATER = datetime(2026, 11, 28, 1, 0, tzinfo=UTC)
"""A Friday evening in New York, a Saturday in UTC."""


def holding(qty: int, entry: float = 10.0, price: float = 11.0) -> Holding:
    return Holding("MU", qty, entry_price=entry, price=price, available=qty)


def only_trade(ledger: Ledger) -> Trade:
    (trade,) = ledger.trades(ACCOUNT)
    return trade


def test_a_position_found_at_the_broker_is_adopted(ledger: Ledger) -> None:
    assert ledger.adopt(ACCOUNT, holding(40), SESSION, None)
    trade = only_trade(ledger)
    assert (trade.quantity, trade.entry_price, trade.peak, trade.entry_reason) == (40, 10.0, 11.0, "adopted")
    ledger.record_fill(ACCOUNT, fill("f1", "s-1", 40, 12.0, side="sell"))
    assert only_trade(ledger).pnl == pytest.approx(80.0)


def test_of_a_position_that_is_known_in_part_the_rest_is_adopted_once(ledger: Ledger) -> None:
    ledger.record_fill(ACCOUNT, fill("f1", "b-1", 60, 10.0))
    assert ledger.adopt(ACCOUNT, holding(80, entry=14.0), SESSION, None)
    assert not ledger.adopt(ACCOUNT, holding(80, entry=14.0), SESSION, None)
    trade = only_trade(ledger)
    assert (trade.quantity, trade.entry_price, trade.entry_reason) == (80, pytest.approx(14.0), "external")


def test_a_position_that_is_known_whole_is_not_adopted(ledger: Ledger) -> None:
    ledger.record_fill(ACCOUNT, fill("f1", "b-1", 60, 10.0))
    before = ledger.trades()
    assert not ledger.adopt(ACCOUNT, holding(60), SESSION, None)
    assert not ledger.adopt(ACCOUNT, holding(20), SESSION, None)
    assert ledger.trades() == before


def test_a_trade_whose_shares_are_gone_is_closed(ledger: Ledger) -> None:
    ledger.record_fill(ACCOUNT, fill("f1", "b-1", 50, 10.0, commission=1.0))
    assert ledger.settle_trade(ACCOUNT, "MU", held=0, price=12.0, at=LATER)
    trade = only_trade(ledger)
    assert (trade.status, trade.exit_reason, trade.closed_at) == ("closed", "external", LATER)
    assert (trade.exit_date, trade.exit_quantity, trade.exit_price) == (date(2026, 11, 27), 50, 12.0)
    assert (trade.pnl, trade.pnl_pct) == (pytest.approx(99.0), pytest.approx(20.0))


def test_settling_a_trade_twice_changes_nothing(ledger: Ledger) -> None:
    ledger.record_fill(ACCOUNT, fill("f1", "b-1", 50, 10.0))
    assert ledger.settle_trade(ACCOUNT, "MU", held=20, price=12.0, at=LATER)
    after = ledger.trades()
    assert not ledger.settle_trade(ACCOUNT, "MU", held=20, price=13.0, at=LATER)
    assert not ledger.settle_trade(ACCOUNT, "MU", held=30, price=13.0, at=LATER)
    assert not ledger.settle_trade(ACCOUNT, "AMD", held=0, price=13.0, at=LATER)
    assert not ledger.settle_trade("alpaca", "MU", held=0, price=13.0, at=LATER)
    assert ledger.trades() == after
    assert (only_trade(ledger).status, only_trade(ledger).quantity) == ("open", 20)


def test_the_next_buy_of_a_settled_symbol_is_a_trade_of_its_own(ledger: Ledger) -> None:
    ledger.record_fill(ACCOUNT, fill("f1", "b-1", 50, 10.0))
    ledger.settle_trade(ACCOUNT, "MU", held=0, price=None, at=LATER)
    ledger.record_fill(ACCOUNT, fill("f2", "b-2", 30, 20.0, at=LATER))
    assert [(trade.status, trade.entry_price) for trade in ledger.trades()] == [
        ("closed", 10.0),
        ("open", 20.0),
    ]


def test_what_is_sold_at_an_unknown_price_earned_nothing_that_is_known(ledger: Ledger) -> None:
    ledger.record_fill(ACCOUNT, fill("f1", "b-1", 50, 10.0))
    assert ledger.settle_trade(ACCOUNT, "MU", held=0, price=None, at=LATER)
    trade = only_trade(ledger)
    assert (trade.status, trade.exit_quantity) == ("closed", 50)
    assert (trade.exit_price, trade.pnl, trade.pnl_pct) == (None, None, None)


@pytest.mark.parametrize("unknown_first", [True, False])
def test_an_average_with_an_unknown_part_is_unknown(ledger: Ledger, unknown_first: bool) -> None:
    ledger.record_fill(ACCOUNT, fill("f1", "b-1", 50, 10.0))
    sale = fill("f2", "s-1", 30, 12.0, side="sell", at=NOW)
    if unknown_first:
        ledger.settle_trade(ACCOUNT, "MU", held=30, price=None, at=NOW)
        ledger.record_fill(ACCOUNT, sale)
    else:
        ledger.record_fill(ACCOUNT, sale)
        ledger.settle_trade(ACCOUNT, "MU", held=0, price=None, at=NOW)
    trade = only_trade(ledger)
    assert (trade.status, trade.exit_quantity) == ("closed", 50)
    assert (trade.exit_price, trade.pnl, trade.pnl_pct) == (None, None, None)

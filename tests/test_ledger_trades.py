"""Fills become trades: once, at average prices, with what was known at the entry and why they ended."""

from __future__ import annotations

from datetime import UTC, date, datetime
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger_builders import ACCOUNT, NOW, fill, request, scan_info, write
from momentum.ledger.store import Ledger, open_ledger


def test_a_buy_opens_a_trade_that_remembers_what_was_known(ledger: Ledger) -> None:
    ledger.begin_scan(scan_info(), ACCOUNT, NOW)
    context = {
        "score": 15.0,
        "points": {"five-day breakout": 3},
        "cap": "large",
        "spy_trend": "up",
        "rsi_14": 61.5,
    }
    write(ledger, request("b-1"), "score 15", context | {"breakout_5d": True}, scan_info().id)
    ledger.record_fill(ACCOUNT, fill("f1", "b-1", 100, 308.76))

    (trade,) = ledger.open_trades(ACCOUNT)
    assert (trade.symbol, trade.entry_price, trade.entry_quantity, trade.quantity) == ("MU", 308.76, 100, 100)
    assert (trade.strategy, trade.scan_id, trade.cap) == ("momentum_breakout", scan_info().id, "large")
    assert (trade.entry_reason, trade.composite_score, trade.entry_signals) == (
        "score 15",
        15.0,
        {"five-day breakout": 3},
    )
    assert trade.at_entry["spy_trend"] == "up"
    assert trade.at_entry["rsi"] == 61.5
    assert trade.at_entry["breakout_5d"] is True
    assert trade.at_entry["vix"] is None
    assert trade.peak == 308.76


def test_a_column_of_another_kind_is_unknown_and_stops_no_fill(ledger: Ledger) -> None:
    write(ledger, request("b-1"), context={"rsi": "high", "atr": float("nan"), "roc": True, "cap": 3})
    assert ledger.record_fill(ACCOUNT, fill("f1", "b-1", 100, 10.0))
    (trade,) = ledger.open_trades(ACCOUNT)
    assert (trade.at_entry["rsi"], trade.at_entry["atr"], trade.at_entry["roc"], trade.cap) == (None,) * 4


def test_a_fill_told_twice_counts_once(ledger: Ledger) -> None:
    write(ledger, request("b-1"))
    assert ledger.record_fill(ACCOUNT, fill("f1", "b-1", 60, 10.0))
    assert not ledger.record_fill(ACCOUNT, fill("f1", "b-1", 60, 10.0))
    assert [trade.quantity for trade in ledger.open_trades(ACCOUNT)] == [60]
    assert len(ledger.fills(client_id="b-1")) == 1


def test_the_same_fill_id_at_another_account_is_another_fill(ledger: Ledger) -> None:
    assert ledger.record_fill(ACCOUNT, fill("f1", "b-1", 60, 10.0))
    assert ledger.record_fill("alpaca", fill("f1", "b-1", 60, 10.0))


def test_adding_to_a_position_averages_its_entry(ledger: Ledger) -> None:
    ledger.record_fill(ACCOUNT, fill("f1", "b-1", 100, 10.0, commission=1.0))
    ledger.record_fill(ACCOUNT, fill("f2", "b-2", 300, 12.0, commission=1.0))
    (trade,) = ledger.open_trades(ACCOUNT)
    assert (trade.entry_quantity, trade.entry_price, trade.commission) == (400, 11.5, 2.0)


def test_partial_exits_average_and_the_last_share_closes(ledger: Ledger) -> None:
    ledger.record_fill(ACCOUNT, fill("f1", "b-1", 100, 10.0, commission=1.0))
    write(ledger, request("s-1", side="sell"), reason="take profit")
    ledger.record_fill(ACCOUNT, fill("f2", "s-1", 25, 12.0, side="sell"))
    (half,) = ledger.open_trades(ACCOUNT)
    assert (half.quantity, half.exit_price, half.pnl, half.pnl_pct) == (75, 12.0, 49.0, None)

    ledger.record_fill(ACCOUNT, fill("f3", "s-1", 75, 8.0, side="sell", commission=1.0))
    assert ledger.open_trades(ACCOUNT) == ()
    (trade,) = ledger.trades(ACCOUNT)
    assert (trade.status, trade.exit_quantity, trade.exit_price, trade.exit_reason) == (
        "closed",
        100,
        9.0,
        "take profit",
    )
    assert trade.pnl == pytest.approx(100 * (9.0 - 10.0) - 2.0)
    assert trade.pnl_pct == pytest.approx(-10.0)


def test_a_stop_is_its_own_reason(ledger: Ledger) -> None:
    ledger.record_fill(ACCOUNT, fill("f1", "b-1", 100, 10.0))
    write(ledger, request("p-1", side="sell", type="trailing_stop", trail=0.05), reason="protect")
    ledger.record_fill(ACCOUNT, fill("f2", "p-1", 100, 9.5, side="sell"))
    assert [trade.exit_reason for trade in ledger.trades(ACCOUNT)] == ["trailing_stop"]


def test_fills_that_nobody_ordered_here_are_external(ledger: Ledger) -> None:
    ledger.record_fill(ACCOUNT, fill("f1", "by-hand", 100, 10.0))
    ledger.record_fill(ACCOUNT, fill("f2", "by-hand-too", 100, 11.0, side="sell"))
    (trade,) = ledger.trades(ACCOUNT)
    assert (trade.entry_reason, trade.exit_reason) == ("external", "external")


def test_the_sale_of_shares_that_no_trade_bought_is_still_a_fill(ledger: Ledger) -> None:
    assert ledger.record_fill(ACCOUNT, fill("f1", "s-1", 5, 10.0, side="sell"))
    assert ledger.trades(ACCOUNT) == ()
    assert [told.id for told in ledger.fills(account=ACCOUNT)] == ["f1"]


def test_a_sale_of_more_than_the_trade_holds_closes_what_it_holds(ledger: Ledger) -> None:
    ledger.record_fill(ACCOUNT, fill("f1", "b-1", 10, 10.0))
    ledger.record_fill(ACCOUNT, fill("f2", "s-1", 15, 11.0, side="sell"))
    (trade,) = ledger.trades(ACCOUNT)
    assert (trade.status, trade.exit_quantity, trade.pnl) == ("closed", 10, pytest.approx(10.0))


def test_dates_are_the_exchanges(ledger: Ledger) -> None:
    evening_in_new_york = datetime(2026, 11, 25, 1, 0, tzinfo=UTC)
    ledger.record_fill(ACCOUNT, fill("f1", "b-1", 10, 10.0, at=evening_in_new_york))
    assert [trade.entry_date for trade in ledger.open_trades(ACCOUNT)] == [date(2026, 11, 24)]


def test_a_symbol_that_is_bought_again_is_a_new_trade(ledger: Ledger) -> None:
    for number, side in enumerate(("buy", "sell", "buy")):
        ledger.record_fill(ACCOUNT, fill(f"f{number}", f"o-{number}", 10, 10.0, side=side))
    assert [trade.status for trade in ledger.trades(ACCOUNT)] == ["closed", "open"]


def test_the_peak_only_rises_and_the_drawdown_only_deepens(ledger: Ledger) -> None:
    ledger.record_fill(ACCOUNT, fill("f1", "b-1", 100, 10.0))
    ledger.update_peak(ACCOUNT, "MU", 12.0, low=9.0)
    ledger.update_peak(ACCOUNT, "MU", 11.0, low=9.5)
    (trade,) = ledger.open_trades(ACCOUNT)
    assert (trade.peak, trade.max_gain, trade.max_drawdown) == (12.0, pytest.approx(0.2), pytest.approx(-0.1))
    assert not ledger.update_peak(ACCOUNT, "AMD", 12.0)


def test_trades_since_a_day_are_those_that_began_or_ended_then(ledger: Ledger) -> None:
    ledger.record_fill(ACCOUNT, fill("f1", "b-1", 10, 10.0, at=datetime(2026, 11, 20, 16, tzinfo=UTC)))
    ledger.record_fill(
        ACCOUNT, fill("f2", "s-1", 10, 11.0, side="sell", at=datetime(2026, 11, 23, 16, tzinfo=UTC))
    )
    assert len(ledger.trades(ACCOUNT, since=date(2026, 11, 23))) == 1
    assert ledger.trades(ACCOUNT, since=date(2026, 11, 24)) == ()
    assert ledger.last_fill(ACCOUNT) == datetime(2026, 11, 23, 16, tzinfo=UTC)


steps = st.lists(
    st.tuples(st.sampled_from(["buy", "sell"]), st.integers(1, 500), st.floats(1, 1000)),
    min_size=1,
    max_size=12,
)


@settings(max_examples=25, deadline=None)
@given(steps, st.randoms(use_true_random=False))
def test_shares_and_profit_add_up_however_often_fills_are_told(steps: list, random) -> None:
    told, held, money = [], 0, 0.0
    for number, (side, qty, price) in enumerate(steps):
        qty = qty if side == "buy" else min(qty, held)
        if not qty:
            continue
        held += qty if side == "buy" else -qty
        money += qty * price * (1 if side == "sell" else -1)
        told.append(fill(f"f{number}", f"o-{number}", qty, price, side=side))
    with TemporaryDirectory() as directory, open_ledger(f"sqlite:///{directory}/ledger.db") as ledger:
        for position, one in enumerate(told):
            ledger.record_fill(ACCOUNT, one)
            assert not ledger.record_fill(ACCOUNT, random.choice(told[: position + 1]))
        trades = ledger.trades(ACCOUNT)
        assert sum(trade.quantity for trade in trades) == held
        paid = sum(trade.entry_quantity * trade.entry_price for trade in trades)
        got = sum(trade.exit_quantity * trade.exit_price for trade in trades if trade.exit_price is not None)
        assert got - paid == pytest.approx(money, abs=1e-6)
        closed = [trade.pnl for trade in trades if trade.status == "closed"]
        if held == 0:
            assert sum(closed) == pytest.approx(money, abs=1e-6)

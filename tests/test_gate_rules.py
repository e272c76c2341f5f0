"""One test for each rule of the gate, with the text that a person reads."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from momentum.model.decision import Plan, Refusal
from momentum.model.market import EarnedPoints
from momentum.risk.book import MarketState
from momentum.risk.proposal import ExitDemand
from risk_builders import (
    NOW,
    bought,
    candidate,
    decision,
    limits,
    market,
    order,
    plan_of,
    portfolio,
    position,
    quote,
    reading,
)

BUY_A = decision(buys=("A",))
CLOSE_A = decision(closes=("A",))


def only_refusal(plan: Plan) -> Refusal:
    (refusal,) = plan.refusals
    return refusal


def told(plan: Plan) -> tuple[str, str]:
    refusal = only_refusal(plan)
    return refusal.rule, refusal.text


# -- closes -------------------------------------------------------------------------------------------------


def test_a_close_sells_the_whole_position() -> None:
    plan = plan_of(CLOSE_A, portfolio(position("A", qty=232, cap="mid")))
    (sale,) = plan.closes
    assert (sale.symbol, sale.side, sale.qty, sale.price, sale.cap) == ("A", "sell", 232, 10.0, "mid")
    assert sale.reason == "decided by test"


def test_only_what_is_held_is_closed() -> None:
    assert told(plan_of(CLOSE_A)) == ("not_held", "no position to close")


def test_a_close_needs_an_open_market() -> None:
    plan = plan_of(CLOSE_A, portfolio(position("A")), market(is_open=False))
    assert told(plan) == ("market_open", "the market is closed")


def test_a_position_that_is_being_sold_is_not_sold_again() -> None:
    account = portfolio(position("A"), orders=[order("A", "sell", 1000)])
    assert told(plan_of(CLOSE_A, account)) == ("pending", "a sell order of 1000 shares is already open")


def test_the_stop_over_a_position_does_not_stand_in_the_way_of_its_close() -> None:
    account = portfolio(position("A"), orders=[order("A", "sell", 1000, "trailing_stop", stop_price=9.5)])
    assert [sale.symbol for sale in plan_of(CLOSE_A, account).closes] == ["A"]


@pytest.mark.parametrize(
    ("prices", "rule"),
    [
        (market(quote("A", age=timedelta(hours=1))), "limits.max_price_age"),
        (market(quote("A", halted=True)), "halted"),
    ],
)
def test_a_close_waits_for_a_price_and_keeps_its_stop(prices: MarketState, rule: str) -> None:
    plan = plan_of(CLOSE_A, portfolio(position("A")), prices)
    assert not plan.closes
    assert only_refusal(plan).rule == rule


def test_the_engines_own_exits_are_closed_whoever_decided() -> None:
    account = portfolio(position("A"), position("B"))
    plan = plan_of(decision(closes=("A",)), account, exits=[ExitDemand("B", "signal: close < sma_20")])
    assert [(sale.symbol, sale.reason) for sale in plan.closes] == [
        ("A", "decided by test"),
        ("B", "signal: close < sma_20"),
    ]


def test_an_exit_of_the_engine_gives_its_reason_where_the_decision_wants_the_same() -> None:
    plan = plan_of(CLOSE_A, portfolio(position("A")), exits=[ExitDemand("A", "signal: below SMA20")])
    assert [sale.reason for sale in plan.closes] == ["signal: below SMA20"]
    assert not plan.refusals


def test_a_close_remembers_the_reversal_that_was_seen() -> None:
    seen = reading("A", 6.0, {"rsi_14": 41.0})
    (sale,) = plan_of(CLOSE_A, portfolio(position("A")), readings=[seen]).closes
    assert (sale.score, sale.context["rsi_14"]) == (6.0, 41.0)


@pytest.mark.parametrize(
    ("threshold", "by_reversal"), [(5.0, True), (6.0, True), (6.5, False), (None, False)]
)
def test_a_close_says_whether_the_reversal_closed_it(threshold: float | None, by_reversal: bool) -> None:
    seen = replace(reading("A", 6.0), signals=(EarnedPoints("below SMA20", 4.0), EarnedPoints("red", 2.0)))
    account = portfolio(position("A"))
    (sale,) = plan_of(CLOSE_A, account, readings=[seen], close_reversal=threshold).closes
    assert sale.context["closed_by_reversal"] is by_reversal
    assert sale.context["reversal_score"] == 6.0
    assert sale.context["reversal_signals"] == {"below SMA20": 4.0, "red": 2.0}


# -- buys: the symbol and its price -------------------------------------------------------------------------


def test_only_candidates_of_the_scan_are_bought() -> None:
    plan = plan_of(decision(buys=("ZZZ",)))
    assert told(plan) == ("unknown", "not among the candidates of this scan")


def test_what_is_held_is_not_bought_again() -> None:
    assert told(plan_of(BUY_A, portfolio(position("A", qty=232)))) == ("held", "already held (232 shares)")


def test_what_is_pending_is_not_bought_again() -> None:
    plan = plan_of(BUY_A, portfolio(orders=[order("A", qty=70)]))
    assert told(plan) == ("pending", "a buy order of 70 shares is already open")


def test_nothing_is_bought_while_buying_is_halted() -> None:
    plan = plan_of(BUY_A, prices=market(halt="daily loss 4%"))
    assert told(plan) == ("halt", "HALTED, no buys: daily loss 4%")


def test_a_halt_does_not_stop_a_close() -> None:
    plan = plan_of(CLOSE_A, portfolio(position("A")), market(halt="daily loss 4%"))
    assert [sale.symbol for sale in plan.closes] == ["A"]


def test_nothing_is_bought_in_skip_mode() -> None:
    plan = plan_of(BUY_A, skip_buys=True)
    assert told(plan) == ("skip_buys", "SKIP MODE: every older position is healthy, nothing is bought")
    assert plan.skip_buys


def test_nothing_is_bought_in_a_closed_market() -> None:
    assert told(plan_of(BUY_A, prices=market(is_open=False))) == ("market_open", "the market is closed")


def test_nothing_is_bought_without_a_price() -> None:
    plan = plan_of(BUY_A, prices=MarketState(NOW, True, {}))
    assert told(plan) == ("price", "no price is known")


@pytest.mark.parametrize("price", [float("nan"), float("inf"), 0.0, -5.0])
def test_nothing_is_bought_at_an_impossible_price(price: float) -> None:
    plan = plan_of(BUY_A, prices=market(quote("A", price)))
    assert told(plan) == ("price", f"price {price:g} cannot be used")


def test_nothing_is_bought_while_its_trading_is_halted() -> None:
    assert told(plan_of(BUY_A, prices=market(quote("A", halted=True)))) == (
        "halted",
        "trading in it is halted",
    )


@pytest.mark.parametrize(
    ("age", "shown"),
    [
        (timedelta(minutes=15, seconds=1), "16m"),
        (timedelta(hours=3), "3h"),
        (timedelta(days=5), "5d"),
    ],
)
def test_nothing_is_bought_on_a_stale_price(age: timedelta, shown: str) -> None:
    plan = plan_of(BUY_A, prices=market(quote("A", age=age)))
    assert told(plan) == ("limits.max_price_age", f"price is {shown} old, max 15m")


def test_a_price_just_within_its_age_is_good() -> None:
    assert bought(plan_of(BUY_A, prices=market(quote("A", age=timedelta(minutes=15))))) == [("A", 1000)]


@pytest.mark.parametrize(
    ("account", "text"),
    [
        (portfolio(equity=0.0), "equity 0 cannot be used"),
        (portfolio(equity=float("nan"), cash=1e5), "equity nan cannot be used"),
        (portfolio(cash=float("inf")), "cash inf cannot be used"),
        (
            portfolio(position("B", price=float("nan")), cash=1e5),
            "exposure is unknown: no usable price for B",
        ),
        (portfolio(orders=[order("XYZ")]), "exposure is unknown: no usable price for XYZ"),
    ],
)
def test_nothing_is_bought_while_the_account_is_not_known(account: object, text: str) -> None:
    assert told(plan_of(BUY_A, account)) == ("account", text)  # type: ignore[arg-type]


# -- buys: counts -------------------------------------------------------------------------------------------


def test_a_scan_makes_no_more_buys_than_the_limit() -> None:
    plan = plan_of(decision(buys=("A", "B", "C")), within=limits(max_buys_per_scan=2))
    assert [symbol for symbol, _ in bought(plan)] == ["A", "B"]
    assert told(plan) == ("limits.max_buys_per_scan", "max 2 buys a scan (2 in this plan)")


def test_a_scan_can_ask_for_fewer_buys_but_not_for_more() -> None:
    wish = decision(buys=("A", "B", "C"))
    assert len(plan_of(wish, max_buys=1).buys) == 1
    assert len(plan_of(wish, within=limits(max_buys_per_scan=2), max_buys=99).buys) == 2


def test_a_size_class_gets_no_more_buys_than_its_limit() -> None:
    plan = plan_of(decision(buys=("A", "B", "C")), within=limits(small=(6, 2)))
    assert told(plan) == ("caps.small.max_buys_per_scan", "max 2 small-cap buys a scan (2 in this plan)")


def test_a_refused_buy_leaves_its_place_to_the_next_of_the_decision() -> None:
    plan = plan_of(
        decision(buys=("A", "B", "C")), portfolio(position("A")), within=limits(max_buys_per_scan=2)
    )
    assert [symbol for symbol, _ in bought(plan)] == ["B", "C"]


def test_a_size_class_holds_no_more_positions_than_its_limit() -> None:
    plan = plan_of(BUY_A, portfolio(position("B"), position("C")), within=limits(small=(2, 2)))
    refusal = only_refusal(plan)
    assert (refusal.rule, refusal.limit, refusal.value) == ("caps.small.max_positions", 2.0, 2.0)
    assert refusal.text == "max 2 small-cap positions (2 held)"


def test_positions_of_other_size_classes_do_not_count_for_a_class() -> None:
    held = portfolio(position("B", cap="mid"), position("C", cap="large"))
    assert bought(plan_of(BUY_A, held, within=limits(small=(1, 1)))) == [("A", 1000)]


def test_the_account_holds_no_more_positions_than_its_limit() -> None:
    held = portfolio(position("B", qty=100), position("C", qty=100, cap="mid"))
    plan = plan_of(decision(buys=("A", "D")), held, within=limits(max_positions=3))
    assert bought(plan) == [("A", 1000)]
    assert told(plan) == ("limits.max_positions", "max 3 positions (2 held, 1 in this plan)")


def test_a_pending_buy_takes_a_slot() -> None:
    account = portfolio(position("B"), orders=[order("C")])
    plan = plan_of(BUY_A, account, market(caps={"C": "small"}), limits(small=(2, 2)))
    assert told(plan) == ("caps.small.max_positions", "max 2 small-cap positions (1 held, 1 pending)")


def test_an_unclassified_symbol_has_the_totals_as_its_limits() -> None:
    new = candidate("A", cap="unclassified")
    full = portfolio(position("B", cap="unclassified"), position("C", cap="unclassified"))
    assert bought(plan_of(BUY_A, full, within=limits(small=(0, 0)), candidates=[new])) == [("A", 1000)]


def test_a_planned_close_frees_its_slot() -> None:
    full = portfolio(position("B"), position("C"))
    plan = plan_of(decision(closes=("B",), buys=("A",)), full, within=limits(small=(2, 2)))
    assert [sale.symbol for sale in plan.closes] == ["B"]
    assert bought(plan) == [("A", 1000)]


def test_a_close_that_is_refused_frees_nothing() -> None:
    full = portfolio(position("B"), position("C"))
    prices = market(quote("B", halted=True))
    plan = plan_of(decision(closes=("B",), buys=("A",)), full, prices, limits(small=(2, 2)))
    assert not plan.buys
    assert plan.refusals[-1].text == "max 2 small-cap positions (2 held)"


# -- buys: size ---------------------------------------------------------------------------------------------


def test_a_buy_is_the_position_size_in_whole_shares() -> None:
    assert bought(plan_of(BUY_A, prices=market(quote("A", 33.0)))) == [("A", 303)]


def test_a_share_dearer_than_the_position_size_is_not_bought() -> None:
    plan = plan_of(BUY_A, prices=market(quote("A", 12_000.0)))
    text = "a position may be 10% of equity, which leaves $10,000.00: a share costs $12,000.00"
    assert told(plan) == ("limits.position_size", text)


def test_where_positions_may_be_added_to_the_position_size_is_of_the_whole() -> None:
    held = portfolio(position("A", qty=400))
    plan = plan_of(BUY_A, held, within=limits(add_to_positions=True, small=(1, 1)))
    assert bought(plan) == [("A", 600)]


def test_a_position_of_full_size_is_not_added_to() -> None:
    plan = plan_of(BUY_A, portfolio(position("A", qty=1100)), within=limits(add_to_positions=True))
    assert only_refusal(plan).rule == "limits.position_size"


def test_no_order_is_larger_than_the_largest() -> None:
    assert bought(plan_of(BUY_A, within=limits(max_order=4_005.0))) == [("A", 400)]


def test_a_share_dearer_than_the_largest_order_is_not_bought() -> None:
    plan = plan_of(BUY_A, within=limits(max_order=9.0))
    assert told(plan) == ("limits.max_order", "max order $9.00, a share costs $10.00")


def test_a_buy_carries_what_was_known_of_its_candidate() -> None:
    known = replace(candidate("A", rsi_14=61.0), score=17.0, rank=3)
    (buy,) = plan_of(BUY_A, candidates=[known]).buys
    assert (buy.score, buy.context["rsi_14"], buy.context["rank"]) == (17.0, 61.0, 3.0)

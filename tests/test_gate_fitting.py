"""What does not fit is cut to fit, or refused; and what is left to the moment of each order is judged there."""

from __future__ import annotations

import pytest

from momentum.model.decision import PlannedOrder, Refusal
from momentum.model.portfolio import Portfolio
from momentum.risk.gate import recheck
from risk_builders import (
    LIMITS,
    bought,
    decision,
    limits,
    market,
    order,
    plan_of,
    portfolio,
    position,
    quote,
)

BUY_A = decision(buys=("A",))


def planned(qty: int = 1000, asked: int | None = None, symbol: str = "A") -> PlannedOrder:
    return PlannedOrder(symbol, "buy", qty, asked or qty, 10.0, "small", "score 15")


def sent(order: PlannedOrder, account: Portfolio, price: float = 10.0, **changes: object) -> int | str:
    """The quantity that may be sent now, or the rule that refuses the order."""
    outcome = recheck(order, account, market(), limits(**changes), price=price)
    return outcome.rule if isinstance(outcome, Refusal) else outcome.qty


# -- when the plan is made ----------------------------------------------------------------------------------


def test_the_sixth_position_of_ten_percent_is_cut_into_sixty_percent_of_exposure() -> None:
    five = portfolio(*(position(symbol, qty=1040) for symbol in "BCDEF"))
    (buy,) = plan_of(BUY_A, five).buys
    assert (buy.asked, buy.qty) == (1000, 800)


def test_a_buy_that_would_lose_more_than_half_is_refused() -> None:
    five = portfolio(*(position(symbol, qty=1110) for symbol in "BCDEF"))
    (refusal,) = plan_of(BUY_A, five).refusals
    assert (refusal.rule, refusal.limit, refusal.value) == ("limits.max_exposure", 0.60, pytest.approx(0.655))
    assert refusal.text == "max exposure 60% leaves $4,500.00 of the $10,000.00 asked, under 50%"


@pytest.mark.parametrize(("reduce_to", "expected"), [(1.0, []), (0.8, [("A", 800)]), (0.0, [("A", 800)])])
def test_reduce_to_is_the_least_share_of_an_order(reduce_to: float, expected: list[tuple[str, int]]) -> None:
    five = portfolio(*(position(symbol, qty=1040) for symbol in "BCDEF"))
    assert bought(plan_of(BUY_A, five, within=limits(reduce_to=reduce_to))) == expected


def test_with_reduce_to_zero_one_share_is_enough_but_none_is_not() -> None:
    wide = limits(reduce_to=0.0)
    assert bought(plan_of(BUY_A, portfolio(cash=10.0), within=wide)) == [("A", 1)]
    (refusal,) = plan_of(BUY_A, portfolio(cash=9.0), within=wide).refusals
    assert refusal.text == "cash leaves $9.00 of the $10,000.00 asked, under a share"


def test_a_buy_over_the_cash_is_cut_to_it_or_refused() -> None:
    assert bought(plan_of(BUY_A, portfolio(cash=6_004.0))) == [("A", 600)]
    (refusal,) = plan_of(BUY_A, portfolio(cash=4_000.0)).refusals
    assert (refusal.rule, refusal.text) == (
        "cash",
        "cash leaves $4,000.00 of the $10,000.00 asked, under 50%",
    )


def test_pending_buys_count_as_exposure_and_take_cash() -> None:
    waiting = [order("B", qty=5_300), order("C", qty=10, limit_price=9.0)]
    assert bought(plan_of(BUY_A, portfolio(orders=waiting))) == [("A", 691)]


def test_what_a_pending_buy_already_filled_is_counted_once() -> None:
    half = portfolio(position("B", qty=2_700), orders=[order("B", qty=5_400, filled_qty=2_700)])
    assert bought(plan_of(BUY_A, half)) == [("A", 600)]


def test_each_buy_of_a_plan_leaves_less_for_the_next() -> None:
    four = portfolio(*(position(symbol, qty=1050) for symbol in "CDEF"))
    assert bought(plan_of(decision(buys=("A", "B")), four)) == [("A", 1000), ("B", 800)]


def test_each_buy_of_a_plan_leaves_less_cash_for_the_next() -> None:
    assert bought(plan_of(decision(buys=("A", "B")), portfolio(cash=16_000.0))) == [("A", 1000), ("B", 600)]


def test_the_proceeds_of_a_planned_close_can_be_spent() -> None:
    poor = portfolio(position("B", qty=800), cash=0.0)
    plan = plan_of(decision(closes=("B",), buys=("A",)), poor)
    assert bought(plan) == [("A", 800)]


def test_rounding_does_not_cost_a_share_at_full_exposure() -> None:
    thirds = [position(symbol, qty=1, price=100_000.0 / 3) for symbol in "BC"]
    account = portfolio(*thirds, cash=100_000.0 - 2 * (100_000.0 / 3))
    prices = market(quote("A", account.cash))
    plan = plan_of(BUY_A, account, prices, limits(max_exposure=1.0, position_size=0.5))
    assert bought(plan) == [("A", 1)]


def test_with_slots_at_fill_a_plan_holds_the_sizes_as_chosen() -> None:
    full = portfolio(*(position(symbol, qty=1900) for symbol in "CDEFGH"), equity=114_050.0)
    chosen = limits(slots="at_fill", max_exposure=1.0, reduce_to=0.0)
    assert bought(plan_of(decision(buys=("A", "B")), full, within=chosen)) == [("A", 1140), ("B", 1140)]


# -- before each order --------------------------------------------------------------------------------------


def test_an_order_that_still_fits_is_sent_as_planned() -> None:
    assert recheck(planned(), portfolio(), market(), LIMITS, price=10.0) == planned()


def test_an_order_is_cut_to_the_cash_at_the_price_of_the_moment() -> None:
    assert sent(planned(), portfolio(cash=9_000.0), price=11.0, reduce_to=0.0) == 818


def test_being_cut_twice_does_not_go_below_the_least_share_of_what_was_asked() -> None:
    assert sent(planned(qty=600, asked=1000), portfolio(cash=5_100.0)) == 510
    assert sent(planned(qty=600, asked=1000), portfolio(cash=4_900.0)) == "cash"


def test_position_size_is_not_judged_again() -> None:
    assert sent(planned(), portfolio(), price=15.0) == 1000


def test_slots_are_counted_again_whenever_they_were_counted_first() -> None:
    six = portfolio(*(position(symbol, qty=100) for symbol in "BCDEFG"))
    assert sent(planned(), six, slots="at_plan") == "limits.max_positions"
    assert sent(planned(), six, slots="at_fill") == "limits.max_positions"


def test_a_close_that_did_not_fill_keeps_its_slot() -> None:
    full = portfolio(position("B"), position("C"))
    plan = plan_of(decision(closes=("B",), buys=("A",)), full, within=limits(small=(2, 2)))
    outcome = recheck(plan.buys[0], full, market(), limits(small=(2, 2)), price=10.0)
    assert isinstance(outcome, Refusal)
    assert outcome.text == "max 2 small-cap positions (2 held)"


def test_what_was_bought_meanwhile_is_not_bought_again() -> None:
    assert sent(planned(), portfolio(position("A"))) == "held"
    assert sent(planned(), portfolio(orders=[order("A")])) == "pending"


@pytest.mark.parametrize(
    ("prices", "rule"),
    [
        (market(halt="stop"), "halt"),
        (market(is_open=False), "market_open"),
        (market(quote("A", halted=True)), "halted"),
    ],
)
def test_the_market_is_judged_again(prices: object, rule: str) -> None:
    outcome = recheck(planned(), portfolio(), prices, LIMITS, price=10.0)  # type: ignore[arg-type]
    assert isinstance(outcome, Refusal)
    assert outcome.rule == rule


def test_a_close_sells_the_position_as_it_is_now() -> None:
    (sale,) = plan_of(decision(closes=("A",)), portfolio(position("A", qty=500))).closes
    outcome = recheck(sale, portfolio(position("A", qty=300)), market(), LIMITS, price=10.0)
    assert isinstance(outcome, PlannedOrder)
    assert (outcome.qty, outcome.asked) == (300, 500)
    gone = recheck(sale, portfolio(), market(), LIMITS, price=10.0)
    assert isinstance(gone, Refusal)
    assert gone.rule == "not_held"

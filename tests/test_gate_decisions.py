"""Decisions that contradict themselves, or hold what no decision can hold."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from momentum.model.decision import PositionAction
from momentum.risk.proposal import exit_demands, plain, read_proposal
from risk_builders import (
    act,
    bought,
    close,
    decision,
    hold,
    plan_of,
    portfolio,
    position,
    reading,
    refused,
)

HELD_A = portfolio(position("A"))


def test_a_symbol_both_closed_and_bought_is_closed() -> None:
    plan = plan_of(decision(closes=("A",), buys=("A",)), HELD_A)
    assert [sale.symbol for sale in plan.closes] == ["A"]
    assert refused(plan) == [("A", "contradiction")]
    assert plan.refusals[0].text == "it is to be closed in the same plan: the close stands"


@pytest.mark.parametrize("word", ["WATCH", "SKIP"])
def test_what_is_bought_against_its_own_action_is_not_bought(word: str) -> None:
    plan = plan_of(decision(buys=("A",), on_candidates=(act("A", word),)))
    assert not plan.buys
    text = f"the execution plan buys it, but its action says {word}: not bought"
    assert [(r.rule, r.text) for r in plan.refusals] == [("contradiction", text)]


def test_one_word_against_a_buy_outweighs_one_for_it() -> None:
    plan = plan_of(decision(buys=("A",), on_candidates=(act("A"), act("A", "SKIP"))))
    assert not plan.buys


def test_what_is_held_and_closed_by_the_same_decision_is_closed() -> None:
    plan = plan_of(decision(closes=("A",), on_positions=(hold("A"),)), HELD_A)
    assert [(sale.symbol, sale.reason) for sale in plan.closes] == [("A", "momentum intact")]
    assert refused(plan) == [("A", "contradiction")]
    assert plan.refusals[0].text == "the decision both holds and closes it: closed, the safer side"


def test_a_close_that_the_execution_plan_forgot_is_made() -> None:
    plan = plan_of(decision(on_positions=(close("A"),)), HELD_A)
    assert [(sale.symbol, sale.reason) for sale in plan.closes] == [("A", "the thesis is breaking")]
    assert refused(plan) == [("A", "contradiction")]


def test_a_buy_that_the_execution_plan_forgot_is_not_made() -> None:
    plan = plan_of(decision(on_candidates=(act("A"),)))
    assert not plan.buys
    assert plan.refusals[0].text == "its action says BUY, but the execution plan leaves it out: not bought"


def test_agreement_leaves_nothing_to_record() -> None:
    plan = plan_of(
        decision(
            closes=("A",),
            buys=("B",),
            on_positions=(close("A"),),
            on_candidates=(act("B"), act("C", "WATCH")),
        ),
        HELD_A,
    )
    assert (bought(plan), plan.refusals) == ([("B", 1000)], ())


def test_a_symbol_named_twice_counts_once() -> None:
    plan = plan_of(decision(closes=("A", "A"), buys=("B", "B", "B")), HELD_A)
    assert ([sale.symbol for sale in plan.closes], bought(plan)) == (["A"], [("B", 1000)])
    assert refused(plan) == [("A", "duplicate"), ("B", "duplicate"), ("B", "duplicate")]


@pytest.mark.parametrize("conviction", [float("nan"), float("inf"), -0.1, 1.01, 10**400, None, "high", True])
def test_a_conviction_that_cannot_be_is_not_bought_on(conviction: Any) -> None:
    plan = plan_of(decision(buys=("A",), on_candidates=(act("A", conviction=conviction),)))
    assert refused(plan) == [("A", "malformed")]


@pytest.mark.parametrize("score", [float("nan"), float("-inf"), None, "15", [15]])
def test_a_score_that_cannot_be_is_not_bought_on(score: Any) -> None:
    plan = plan_of(decision(buys=("A",), on_candidates=(act("A", score=score),)))
    assert refused(plan) == [("A", "malformed")]


@pytest.mark.parametrize("verb", ["buy", "MAYBE", None, 7, ["BUY"]])
def test_an_action_that_is_none_speaks_against_a_buy(verb: Any) -> None:
    plan = plan_of(decision(buys=("A",), on_candidates=(act("A", verb),)))
    assert refused(plan) == [("A", "contradiction")]


@pytest.mark.parametrize("strange", [None, "A", 3, {"A": 1}, {"A"}, iter(["A"])])
def test_what_is_not_a_list_is_not_read_as_one(strange: Any) -> None:
    plan = plan_of(
        decision(closes=strange, buys=strange, on_positions=strange, on_candidates=strange), HELD_A
    )
    assert (plan.closes, plan.buys) == ((), ())
    assert {rule for _, rule in refused(plan)} == {"malformed"}


@pytest.mark.parametrize(
    "strange", [None, 3, float("nan"), "", " A", "A\x00", "\ud800", "A" * 10_000, ("A",)]
)
def test_what_is_not_a_symbol_is_refused_and_the_rest_stands(strange: Any) -> None:
    plan = plan_of(decision(buys=(strange, "B"), closes=(strange,)))
    assert bought(plan) == [("B", 1000)]
    assert {rule for _, rule in refused(plan)} == {"malformed"}


def test_an_execution_plan_that_is_none_plans_nothing() -> None:
    plan = plan_of(replace(decision(), execution_plan={"buys": ["A"]}))  # type: ignore[arg-type]
    assert not plan.buys
    assert plan.refusals[0].text == "expected an execution plan, found dict"


def test_an_unknown_word_on_a_position_holds_it_and_is_told() -> None:
    odd = PositionAction("A", "SELL", 6.0, "")  # type: ignore[arg-type]
    plan = plan_of(decision(on_positions=(odd,)), HELD_A)
    assert not plan.closes
    assert plan.refusals[0].text == "expected HOLD or CLOSE, found 'SELL'"


def test_reasons_are_kept_on_one_line_and_short() -> None:
    odd = replace(act("A"), reasoning="gap\n\x1b[31m and\x00 volume " + "x" * 10_000)
    (wish,) = read_proposal(decision(buys=("A",), on_candidates=(odd,))).buys
    assert wish.reason.startswith("gap [31m and volume x")
    assert len(wish.reason) <= 500


def test_a_plain_text_keeps_its_letters() -> None:
    assert plain("  Réversal ≥ 5,\tgap 3.4 % ") == "Réversal ≥ 5, gap 3.4 %"


def test_an_exit_rule_that_holds_demands_a_close_and_an_unknown_one_does_not() -> None:
    seen = [
        reading(
            "A", columns={"close": 9.0, "exit:slow": False, "exit:close < sma_20": True, "exit:late": True}
        ),
        reading("B", columns={"exit:close < sma_20": None}),
    ]
    assert exit_demands(seen) == (("A", "signal: close < sma_20"),)

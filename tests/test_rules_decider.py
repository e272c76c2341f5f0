"""The rules decider: what it closes, buys and watches, and the reasons it gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from momentum.model.decision import Decision, LimitsLeft, ScanInfo, Situation
from momentum.model.market import Candidate, Cap, EarnedPoints, MarketContext, Reading, Value
from momentum.model.portfolio import Position
from momentum.model.strategy import DecideRules, Exits, Points, Strategy
from momentum_plugins import rules_decider
from momentum_plugins.rules_decider import decide
from risk_builders import (
    NOW,
    TODAY,
    bought,
    limits,
    market,
    order,
    plan_of,
    portfolio,
    position,
    quote,
    reading,
)

RULES = DecideRules(12, "momentum_breakout", 8, 0.15, 5, 2)
STRATEGY = Strategy(
    name="momentum_breakout",
    description="",
    features=(),
    columns=(),
    filters=(),
    score=(Points("most", "true", 20.0),),
    reversal=(),
    rank="score DESC",
    decide=RULES,
    exits=Exits(0.05),
)
LEFT = LimitsLeft(6, 2, {"large": 2, "mid": 2, "small": 2}, 60_000.0, 100_000.0, 0.10)
MARKET = MarketContext(512.3, 0.0042, 505.0, "up", 14.21, "proxy", 0.613)


def setup(symbol: str, score: float = 15.0, cap: Cap = "large", ready: Value = True) -> Candidate:
    return Candidate(symbol, cap, 10.0, score, 1, columns={"buy_when": ready})


def situation(
    *candidates: Candidate,
    positions: Sequence[Position] = (),
    readings: Sequence[Reading] = (),
    left: LimitsLeft = LEFT,
    around: MarketContext = MARKET,
    orders: Sequence[Any] = (),
    **rules: Any,
) -> Situation:
    scan = ScanInfo("s-1", "momentum_breakout", TODAY, "close", "all", NOW, dry_run=False, max_buys=2)
    strategy = replace(STRATEGY, decide=replace(RULES, **rules))
    account = portfolio(*positions, orders=orders)
    return Situation(scan, strategy, account, candidates, tuple(readings), around, left)


def on_position(
    score: float = 0.0,
    *,
    price: float = 10.0,
    columns: Mapping[str, Value] | None = None,
    signals: tuple[EarnedPoints, ...] = (),
    **rules: Any,
) -> tuple[str, str]:
    """What becomes of a position bought at $10, and why."""
    held = position("A", price=price, entry_price=10.0)
    seen = replace(reading("A", score, columns), signals=signals)
    (action,) = decide(situation(positions=[held], readings=[seen], **rules)).position_actions
    return action.action, action.reasoning


def verbs(decision: Decision) -> dict[str, str]:
    return {action.symbol: action.action for action in decision.candidate_actions}


def reason(decision: Decision, symbol: str) -> str:
    return next(action.reasoning for action in decision.candidate_actions if action.symbol == symbol)


# -- positions ----------------------------------------------------------------------------------------------


def test_a_position_with_its_momentum_intact_is_held() -> None:
    assert on_position(2.0, price=10.4) == ("HOLD", "reversal score 2 of 5; 4% since entry")


@pytest.mark.parametrize("score", [3.0, 4.0])
def test_a_weak_reversal_is_held_and_watched_closely(score: float) -> None:
    verb, why = on_position(score, signals=(EarnedPoints("failed gap", 2.0),))
    assert (verb, why) == (
        "HOLD",
        f"watch closely; reversal score {score:g} of 5: failed gap; 0% since entry",
    )


def test_a_strong_reversal_is_closed() -> None:
    verb, why = on_position(5.0, signals=(EarnedPoints("failed gap", 2.0), EarnedPoints("below SMA20", 3.0)))
    assert verb == "CLOSE"
    assert why == ("reversal score reached 5; reversal score 5 of 5: failed gap, below SMA20; 0% since entry")


def test_the_reversal_that_closes_is_the_strategys() -> None:
    assert on_position(6.0, close_reversal=7)[0] == "HOLD"
    assert on_position(7.0, close_reversal=7)[0] == "CLOSE"


def test_a_profit_is_taken_at_its_threshold_and_not_before() -> None:
    assert on_position(price=11.49)[0] == "HOLD"
    assert on_position(price=11.6) == ("CLOSE", "profit reached 15%; reversal score 0 of 5; 16% since entry")


def test_where_no_profit_is_taken_winners_run() -> None:
    assert on_position(price=99.0, take_profit=None)[0] == "HOLD"


def test_a_close_rule_that_holds_closes() -> None:
    verb, why = on_position(columns={"close_when:five days flat": True, "close": 9.0})
    assert verb == "CLOSE"
    assert why.startswith("rule five days flat holds; ")


def test_an_exit_signal_of_the_engine_is_no_hold() -> None:
    verb, why = on_position(columns={"exit:close < sma_20": True})
    assert verb == "CLOSE"
    assert why.startswith("exit signal close < sma_20 holds; ")


@pytest.mark.parametrize("verdict", [False, None])
def test_a_close_rule_that_does_not_hold_or_is_unknown_closes_nothing(verdict: Value) -> None:
    assert on_position(columns={"close_when:flat": verdict, "exit:x": verdict})[0] == "HOLD"


@pytest.mark.parametrize("strange", [float("nan"), float("-inf")])
def test_a_score_that_is_no_number_closes_nothing(strange: float) -> None:
    assert on_position(strange)[0] == "HOLD"


def test_a_position_without_a_reading_is_held_for_want_of_a_reason() -> None:
    decision = decide(situation(positions=[position("A")]))
    assert [(a.action, a.reasoning) for a in decision.position_actions] == [
        ("HOLD", "no reversal score is known; 0% since entry")
    ]


# -- candidates ---------------------------------------------------------------------------------------------


def test_a_setup_is_bought_from_its_score_on_where_the_rule_holds() -> None:
    decision = decide(situation(setup("A", 15.0), setup("B", 12.0, "mid")))
    assert decision.execution_plan.buys == ("A", "B")
    assert reason(decision, "A") == "score 15 of 12 needed; momentum_breakout; large slot 1 of 2"
    assert [action.conviction for action in decision.candidate_actions] == [0.75, 0.6]


@pytest.mark.parametrize("ready", [False, None, 1.0])
def test_a_high_score_without_the_rule_is_watched(ready: Value) -> None:
    decision = decide(situation(setup("A", ready=ready)))
    assert verbs(decision) == {"A": "WATCH"}
    assert reason(decision, "A") == "score 15 of 12 needed; momentum_breakout does not hold"


def test_without_a_rule_the_score_decides() -> None:
    assert decide(situation(setup("A", ready=None), buy_when="")).execution_plan.buys == ("A",)


def test_good_but_not_ready_is_watched_and_weak_is_skipped() -> None:
    decision = decide(situation(setup("A", 11.0), setup("B", 8.0), setup("C", 7.0)))
    assert verbs(decision) == {"A": "WATCH", "B": "WATCH", "C": "SKIP"}
    assert reason(decision, "A") == "score 11 of 12 needed; not ready"
    assert reason(decision, "C") == "score 7 of 12 needed; weak, under 8"


def test_what_is_held_or_pending_is_skipped() -> None:
    decision = decide(situation(setup("A"), setup("B"), positions=[position("A")], orders=[order("B")]))
    assert verbs(decision) == {"A": "SKIP", "B": "SKIP"}
    assert reason(decision, "A") == "score 15 of 12 needed; already held"


def test_the_highest_ranked_are_bought_and_the_others_watched() -> None:
    decision = decide(situation(setup("C"), setup("A"), setup("B", cap="mid")))
    assert decision.execution_plan.buys == ("C", "A")
    assert reason(decision, "B").endswith("not bought: all 2 buys of the scan are taken")


def test_the_strategy_may_want_fewer_buys_than_the_scan_allows() -> None:
    assert decide(situation(setup("A"), setup("B"), max_buys=1)).execution_plan.buys == ("A",)


def test_a_full_size_class_leaves_the_buy_to_the_next_with_a_slot() -> None:
    left = replace(LEFT, by_cap={"large": 1, "mid": 1})
    decision = decide(situation(setup("A"), setup("B"), setup("C", cap="mid"), left=left))
    assert decision.execution_plan.buys == ("A", "C")
    assert reason(decision, "B").endswith("momentum_breakout; not bought: no free large slot")


def test_a_position_that_is_closed_frees_its_slot() -> None:
    left = replace(LEFT, positions=0, by_cap={"large": 0, "mid": 0, "small": 0})
    held = [position("X", cap="large", price=20.0, entry_price=10.0)]
    decision = decide(situation(setup("A"), setup("B"), positions=held, left=left))
    assert decision.execution_plan.closes == ("X",)
    assert decision.execution_plan.buys == ("A",)


def test_in_skip_mode_setups_are_watched() -> None:
    decision = decide(situation(setup("A"), left=replace(LEFT, skip_buys=True)))
    assert verbs(decision) == {"A": "WATCH"}
    assert decision.portfolio_summary.endswith("No buy: SKIP MODE, every older position is healthy.")


def test_the_watchlist_holds_the_five_best() -> None:
    decision = decide(situation(*(setup(symbol, 10.0) for symbol in "GABCDEF")))
    assert decision.execution_plan.new_watchlist == ("G", "A", "B", "C", "D")


@pytest.mark.parametrize(("score", "conviction"), [(25.0, 1.0), (-3.0, 0.0), (7.0, 0.35)])
def test_conviction_stays_between_nothing_and_certainty(score: float, conviction: float) -> None:
    (action,) = decide(situation(setup("A", score))).candidate_actions
    assert action.conviction == conviction


# -- in words -----------------------------------------------------------------------------------------------


def test_the_market_is_told_in_three_sentences() -> None:
    assert decide(situation(setup("A"), setup("B", 9.0), setup("C", 1.0))).market_assessment == (
        "SPY at $512.30, +0.42%, trend up, VIX 14.2 (a proxy from SPY). "
        "61% of the symbols are above their previous close. "
        "3 candidates: 1 with the score of 12 that a buy needs, 1 to watch."
    )


def test_what_is_not_known_of_the_market_is_left_out() -> None:
    assert decide(situation(around=MarketContext())).market_assessment == (
        "Nothing is known of the market. 0 candidates: 0 with the score of 12 that a buy needs, 0 to watch."
    )
    assert decide(situation(around=MarketContext(vix=20.0, vix_source="index"))).market_assessment.startswith(
        "VIX 20.0. "
    )


def test_the_summary_names_what_is_closed_and_bought() -> None:
    held = [position("X", qty=1000, price=12.0, entry_price=10.0)]
    assert decide(situation(setup("A"), positions=held)).portfolio_summary == (
        "1 held, 12% of equity exposed, cash $88,000.00. Closing X. Buying A."
    )


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (situation(), "no candidate"),
        (situation(setup("A", 9.0)), "no candidate that is not held reaches score 12 with momentum_breakout"),
        (situation(setup("A"), left=replace(LEFT, positions=0)), "no free slot"),
        (situation(setup("A"), left=replace(LEFT, by_cap={"large": 0})), "no free large slot"),
        (situation(setup("A"), left=replace(LEFT, buys=0)), "the scan makes no buys"),
    ],
)
def test_where_nothing_is_bought_the_summary_says_why(told: Situation, why: str) -> None:
    assert decide(told).portfolio_summary.endswith(f"No buy: {why}.")


# -- with the gate ------------------------------------------------------------------------------------------


def test_the_plugin_decides_what_the_rules_decide() -> None:
    told = situation(setup("A"))
    assert rules_decider.momentum_decide(told) == decide(told)


scores = st.floats(-5, 25) | st.just(float("nan"))
setups = st.builds(setup, st.sampled_from("ABCDEF"), scores, st.sampled_from(["large", "mid", "small"]))


@given(
    st.lists(setups, max_size=6, unique_by=lambda found: found.symbol),
    st.dictionaries(st.sampled_from("AXYZ"), scores),
)
def test_the_gate_finds_nothing_wrong_with_what_the_rules_decide(
    offered: list[Candidate], held: dict[str, float]
) -> None:
    positions = [position(symbol, qty=500) for symbol in sorted(held)]
    prices = market(*(quote(symbol) for symbol in "XYZ"))
    told = situation(*offered, positions=positions, readings=[reading(*item) for item in held.items()])
    decision = decide(told)
    plan = plan_of(decision, told.portfolio, prices, limits(max_buys_per_scan=2), candidates=offered)
    assert not plan.refusals
    assert tuple(symbol for symbol, _ in bought(plan)) == decision.execution_plan.buys
    assert tuple(sale.symbol for sale in plan.closes) == decision.execution_plan.closes

"""Asking the deciders: in the YAML's order, the first that answers with a Decision is taken."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from momentum.host.dispatch import call_each
from momentum.host.registry import Host
from momentum.model.decision import CandidateAction, Decision, ExecutionPlan, PositionAction, Situation

_LARGEST = 1e9
"""Of scores: beyond it nothing is a number of points (and NaN is not either)."""

NOBODY = "nobody"
"""The `decider` of a decision that no decider made: it holds everything and buys nothing."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision that was taken, and what each decider asked before it did instead of deciding."""

    decision: Decision
    passed_over: tuple[str, ...] = ()


def ask(host: Host, situation: Situation, budget: timedelta | None) -> Verdict:
    """Ask until one decides. `budget` is each decider's time; none answering is a decision to do nothing."""
    if not situation.candidates and not situation.readings:
        return Verdict(_nothing("There is no candidate and no position: nothing to decide."))
    passed_over: list[str] = []
    for answer in call_each(host, "decide", "momentum_decide", budget=budget, situation=situation):
        if answer.error is not None:
            passed_over.append(answer.error)
        elif answer.value is None:
            passed_over.append(f"decider {answer.plugin} passed")
        elif problem := misshapen(answer.value):
            passed_over.append(f"{answer.origin} returned {problem}")
        else:
            return Verdict(replace(answer.value, decider=answer.plugin), tuple(passed_over))
    nothing = _nothing("No decider answered: positions are held, nothing is bought.")
    return Verdict(nothing, tuple(passed_over))


def misshapen(answer: object) -> str:
    """What keeps an answer from being a Decision that can be read and recorded; empty where nothing does.

    Only its shape is looked at: whether what it wants may be done is the risk gate's to say.
    """
    if not isinstance(answer, Decision):
        return f"{type(answer).__name__}, not a Decision"
    if not isinstance(answer.execution_plan, ExecutionPlan):
        return "a Decision whose execution_plan is no ExecutionPlan"
    plan = answer.execution_plan
    parts: tuple[tuple[str, object, type], ...] = (
        ("position_actions", answer.position_actions, PositionAction),
        ("candidate_actions", answer.candidate_actions, CandidateAction),
        ("closes", plan.closes, str),
        ("buys", plan.buys, str),
        ("new_watchlist", plan.new_watchlist, str),
    )
    for name, items, kind in parts:
        if not isinstance(items, tuple | list) or not all(isinstance(item, kind) for item in items):
            return f"a Decision whose {name} are not a list of {kind.__name__}"
    actions: tuple[PositionAction | CandidateAction, ...]
    actions = (*answer.position_actions, *answer.candidate_actions)
    texts = [answer.market_assessment, answer.portfolio_summary]
    texts += [text for action in actions for text in (action.symbol, action.action, action.reasoning)]
    texts += [*plan.closes, *plan.buys, *plan.new_watchlist]
    if not all(_can_be_written(text) for text in texts):
        return "a Decision with something that is no text where a text belongs"
    numbers = [action.reversal_score for action in answer.position_actions]
    numbers += [n for action in answer.candidate_actions for n in (action.score, action.conviction)]
    if not all(isinstance(n, int | float) and abs(n) <= _LARGEST for n in numbers):
        return "a Decision with a score or conviction that is no number"
    return ""


def _can_be_written(text: object) -> bool:
    """Whether it is a text that a file, a database and a terminal take."""
    try:
        return isinstance(text, str) and bool(text.encode("utf-8") or True)
    except UnicodeEncodeError:
        return False


def _nothing(why: str) -> Decision:
    return Decision(market_assessment=why, portfolio_summary=why, decider=NOBODY)

"""Asking the deciders: in the YAML's order, the first that answers with a Decision is taken."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from momentum.host.dispatch import call_each
from momentum.host.registry import Host
from momentum.model.decision import Decision, Situation

NOBODY = "nobody"
"""The `decider` of a decision that no decider made: it holds everything and buys nothing."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision that was taken, and what each decider asked before it did instead of deciding."""

    decision: Decision
    passed_over: tuple[str, ...]
    seconds: float


def ask(host: Host, situation: Situation, budget: timedelta) -> Verdict:
    """Ask until one decides. `budget` is each decider's time; none answering is a decision to do nothing."""
    if not situation.candidates and not situation.readings:
        return Verdict(_nothing("There is no candidate and no position: nothing to decide."), (), 0.0)
    passed_over: list[str] = []
    seconds = 0.0
    for answer in call_each(host, "decide", "momentum_decide", budget=budget, situation=situation):
        seconds += answer.seconds
        if isinstance(answer.value, Decision):
            return Verdict(replace(answer.value, decider=answer.plugin), tuple(passed_over), seconds)
        if answer.error is not None:
            passed_over.append(answer.error)
        elif answer.value is None:
            passed_over.append(f"decider {answer.plugin} passed")
        else:
            kind = type(answer.value).__name__
            passed_over.append(f"decider {answer.plugin} returned {kind}, not a Decision")
    nothing = _nothing("No decider answered: positions are held, nothing is bought.")
    return Verdict(nothing, tuple(passed_over), seconds)


def _nothing(why: str) -> Decision:
    return Decision(market_assessment=why, portfolio_summary=why, decider=NOBODY)

"""The campaign's plugins: a decider, an executor, a notifier and signals that may do anything but their duty."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from faults import stage
from momentum import Execution, Plan, Points, Rule, hookimpl
from momentum.model.decision import CandidateAction, Decision, ExecutionPlan, PositionAction, Situation
from momentum.model.events import Event
from momentum.ports import Desk

SIGNALS_FAIL = False
"""Set while the rules of a command whose signals fail are compiled."""


@hookimpl
def momentum_filter(strategy: Any) -> Sequence[Rule]:
    if SIGNALS_FAIL:
        raise RuntimeError("the signals fail")
    return []


@hookimpl
def momentum_score(strategy: Any) -> Sequence[Points]:
    return []


@hookimpl
def momentum_decide(situation: Situation) -> Any:
    now = stage.current()
    kind = now.step.decider
    if kind == "raises":
        raise ValueError("no decision today")
    if kind == "exits":
        sys.exit(3)
    if kind == "hangs":
        now.over.wait(60)
    if kind == "rubbish":
        return now.random.choice((7, "BUY AAA", Decision(position_actions=None), {"buys": ["AAA"]}))  # type: ignore[arg-type]
    if kind in ("passes", "hangs"):
        return None
    return _decision(situation, now, wild=kind == "wild")


def _decision(situation: Situation, now: stage.Stage, *, wild: bool) -> Decision:
    random = now.random
    held = [position.symbol for position in situation.portfolio.positions]
    offered = [candidate.symbol for candidate in situation.candidates]
    closes = [symbol for symbol in held if random.random() < 0.5]
    buys = random.sample(offered, k=min(len(offered), random.randint(0, 4)))
    if wild:
        buys += random.choices([*held, *offered, "NOPE", "SPY", ""], k=3)
        closes += random.choices([*held, *offered, "NOPE"], k=2)
        random.shuffle(buys)
    now.tell(f"    decides: closes {closes}, buys {buys}")
    return Decision(
        market_assessment="drawn from a seed",
        position_actions=tuple(PositionAction(symbol, "CLOSE", 1.0, "drawn") for symbol in closes),
        candidate_actions=tuple(CandidateAction(symbol, "BUY", 1.0, 0.5, "drawn") for symbol in buys),
        execution_plan=ExecutionPlan(tuple(closes), tuple(buys)),
    )


@hookimpl
def momentum_execute(plan: Plan, desk: Desk) -> Any:
    now = stage.current()
    now.desk, now.plan = desk, plan
    kind = now.step.executor
    if kind == "passes":
        return None
    done: list[Execution] = []
    orders = [(desk.close, order) for order in plan.closes] + [(desk.buy, order) for order in plan.buys]
    if kind == "buys first":
        orders.reverse()
    for act, order in orders:
        if kind == "forges":
            done.append(act(replace(order, qty=order.qty * 10, asked=order.asked * 10)))
        done.append(act(order))
        now.handed_back(done[-1])
        if kind == "twice":
            done.append(act(order))
        if kind == "raises":
            raise RuntimeError("the executor breaks off")
    return 7 if kind == "rubbish" else done


@hookimpl
def momentum_notify(event: Event) -> None:
    now = stage.current()
    if now.step.notifier == "raises":
        raise OSError("the line is busy")
    if now.step.notifier == "hangs":
        now.over.wait(60)
    if now.step.executor == "late" and now.desk is not None:
        for order in now.plan.buys:  # the scan is over, and its desk is shut
            now.desk.buy(replace(order))

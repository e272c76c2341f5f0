"""Letting the executors carry out a plan, at a desk."""

from __future__ import annotations

from momentum.execution.desk import TradingDesk
from momentum.execution.trading import Trading
from momentum.host.dispatch import call_each
from momentum.host.registry import Host
from momentum.model.decision import Execution, Plan
from momentum.risk.book import MarketState


def execute(
    host: Host, trading: Trading, plan: Plan, market: MarketState
) -> tuple[tuple[Execution, ...], tuple[str, ...]]:
    """Let the executors carry out the plan; returns what they did, and what went wrong besides.

    The first executor that answers is taken. Where one fails after it used the desk no other is asked: what
    it did is on record, and another might double an order.
    """
    desk = TradingDesk(trading, plan, market)
    problems: list[str] = []
    try:
        for answer in call_each(host, "execute", "momentum_execute", plan=plan, desk=desk):
            if answer.error is not None:
                problems.append(answer.error)
            elif answer.value is not None and not isinstance(answer.value, list | tuple):
                problems.append(
                    f"{answer.origin} returned {type(answer.value).__name__}, not a list of Executions"
                )
            elif answer.value is not None:
                break
            if desk.tried:
                break
    finally:
        desk.shut()
    return tuple(desk.done), tuple(problems)

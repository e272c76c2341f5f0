"""Plugin `market`: carries out a plan with market orders, closes first, then buys."""

from __future__ import annotations

from collections.abc import Sequence

from momentum import Execution, Plan, hookimpl
from momentum.ports import Desk


@hookimpl
def momentum_execute(plan: Plan, desk: Desk) -> Sequence[Execution]:
    """Close what the plan closes, then buy what it buys, in its order."""
    closed = [desk.close(order) for order in plan.closes]
    bought = [desk.buy(order) for order in plan.buys]
    return closed + bought

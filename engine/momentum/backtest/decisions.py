"""Were the same decisions taken? Two runs held against each other, and who decided in them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from momentum.backtest.disguise import true_name
from momentum.backtest.loop import Ran
from momentum.host.dispatch import origin_of
from momentum.host.registry import Host
from momentum.model.decision import Plan
from momentum.model.portfolio import Portfolio

_CLOSE_TO = 1e-9
_BUNDLED = "momentum_plugins"


@dataclass(frozen=True, slots=True)
class Difference:
    """The first session at whose close two runs are not the same, by its place: in what was planned there, or
    (`in_plan` False) in what became of the same plans."""

    place: int
    in_plan: bool


def first_difference(ours: Ran, others: Ran) -> Difference | None:
    """Where two runs first differ among the sessions that both have; names in disguise are the true ones."""
    for place in range(min(len(ours.closes), len(others.closes))):
        if not _same_account(ours.closes[place], others.closes[place]):
            return Difference(place, in_plan=False)
        if _orders(ours.plans[place]) != _orders(others.plans[place]):
            return Difference(place, in_plan=True)
    return None


def who_may(host: Host, difference: Difference) -> str:
    """Who may be behind a difference: the deciders, or the executors; those that come with momentum last of all."""
    role, hook = ("decide", "momentum_decide") if difference.in_plan else ("execute", "momentum_execute")
    asked = host.listed(role)
    foreign = [plugin for plugin in asked if not is_bundled(plugin.implementation)]
    return " or ".join(origin_of(host, plugin.name, hook) for plugin in foreign or asked)


def is_bundled(implementation: object) -> bool:
    """Whether a plugin, by its module or object, comes with momentum."""
    name = getattr(implementation, "__name__", None) or type(implementation).__module__
    return bool(name.partition(".")[0] == _BUNDLED)


def _same_account(one: Portfolio, other: Portfolio) -> bool:
    if not math.isclose(one.equity, other.equity, rel_tol=_CLOSE_TO):
        return False
    return _held(one) == _held(other)


def _held(view: Portfolio) -> list[tuple[str, int]]:
    return [(true_name(position.symbol), position.qty) for position in view.positions]


def _orders(plan: Plan) -> list[tuple[str, str, int]]:
    return [(true_name(order.symbol), order.side, order.qty) for order in (*plan.closes, *plan.buys)]

"""momentum: an autonomous momentum trader for US equities, made of rules in YAML and plugins.

The names below are public; they are loaded when they are first used, so that `import momentum` is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from momentum.hookspecs import API_VERSION, hookimpl
    from momentum.model.decision import (
        CandidateAction,
        Decision,
        Execution,
        ExecutionPlan,
        Plan,
        PositionAction,
        Situation,
    )
    from momentum.model.events import Event
    from momentum.model.strategy import Points, Rule, Strategy

_PUBLIC = {
    "API_VERSION": "momentum.hookspecs",
    "hookimpl": "momentum.hookspecs",
    "CandidateAction": "momentum.model.decision",
    "Decision": "momentum.model.decision",
    "Execution": "momentum.model.decision",
    "ExecutionPlan": "momentum.model.decision",
    "Plan": "momentum.model.decision",
    "PositionAction": "momentum.model.decision",
    "Situation": "momentum.model.decision",
    "Event": "momentum.model.events",
    "Points": "momentum.model.strategy",
    "Rule": "momentum.model.strategy",
    "Strategy": "momentum.model.strategy",
}

__all__ = [
    "API_VERSION",
    "CandidateAction",
    "Decision",
    "Event",
    "Execution",
    "ExecutionPlan",
    "Plan",
    "Points",
    "PositionAction",
    "Rule",
    "Situation",
    "Strategy",
    "hookimpl",
]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'momentum' has no attribute {name!r}")

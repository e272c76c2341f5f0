"""What the campaign's plugins do in the command that runs; they find it here, since a hook is not told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from threading import Event
from typing import Any

from faults.script import Step
from momentum.model.decision import Execution


@dataclass(slots=True)
class Stage:
    """One command. `handed_back` is called whenever the desk hands back an order."""

    step: Step
    random: Random
    tell: Callable[[str], None]
    handed_back: Callable[[Execution], None]
    desk: Any = None
    plan: Any = None
    over: Event = field(default_factory=Event)
    """Set when the command is over, so that what hangs may end."""


_stages: list[Stage] = []


def enter(stage: Stage) -> None:
    """A command begins."""
    _stages[:] = [stage]


def current() -> Stage:
    """The command that runs."""
    return _stages[0]

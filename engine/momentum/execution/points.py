"""The points of execution at which a process may die, by name.

Nothing happens at them. They say where the order of things matters: what came before a point is done and on
record, what comes after it is not. A test puts a crash at each of them in turn and looks at what is left.
"""

from __future__ import annotations

from typing import Literal, get_args

Point = Literal[
    "reconcile.intents",
    "reconcile.fills",
    "reconcile.positions",
    "send.intent",
    "send.answer",
    "send.outcome",
    "follow.done",
    "follow.order",
    "follow.fills",
    "close.cancelled",
    "close.free",
    "close.sold",
    "buy.filled",
    "buy.protected",
    "stop.cancelled",
    "stop.placed",
    "executed",
    "protected",
    "recorded",
]

POINTS: tuple[Point, ...] = get_args(Point)
"""All of them."""


def reach(point: Point) -> None:
    """Say that a point is reached. Call it as `points.reach`, so that a test can stand in for it."""

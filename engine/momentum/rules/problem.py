"""Something wrong with a strategy's rules, and where in the strategy it stands."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """`path` leads from the top of the strategy to the value: ("score", 2, "when"), ("features", "roc_10d")."""

    path: tuple[str | int, ...]
    message: str

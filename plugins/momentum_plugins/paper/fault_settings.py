"""The faults that a paper account can be told to have: their settings, and what they are by default (none)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from momentum.units import parse_fraction

CHANCES: Mapping[str, str] = {
    "lost_requests": "Chance that an order, a cancel or a change never arrives; nobody answers.",
    "lost_replies": "Chance that an order, a cancel or a change is carried out, but nobody answers.",
    "late_requests": "Chance that nobody answers an order and it arrives some looks later; until then it is not shown.",
    "repeated_requests": "Chance that a request arrives twice; the answer may be the refusal of the second.",
    "refused": "Chance that an order is refused, for one of the reasons that a real broker has.",
    "refused_stops": "The same for stops alone.",
    "replace_refused": "Chance that a change of an open order is refused in its current state.",
    "pending_cancels": "Chance, at each look, that a cancel is accepted but not done: the order holds its shares.",
    "held_after_cancel": "Chance, at each look, that a cancelled order's shares are not free yet.",
    "pending_fills": "Chance, at each look, that a market order is not filled yet.",
    "late_fills": "Chance, at each reading of the fills, that one is not told yet.",
    "repeated_fills": "Chance that a fill is told twice, and that they are told out of order.",
    "unreachable": "Chance that a question is not answered.",
}
"""The faults that have a chance, each with what it is."""


@dataclass(frozen=True, slots=True)
class Faults:
    """What goes wrong at the broker. All but `seed` and `wash_trade` are chances, fractions from 0 to 1.

    The descriptions are those of `CHANCES`.
    """

    seed: int = 0
    wash_trade: bool = False
    lost_requests: float = 0.0
    lost_replies: float = 0.0
    late_requests: float = 0.0
    repeated_requests: float = 0.0
    refused: float = 0.0
    refused_stops: float = 0.0
    replace_refused: float = 0.0
    pending_cancels: float = 0.0
    held_after_cancel: float = 0.0
    pending_fills: float = 0.0
    late_fills: float = 0.0
    repeated_fills: float = 0.0
    unreachable: float = 0.0

    def __bool__(self) -> bool:
        """True where anything can go wrong."""
        return any(getattr(self, field.name) for field in fields(self) if field.name != "seed")


def faults_of(section: object) -> Faults:
    """The faults that `paper.faults` asks for; what it does not name, or says is off, does not happen."""
    values = section if isinstance(section, Mapping) else {}
    chances = {name: parse_fraction(values.get(name) or 0) for name in CHANCES}
    return Faults(int(values.get("seed") or 0), bool(values.get("wash_trade")), **chances)


def faults_schema() -> dict[str, Any]:
    """The settings under `paper.faults:`."""
    chances = {
        name: {
            "type": ["number", "null"],
            "x-unit": "fraction",
            "minimum": 0,
            "maximum": 1,
            "default": None,
            "description": description,
        }
        for name, description in CHANCES.items()
    }
    return {
        "type": "object",
        "additionalProperties": False,
        "description": "What goes wrong at the broker, so that it is felt without a network. All off: nothing does.",
        "properties": {
            "seed": {
                "type": "integer",
                "default": 0,
                "description": "What chance begins with: the same seed and the same commands have the same faults.",
            },
            **chances,
            "wash_trade": {
                "type": "boolean",
                "default": False,
                "description": "Refuse a buy while a sell stop of its symbol is open.",
            },
        },
    }

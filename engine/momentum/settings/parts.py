"""The kinds of settings that the schemas are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

IDENTIFIER: Mapping[str, str] = {
    "pattern": r"^[A-Za-z_][A-Za-z0-9_]*$",
    "x-form": "a name that a rule could use: letters, digits and underscores",
}
"""What may be the name of a feature, a column or a threshold."""


def section(description: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping with these keys and no others."""
    return {
        "type": "object",
        "description": description,
        "properties": dict(properties),
        "additionalProperties": False,
    }


def text(description: str, default: str | None = None, *, form: str = "", **more: Any) -> dict[str, Any]:
    """Text; `form` says in words what a pattern asks for."""
    return {
        "type": "string",
        "description": description,
        **({} if default is None else {"default": default}),
        **({"x-form": form} if form else {}),
        **more,
    }


def whole(description: str, default: int, least: int, most: int, **more: Any) -> dict[str, Any]:
    """A whole number within bounds."""
    bounds = {"minimum": least, "maximum": most}
    return {"type": "integer", "description": description, "default": default, **bounds, **more}


def number(description: str, default: float, **more: Any) -> dict[str, Any]:
    """A number."""
    return {"type": "number", "description": description, "default": default, **more}


def fraction(description: str, default: str, **more: Any) -> dict[str, Any]:
    """A percent: 10%, 5bps or 0.10."""
    kind = {"type": "number", "x-unit": "fraction"}
    return {**kind, "description": description, "default": default, **more}


def duration(description: str, default: str, least: str) -> dict[str, Any]:
    """A duration: 500ms, 1s, 30m, 2h."""
    kind = {"type": "string", "x-unit": "duration", "x-minimum": least}
    return {**kind, "description": description, "default": default}


def yes_or_no(description: str, default: bool, **more: Any) -> dict[str, Any]:
    """On or off."""
    return {"type": "boolean", "description": description, "default": default, **more}

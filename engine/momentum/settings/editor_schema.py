"""The schemas as editors and other tools understand them: plain JSON Schema, with what people may write.

The engine's own schema says that a percent is a number written with a unit; an editor sees the text before it
is parsed. So a unit becomes a pattern beside the number, and on and off stand beside true and false.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from momentum.settings.convert import Schema

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_SPELLINGS: Mapping[str, Mapping[str, Any]] = {
    "fraction": {
        "type": ["number", "string"],
        "pattern": r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)\s*(%|bps)?$",
        "examples": ["10%", "5bps", 0.1],
    },
    "duration": {
        "type": "string",
        "pattern": r"^[0-9]+(\.[0-9]+)?\s*(ms|s|m|h|d)$",
        "examples": ["30m", "1s", "90d"],
    },
    "time": {
        "type": "string",
        "pattern": r"^([01]?[0-9]|2[0-3]):[0-5][0-9]$|^(open|close)(\s*[+-]\s*[0-9.]+\s*[smh])?$",
        "examples": ["09:35", "open+5m", "close-30m"],
    },
    "path": {"type": "string", "examples": ["data/bars.parquet"]},
}
_SWITCH = ["on", "off", "yes", "no"]
_EXTENDS = {
    "type": "string",
    "minLength": 1,
    "description": "Another strategy that this one begins with: lists replace, mappings merge, null deletes.",
    "examples": ["momentum_breakout"],
}


def editor_schema(schema: Schema, title: str) -> dict[str, Any]:
    """A whole schema for editors; the keys of a strategy may stand in momentum.yaml too."""
    return {"$schema": _DRAFT, "title": title, **_written(schema)}


def strategy_editor_schema(schema: Schema, keys: Mapping[str, Any]) -> dict[str, Any]:
    """The part of it that a strategy's file may hold, with `extends`."""
    own = {key: part for key, part in schema["properties"].items() if key in keys}
    whole = {
        **schema,
        "properties": own,
        "description": "One strategy: what it looks for, and how it decides.",
    }
    made = editor_schema(whole, "A strategy of momentum")
    return {**made, "properties": {"extends": _EXTENDS, **made["properties"]}}


def _written(schema: Any) -> Any:
    """One schema, and all below it, as people write values."""
    if isinstance(schema, list):
        return [_written(part) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    made = {key: _written(part) for key, part in schema.items() if not key.startswith("x-")}
    unit = schema.get("x-unit")
    if unit is not None:
        return _with_unit(made, str(unit))
    kinds = made.get("type")
    if kinds == "boolean":
        return _one_of(made, [{"type": "boolean"}, {"enum": _SWITCH}])
    if isinstance(kinds, list) and "null" in kinds:
        return _or_off(made)
    return made


def _with_unit(made: dict[str, Any], unit: str) -> dict[str, Any]:
    """The spelling of a unit; bounds hold for a plain number, the engine itself checks the rest."""
    nullable = isinstance(made.get("type"), list)
    spelled = {**{k: v for k, v in made.items() if k != "type"}, **_SPELLINGS[unit]}
    return _or_off(spelled) if nullable else spelled


def _or_off(made: dict[str, Any]) -> dict[str, Any]:
    inner = {key: value for key, value in made.items() if key not in ("description", "default", "examples")}
    if isinstance(inner.get("type"), list):
        inner["type"] = [kind for kind in inner["type"] if kind != "null"]
    return _one_of(made, [inner, {"enum": [None, "off"]}])


def _one_of(made: Mapping[str, Any], choices: list[dict[str, Any]]) -> dict[str, Any]:
    said = {key: made[key] for key in ("description", "default", "examples") if key in made}
    return {**said, "anyOf": choices}

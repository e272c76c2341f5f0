"""From the text of a value to the value, as its schema asks.

A plain scalar is read as YAML 1.2 reads it: `010` is ten, `12:30` is text. `on`, `off`, `yes` and `no` are
booleans only where the schema says boolean, and `TRUE` stays text where it says string. `x-unit` asks for
a fraction, a duration, a time of day or a path. `$ref` is left to the validator: a unit, a default and a type
must stand where they are used.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from momentum.rules.problem import Problem
from momentum.settings import nodes
from momentum.settings.nodes import Items, Node, Scalar, Table
from momentum.units import format_duration, parse_duration, parse_fraction, parse_slot_time

Schema: TypeAlias = Mapping[str, Any]

_INTEGER = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_WORDS = {"true": True, "on": True, "yes": True, "false": False, "off": False, "no": False}
_CORE_WORDS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_ABSENT = ("off", "none", "no")
_LONGEST_SHOWN = 60


@dataclass(slots=True)
class Conversion:
    """Converts nodes to values; what cannot be converted is in `problems` and stays text.

    `directory` is what paths are relative to.
    """

    directory: Path
    problems: list[Problem] = field(default_factory=list)

    def value(self, node: Node, schema: Schema, path: nodes.Path = ()) -> Any:
        """The value of a node; a null where the schema does not allow one is as if it were not there."""
        if isinstance(node, Table):
            return {
                key: self.value(child, child_schema, (*path, key))
                for key, child in node.entries.items()
                if not _is_unset(child, child_schema := child_of(schema, key))
            }
        if isinstance(node, Items):
            items = _mapping(schema.get("items"))
            return [self.value(item, items, (*path, place)) for place, item in enumerate(node.items)]
        return self._scalar(node, schema, path)

    def _scalar(self, node: Scalar, schema: Schema, path: nodes.Path) -> Any:
        kinds = types_of(schema)
        if is_absent(node, kinds):
            return None
        try:
            unit = schema.get("x-unit")
            value = self._in_unit(node, str(unit)) if unit is not None else natural(node, kinds)
            if isinstance(value, float) and kinds and not math.isfinite(value):
                raise ValueError(f"{shown(node)} is not a number that can be used")
            _check_least(value, schema.get("x-minimum"))
        except ValueError as error:
            self.problems.append(Problem(path, str(error)))
            return node.text
        return value

    def _in_unit(self, node: Scalar, unit: str) -> Any:
        text = shown(node)
        if unit == "fraction":
            return parse_fraction(text)
        if unit == "duration":
            return parse_duration(text)
        if unit == "time":
            return parse_slot_time(text)
        if unit == "path":
            return self._path(node.text)
        raise ValueError(f"the schema asks for the unknown x-unit {unit!r}")

    def _path(self, text: str) -> str:
        try:
            return str(self.directory / Path(text).expanduser())
        except RuntimeError as error:
            raise ValueError(f"{text}: {error}") from error


def _check_least(value: object, least: object) -> None:
    if least is None:
        return
    bound = parse_duration(least)
    if not isinstance(value, str) and parse_duration(value) < bound:
        raise ValueError(f"{format_duration(parse_duration(value))} is under {format_duration(bound)}")


def _is_unset(node: Node, schema: Schema) -> bool:
    """True for a null that a schema does not know: what stands there counts as not written."""
    if not (isinstance(node, Scalar) and node.is_null):
        return False
    kinds = types_of(schema)
    return bool(kinds) and "null" not in kinds


def is_absent(node: Scalar, kinds: frozenset[str]) -> bool:
    """True for a null, or an `off`, where a value may be left out."""
    if "null" not in kinds:
        return False
    return node.is_null or (node.plain and node.text.lower() in _ABSENT and not kinds & {"boolean", "string"})


def natural(node: Scalar, kinds: frozenset[str] = frozenset()) -> Any:
    """A scalar as one of the JSON types `kinds`, where it can be; with none, as YAML 1.2 reads it.

    What fits none of the types is returned as it reads, for the validator to refuse.
    """
    text = node.text
    if not node.plain:
        return text
    if "boolean" in kinds and "string" not in kinds and text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if "string" in kinds and not kinds & {"boolean", "number", "integer"}:
        return None if node.is_null else text
    if node.is_null:
        return None
    if text in _CORE_WORDS and ("boolean" in kinds or "string" not in kinds):
        return _CORE_WORDS[text]
    number = _number(text)
    return text if number is None else number


def _number(text: str) -> int | float | None:
    """The number that a text is; None for other text, and for more digits than Python reads as a number."""
    decimal = _INTEGER.fullmatch(text) is not None
    if decimal or _BASED.fullmatch(text):
        try:
            return int(text, 10 if decimal else 0)
        except ValueError:
            return None
    if _FLOAT.fullmatch(text):
        return float(text)
    return float(text.lower().replace(".", "")) if _INFINITE.fullmatch(text) else None


def shown(node: Node) -> str:
    """What the person wrote, short and on one line."""
    if isinstance(node, Items):
        return "a list"
    if isinstance(node, Table):
        return "a mapping"
    text = " ".join(node.text.split())
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 3] + "..."


def _mapping(schema: object) -> Schema:
    return schema if isinstance(schema, Mapping) else {}


def types_of(schema: Schema) -> frozenset[str]:
    """The JSON types that a schema allows, those of its alternatives included; empty where it does not say."""
    declared = schema.get("type")
    if isinstance(declared, str):
        return frozenset({declared})
    if isinstance(declared, list | tuple):
        return frozenset(map(str, declared))
    kinds: set[str] = set()
    for word in ("anyOf", "oneOf"):
        for part in schema.get(word, ()):
            kinds |= types_of(_mapping(part))
    values = schema.get("enum", ())
    if values and all(isinstance(value, str) for value in values):
        kinds.add("string")
    return frozenset(kinds)


def child_of(schema: Schema, key: str) -> Schema:
    """The schema of a key of a mapping; empty where none is given."""
    properties = _mapping(schema.get("properties"))
    if key in properties:
        return _mapping(properties[key])
    return _mapping(schema.get("additionalProperties"))

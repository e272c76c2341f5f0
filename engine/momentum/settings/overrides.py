"""Settings changed while running. One that cannot be used is a warning, and the files' own value holds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

from momentum.errors import Finding
from momentum.settings.convert import Conversion, Schema
from momentum.settings.layers import written
from momentum.settings.nodes import Mark, Table, at
from momentum.settings.schema import SHORT_NAMES, schema_at, settable_keys
from momentum.settings.validate import did_you_mean, validate
from momentum.settings.yamlfile import node_of, single


class Override(Protocol):
    """A setting changed while running: the dotted key, any JSON value, and who changed it."""

    @property
    def key(self) -> str: ...
    @property
    def value(self) -> object: ...
    @property
    def who(self) -> str: ...


def override_layers(
    overrides: Sequence[Override], below: Table, schema: Schema, directory: Path
) -> tuple[list[Table], list[Finding]]:
    """The layers of those overrides that may be used, and a warning for each other one.

    `below` is the document of the files with all defaults: an override may tighten its hard limits only.
    """
    layers: list[Table] = []
    warnings: list[Finding] = []
    for override in overrides:
        problem = problem_of(override, below, schema, directory)
        if problem:
            mark = Mark(f"override by {override.who}")
            warnings.append(mark.finding(f"{problem}; it is not used", full_key(override.key), "warning"))
        else:
            layers.append(_layer(override))
    return layers, warnings


def full_key(key: str) -> str:
    """The dotted key that a short name stands for; any other key is itself."""
    return SHORT_NAMES.get(key, key)


def _layer(override: Override) -> Table:
    mark = Mark(f"override by {override.who}")
    return single(tuple(full_key(override.key).split(".")), node_of(override.value, mark))


def problem_of(override: Override, below: Table, schema: Schema, directory: Path) -> str:
    """Why a change may not be made while running, over the document `below`; empty where it may."""
    return refusal(full_key(override.key), _layer(override), below, schema, directory)


def refusal(key: str, layer: Table, below: Table, schema: Schema, directory: Path) -> str:
    """Why a value may not be set while running; empty where it may."""
    part = schema_at(schema, key)
    if part is None:
        return f"there is no such setting{did_you_mean(key, settable_keys(schema))}"
    if not part.get("x-settable"):
        return "cannot be changed while running; change it in momentum.yaml"
    path = tuple(key.split("."))
    node = at(layer, path)
    if node is None:
        return "has no value"
    conversion = Conversion(directory)
    value = conversion.value(node, part, path)
    faults = [problem.message for problem in conversion.problems]
    faults += [fault.message for fault in validate(value, part, layer, path)]
    if faults:
        return faults[0]
    standing = at(below, path)
    if standing is None or not part.get("x-hard"):
        return ""
    bound = Conversion(directory).value(standing, part, path)
    if _wider(value, bound):
        return f"{written(node, part)} would widen the limit of {written(standing, part)} ({standing.mark})"
    return ""


def _wider(value: Any, bound: Any) -> bool:
    """True where `value` allows more than `bound`; None is no limit at all."""
    if bound is None:
        return False
    numeric = (int, float, timedelta)
    return value is None or (isinstance(bound, numeric) and value > bound)

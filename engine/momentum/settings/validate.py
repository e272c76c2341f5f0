"""The findings of a JSON Schema, each in one line of ours at the place where the person wrote the value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Any

from momentum.errors import Finding
from momentum.settings.convert import Schema, shown
from momentum.settings.nodes import Path, Table, at, dotted, key_mark_of, mark_of
from momentum.units import SlotTime, format_fraction

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

_KINDS = {
    "object": "a mapping (key: value)",
    "array": "a list",
    "string": "text",
    "boolean": "on or off",
    "integer": "a whole number",
    "number": "a number",
    "null": "off",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong at a path; `at_key` where the key is wrong, not its value."""

    path: Path
    message: str
    at_key: bool = False

    def finding(self, tree: Table) -> Finding:
        """The finding, at the place in the document where the value or the key was written."""
        place = key_mark_of(tree, self.path) if self.at_key else mark_of(tree, self.path)
        return place.finding(self.message, clip(dotted(self.path)))


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?` for the nearest known name; empty where none is near."""
    near = get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def validate(values: object, schema: Schema, tree: Table, prefix: Path = ()) -> Iterator[Fault]:
    """All that a JSON Schema finds wrong with converted values, one after the other.

    `tree` is the document that the values were converted from; they stand in it under `prefix`. Raises
    whatever the library raises where the schema itself is wrong.
    """
    for error in _validator()(schema).iter_errors(values):
        yield from _faults(error, tree, prefix)


@cache
def _validator() -> Any:
    """JSON Schema as the library has it, but a parsed duration or time still counts as text."""
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    def is_text(_checker: object, instance: object) -> bool:
        return isinstance(instance, str | timedelta | SlotTime)

    checker = Draft202012Validator.TYPE_CHECKER.redefine("string", is_text)
    make: Any = extend
    return make(Draft202012Validator, type_checker=checker)


def _faults(error: ValidationError, tree: Table, prefix: Path) -> Iterator[Fault]:
    path: Path = (*prefix, *error.absolute_path)
    if error.validator == "additionalProperties" and isinstance(error.instance, Mapping):
        yield from _unknown_keys(error, path)
    elif "propertyNames" in error.absolute_schema_path:
        key = str(error.instance)
        yield Fault((*path, key), f"{clip(key)} is not {_form(error)}", at_key=True)
    else:
        missing = error.validator == "required" and bool(path) and isinstance(path[-1], str)
        yield Fault(path, _message(error, tree, path), at_key=missing)


def _unknown_keys(error: ValidationError, path: Path) -> Iterator[Fault]:
    known = _schema(error).get("properties", {})
    instance: Any = error.instance
    for key in instance:
        if key not in known:
            hint = did_you_mean(key, known) or (f"; known are {', '.join(known)}" if len(known) <= 12 else "")
            yield Fault((*path, key), f"unknown key {clip(key)!r}{hint}", at_key=True)


def _message(error: ValidationError, tree: Table, path: Path) -> str:
    node = at(tree, path)
    written = shown(node) if node is not None else clip(str(error.instance))
    bound: Any = error.validator_value
    instance: Any = error.instance
    match error.validator:
        case "type":
            kinds = [bound] if isinstance(bound, str) else list(bound)
            return (
                f"must be {' or '.join(_KINDS.get(kind, kind) for kind in kinds)}, not {written or 'empty'}"
            )
        case "enum":
            names = [str(value) for value in bound]
            return f"{written!r} is none of {', '.join(names)}{did_you_mean(written, names)}"
        case "minimum":
            return f"{written} is under {_bound(error)}"
        case "maximum":
            return f"{written} is over {_bound(error)}"
        case "exclusiveMinimum":
            return f"{written} must be over {_bound(error)}"
        case "exclusiveMaximum":
            return f"{written} must be under {_bound(error)}"
        case "pattern":
            return f"{written!r} is not {_form(error)}"
        case "required":
            return f"misses {', '.join(name for name in bound if name not in instance)}"
        case "minLength" | "minItems" | "minProperties":
            return f"needs at least {bound}" if bound > 1 else "must not be empty"
        case "maxItems" | "maxProperties":
            return f"holds {len(instance)}, and {bound} may stand here"
    return clip(error.message)


def _schema(error: ValidationError) -> Mapping[str, Any]:
    return error.schema if isinstance(error.schema, Mapping) else {}


def _form(error: ValidationError) -> str:
    """What a pattern asks for in words: the schema's own `x-form`, else the pattern."""
    return str(_schema(error).get("x-form", f"of the form {error.validator_value}"))


def _bound(error: ValidationError) -> str:
    bound: Any = error.validator_value
    return format_fraction(bound) if _schema(error).get("x-unit") == "fraction" else f"{bound:g}"


def clip(text: str) -> str:
    """The text on one line, and not too much of it."""
    line = " ".join(text.split())
    return line if len(line) <= 100 else line[:97] + "..."

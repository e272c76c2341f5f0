"""Reading a serialised polars expression: the nested dicts and lists that `Expr.meta.serialize` writes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_FAMILIES = ("Boolean", "StringExpr", "Pow", "Sql")


def function_name(function: Any) -> str:
    """`Abs`, `Boolean.Not`, `Sql.Binary.Div`: the name of a function node, without its options."""
    if isinstance(function, str):
        return function
    (family, what), *_ = function.items()
    if family not in _FAMILIES:
        return str(family)
    if isinstance(what, str):
        return f"{family}.{what}"
    (name, option), *_ = what.items()
    return f"{family}.{name}.{option}" if name == "Binary" else f"{family}.{name}"


def position_field(node: Any) -> str | None:
    """`position.pnl` for a node that reads that field, else None."""
    body = node.get("Function") if isinstance(node, dict) else None
    if body is None or body["input"] != [{"Column": "position"}] or not isinstance(body["function"], dict):
        return None
    field = body["function"].get("StructExpr")
    return f"position.{field['FieldByName']}" if isinstance(field, dict) and "FieldByName" in field else None


def names(node: Any) -> Iterator[str]:
    """The columns that a tree names; a field of position is `position.FIELD`."""
    if isinstance(node, list):
        for part in node:
            yield from names(part)
    elif isinstance(node, dict):
        if (field := position_field(node)) is not None:
            yield field
        elif isinstance(node.get("Column"), str):
            yield node["Column"]
        else:
            for part in node.values():
                yield from names(part)


def holds(node: Any, kinds: frozenset[str]) -> bool:
    """Whether a node or function of one of the kinds stands anywhere in a tree."""
    if isinstance(node, str):
        return node in kinds
    parts = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return (isinstance(node, dict) and not kinds.isdisjoint(node)) or any(
        holds(part, kinds) for part in parts
    )


def depth(tree: Any) -> int:
    """How many dicts and lists stand inside of each other."""
    deepest, waiting = 0, [(tree, 1)]
    while waiting:
        node, level = waiting.pop()
        if isinstance(node, dict | list):
            deepest = max(deepest, level)
            parts = node.values() if isinstance(node, dict) else node
            waiting.extend((part, level + 1) for part in parts)
    return deepest


def without_boolean_cast(node: Any) -> Any:
    """`x` for `CAST(x AS BOOLEAN)`, which is what SQL makes of the x in `NOT x`; a number must not slip in so."""
    cast = node.get("Cast") if isinstance(node, dict) else None
    return cast["expr"] if cast is not None and cast["dtype"] == {"Literal": "Boolean"} else node

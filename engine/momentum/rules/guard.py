"""Rewriting a rule so that what cannot be computed is null.

polars holds `NaN >= 1.3` and `1 / 0 > 1` for true; a rule that cannot be computed must not pass. Arithmetic
carries NaN and infinity along (`a / 0 + b` is still infinite), so one guard stands over each whole chain of it,
where its value goes into a comparison, a function, a denominator or a CASE.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from momentum.rules.tree import function_name, position_field, without_boolean_cast

MAX_GUARDS = 8
"""A guard names its expression twice, so that guards inside of each other double it each time."""

_CARRIES_BOTH = frozenset(
    ["Plus", "Minus", "Multiply", "Sql.Binary.Plus", "Sql.Binary.Minus", "Sql.Binary.Mul"]
)
_CARRIES_FIRST = frozenset(
    ["TrueDivide", "FloorDivide", "Modulus", "Sql.Binary.Div", "Sql.Binary.Rem", "Negate", "Abs"]
)
_CAN_LEAVE_THE_NUMBERS = frozenset(["Log", "Exp", "Pow.Generic", "Pow.Sqrt", "Sql.ToFloat"])
_UNKNOWN = {"Literal": {"Scalar": {"Null": "Boolean"}}}


def guarded(tree: Any) -> Any:
    """The tree with every chain of arithmetic made null where it is not a finite number.

    Numbers are written as Float64, since SQL's decimals and 32-bit integers would divide and overflow in their
    own ways, and `position.pnl` is read from the flat column of that name. Raises `RecursionError` where more than
    `MAX_GUARDS` stand inside of each other.
    """
    return _settled(tree, 0)


def _settled(node: Any, guards: int) -> Any:
    """A node whose value is used by something that does not carry NaN and infinity along."""
    if not _can_leave_the_numbers(node):
        return _rewritten(node, guards)
    if guards == MAX_GUARDS:
        raise RecursionError("guards inside of each other")
    value = _rewritten(node, guards + 1)
    finite = {"Function": {"input": [value], "function": {"Boolean": "IsFinite"}}}
    true_or_null = {"BinaryExpr": {"left": finite, "op": "Or", "right": _UNKNOWN}}
    one_or_null = {"Cast": {"expr": true_or_null, "dtype": {"Literal": "Float64"}, "options": "Strict"}}
    return {"BinaryExpr": {"left": value, "op": "Multiply", "right": one_or_null}}


def _rewritten(node: Any, guards: int) -> Any:
    """A node without a guard of its own; what stands below it has theirs."""
    (kind, body), *_ = node.items()
    if (field := position_field(node)) is not None:
        return {"Column": field}
    if kind == "Literal":
        return {"Literal": _literal(body)}
    if kind == "BinaryExpr":
        left, right = _operands(body["op"], [body["left"], body["right"]], guards)
        return {"BinaryExpr": {"left": left, "op": body["op"], "right": right}}
    if kind == "Ternary":
        return {"Ternary": {part: _settled(body[part], guards) for part in ("predicate", "truthy", "falsy")}}
    if kind == "Cast":
        return {"Cast": {**body, "expr": _settled(body["expr"], guards)}}
    if kind == "Function":
        name = function_name(body["function"])
        inputs = body["input"] if name != "Boolean.Not" else [without_boolean_cast(body["input"][0])]
        inputs = _operands(name, inputs, guards)
        return {"Function": {**body, "input": inputs}}
    return node


def _operands(name: str, operands: list[Any], guards: int) -> list[Any]:
    carried = len(operands) if name in _CARRIES_BOTH else 1 if name in _CARRIES_FIRST else 0
    return [
        _rewritten(operand, guards) if place < carried else _settled(operand, guards)
        for place, operand in enumerate(operands)
    ]


def _can_leave_the_numbers(node: Any) -> bool:
    if "Cast" in node:
        return bool(node["Cast"]["dtype"] == {"Literal": "Float64"})
    if "BinaryExpr" in node:
        name = node["BinaryExpr"]["op"]
    elif "Function" in node:
        name = function_name(node["Function"]["function"])
    else:
        return False
    return name in _CARRIES_BOTH or name in _CARRIES_FIRST or name in _CAN_LEAVE_THE_NUMBERS


def _literal(body: Any) -> Any:
    """A number as Float64; any other literal as it is."""
    (kind, value), *_ = body.items()
    if kind == "Dyn" and "Int" in value:
        return {"Scalar": {"Float64": float(value["Int"])}}
    if kind == "Dyn" and "Float" in value:
        return {"Scalar": {"Float64": value["Float"]}}
    if kind == "Scalar" and isinstance(value, dict) and "Decimal" in value:
        digits, _, scale = value["Decimal"]
        return {"Scalar": {"Float64": float(Decimal(digits).scaleb(-scale))}}
    return body

"""The language of rules: SQL expressions, or polars ones, over the columns of one row and nothing else.

polars parses the text. What it makes of it is then held to an allow-list, node by node, over the serialised
expression, because SQL also has aggregates, windows and subqueries, which would look across rows.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

import polars as pl
from polars.exceptions import PolarsError

MAX_LENGTH = 2_000
"""Characters of a rule's text; the parser recurses, and no readable rule comes near."""

_OPERATORS = frozenset(
    "Eq NotEq EqValidity NotEqValidity Lt LtEq Gt GtEq Plus Minus Multiply TrueDivide FloorDivide Modulus "
    "And Or Xor LogicalAnd LogicalOr".split()
)
_FUNCTIONS = frozenset(
    "Abs Sign Floor Ceil Coalesce MaxHorizontal MinHorizontal Log Exp Negate FillNull Round Clip "
    "Boolean.IsNull Boolean.IsNotNull Boolean.Not Boolean.IsIn Boolean.IsBetween Boolean.IsFinite Boolean.IsNan "
    "Boolean.AllHorizontal Boolean.AnyHorizontal StringExpr.StartsWith StringExpr.EndsWith StringExpr.Contains "
    "Pow.Generic Pow.Sqrt Pow.Cbrt Sql.IsIn Sql.ToFloat Sql.Round Sql.Binary".split()
)
_CAN_LEAVE_THE_NUMBERS = frozenset(["TrueDivide", "FloorDivide", "Modulus"])
_FUNCTIONS_THAT_CAN = frozenset(["Log", "Exp", "Pow.Generic", "Pow.Sqrt", "Sql.Div", "Sql.IntDiv", "Sql.Rem"])
_CASTS = frozenset(["Float64", "Boolean"])
_SCALARS = frozenset(
    "Decimal String Boolean Null Float64 Float32 Int128 Int64 Int32 Int16 Int8 UInt64 UInt32".split()
)
_WHY = {
    "Agg": "it is an aggregate and looks across rows",
    "Over": "OVER looks across rows",
    "Rolling": "a rolling window looks across rows",
    "Len": "COUNT looks across rows",
    "SubPlan": "a subquery looks beyond the row",
    "Shift": "it looks at another row; declare a feature with `lag`",
    "RollingExpr": "a rolling window looks across rows; declare a feature",
    "Selector": "it stands for several columns; name one",
    "Alias": "a rule has no name of its own (AS); give it in the YAML",
}


class RuleError(ValueError):
    """A rule that cannot be used; the text says why and what to do."""


def compile_rule(when: str | pl.Expr, known: Mapping[str, pl.DataType]) -> pl.Expr:
    """Compile a condition: as `compile_value`, and its result must be boolean."""
    expression = compile_value(when, known)
    found = result_type(expression, known)
    if found != pl.Boolean:
        raise RuleError(f"is not a condition: its result is {describe_type(found)}, not true or false")
    return expression


def compile_value(when: str | pl.Expr, known: Mapping[str, pl.DataType]) -> pl.Expr:
    """Compile an expression over the `known` columns of one row.

    A division, power or logarithm without a finite result is null. Raises `RuleError` for a syntax error, an
    unknown name, anything that looks across rows or at the clock, and types that do not fit.
    """
    tree = _tree(when)
    problem = next(_problems(tree), None)
    if problem is not None:
        raise RuleError(problem)
    for name in sorted(set(_names(tree)) - set(known)):
        near = get_close_matches(name, known, n=1, cutoff=0.6)
        raise RuleError(f"unknown column {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
    expression = pl.Expr.deserialize(io.BytesIO(json.dumps(_guarded(tree)).encode()), format="json")
    result_type(expression, known)
    return expression


def names_in(when: str | pl.Expr) -> frozenset[str]:
    """The columns that an expression names. Raises `RuleError` where it cannot be read."""
    return frozenset(_names(_tree(when)))


def result_type(expression: pl.Expr, known: Mapping[str, pl.DataType]) -> pl.DataType:
    """The type of an expression's result, found by running it on an empty frame. Raises `RuleError`."""
    try:
        return pl.DataFrame(schema=dict(known)).select(expression).dtypes[0]
    except PolarsError as error:
        raise RuleError(f"does not fit its columns: {_first_line(error)}") from error


def describe_type(found: pl.DataType) -> str:
    """`a number`, `text`, `true or false`: a polars type in plain words."""
    if found.is_numeric():
        return "a number"
    return {pl.String: "text", pl.Boolean: "true or false", pl.Null: "nothing"}.get(type(found), str(found))


def _tree(when: str | pl.Expr) -> Any:
    """The serialised expression as nested lists and dicts."""
    if isinstance(when, str):
        if len(when) > MAX_LENGTH:
            raise RuleError(f"is too long: {len(when)} characters, at most {MAX_LENGTH}")
        if not when.strip():
            raise RuleError("is empty")
        try:
            expression = pl.sql_expr(when)
        except PolarsError as error:
            raise RuleError(f"cannot be read: {_first_line(error)}") from error
    elif isinstance(when, pl.Expr):
        expression = when.meta.undo_aliases()
    else:
        raise RuleError(f"must be SQL text or a polars expression, not {type(when).__name__}")
    try:
        return json.loads(expression.meta.serialize(format="json"))
    except (PolarsError, ValueError) as error:
        raise RuleError("calls Python code, which a rule cannot; make it a feature") from error


def _first_line(error: BaseException) -> str:
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return line if len(line) <= 160 else line[:157] + "..."


def _function_name(function: Any) -> str:
    """`Abs`, `Boolean.Not`, `Pow.Sqrt`: the name of a function node, without its options."""
    if isinstance(function, str):
        return function
    (family, what), *_ = function.items()
    if family in ("Boolean", "StringExpr", "Pow", "Sql"):
        return f"{family}.{what if isinstance(what, str) else next(iter(what))}"
    return str(family)


def _problems(node: Any) -> Iterator[str]:
    """What the allow-list refuses in this node or below it, the outermost first."""
    if isinstance(node, str):
        yield f"{node} is not allowed: {_WHY.get(node, 'rules are made of the columns of one row')}"
        return
    (kind, body), *_ = node.items()
    if kind == "Column":
        return
    if kind == "Literal":
        yield from _literal_problems(body)
    elif kind == "BinaryExpr":
        if body["op"] not in _OPERATORS:
            yield f"the operator {body['op']} is not allowed"
        yield from _problems(body["left"])
        yield from _problems(body["right"])
    elif kind == "Ternary":
        for part in ("truthy", "falsy", "predicate"):  # SUM(x) is a ternary on COUNT(x): name the SUM
            yield from _problems(body[part])
    elif kind == "Cast":
        yield from _problems(body["expr"])
        target = body["dtype"].get("Literal") if isinstance(body["dtype"], dict) else None
        if not isinstance(target, str) or target not in _CASTS:
            yield f"a cast to {target or 'that type'} is not allowed; numbers are Float64 already"
    elif kind == "Function":
        yield from _function_problems(body)
    else:
        shown = next(iter(body)).upper() if kind == "Agg" else kind
        yield f"{shown} is not allowed: {_WHY.get(kind, 'rules are made of the columns of one row')}"


def _literal_problems(literal: Any) -> Iterator[str]:
    (kind, value), *_ = literal.items()
    if kind == "Dyn":
        return
    scalar = value if isinstance(value, str) else next(iter(value), "") if isinstance(value, dict) else ""
    if kind != "Scalar" or scalar not in _SCALARS:
        shown = scalar or kind
        if shown in ("Date", "Datetime", "Time", "Duration"):
            yield "dates and the clock (NOW, CURRENT_DATE) are not allowed: a rule must mean the same on every day"
        else:
            yield f"a {shown} literal is not allowed"


def _function_problems(body: Any) -> Iterator[str]:
    name = _function_name(body["function"])
    inputs = body["input"]
    if name == "StructExpr":
        if inputs != [{"Column": "position"}]:
            yield "a dot is for position only, as in position.pnl"
        return
    if name not in _FUNCTIONS:
        shown = name.rpartition(".")[2]
        yield f"{shown} is not allowed: {_WHY.get(shown, 'see docs/rules.md for the functions of rules')}"
        return
    if name.endswith(".IsIn") and "Literal" in inputs[1]:
        inputs = inputs[:1]  # the list of values is a literal series: the one place where it may stand
    for part in inputs:
        yield from _problems(part)


def _names(node: Any) -> Iterator[str]:
    """Columns named in a tree; a field of position is `position.FIELD`."""
    if isinstance(node, list):
        for part in node:
            yield from _names(part)
    elif isinstance(node, dict):
        if _is_position_field(node):
            yield f"position.{node['Function']['function']['StructExpr']['FieldByName']}"
        elif isinstance(node.get("Column"), str):
            yield node["Column"]
        else:
            for part in node.values():
                yield from _names(part)


def _guarded(node: Any) -> Any:
    """The tree with every step that can leave the finite numbers made null where it does.

    polars holds `NaN >= 1.3` and `1 / 0 > 1` for true; a rule that cannot be computed must not pass.
    `position.pnl` is read from the flat column of that name.
    """
    if isinstance(node, list):
        return [_guarded(part) for part in node]
    if not isinstance(node, dict):
        return node
    if _is_position_field(node):
        return {"Column": next(_names(node))}
    node = {key: _guarded(part) for key, part in node.items()}
    if not _can_leave_the_numbers(node):
        return node
    finite = {"Function": {"input": [node], "function": {"Boolean": "IsFinite"}}}
    return {
        "Ternary": {"predicate": finite, "truthy": node, "falsy": {"Literal": {"Scalar": {"Null": "Null"}}}}
    }


def _is_position_field(node: Any) -> bool:
    """True for `position.FIELD`."""
    body = node.get("Function")
    if body is None or body["input"] != [{"Column": "position"}] or not isinstance(body["function"], dict):
        return False
    field = body["function"].get("StructExpr")
    return isinstance(field, dict) and "FieldByName" in field


def _can_leave_the_numbers(node: Any) -> bool:
    if "BinaryExpr" in node:
        return node["BinaryExpr"]["op"] in _CAN_LEAVE_THE_NUMBERS
    if "Function" in node:
        function = node["Function"]["function"]
        name = _function_name(function)
        if name == "Sql.Binary":
            name = f"Sql.{function['Sql']['Binary']}"
        return name in _FUNCTIONS_THAT_CAN
    return False

"""The language of rules: SQL expressions, or polars ones, over the columns of one row and nothing else.

polars parses the text. What it makes of it is then held to an allow-list, node by node, over the serialised
expression, because SQL also has aggregates, windows and subqueries, which would look across rows.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

import polars as pl
from polars.exceptions import PanicException, PolarsError

from momentum.rules.guard import guarded
from momentum.rules.tree import depth, function_name, holds, names, without_boolean_cast

MAX_LENGTH = 2_000
"""Characters of a rule's text; no readable rule comes near."""

MAX_BRACKETS = 12
"""Brackets inside of each other: the parser tries some forms again at each level, and would take hours at 30."""

_MAX_DEPTH = 120
"""Levels of a serialised expression; polars reads none that is deeper than 128."""

_TOO_DEEP = "is nested too deep; split it into `columns:`"

_OPERATORS = frozenset(
    "Eq NotEq EqValidity NotEqValidity Lt LtEq Gt GtEq Plus Minus Multiply TrueDivide FloorDivide Modulus "
    "And Or Xor LogicalAnd LogicalOr".split()
)
_FUNCTIONS = frozenset(
    "Abs Sign Floor Ceil Coalesce MaxHorizontal MinHorizontal Log Exp Negate FillNull Round Clip "
    "Boolean.IsNull Boolean.IsNotNull Boolean.Not Boolean.IsIn Boolean.IsBetween Boolean.IsFinite Boolean.IsNan "
    "Boolean.AllHorizontal Boolean.AnyHorizontal StringExpr.StartsWith StringExpr.EndsWith StringExpr.Contains "
    "Pow.Generic Pow.Sqrt Pow.Cbrt Sql.IsIn Sql.ToFloat Sql.Round Sql.Binary.Eq Sql.Binary.NotEq Sql.Binary.Lt "
    "Sql.Binary.LtEq Sql.Binary.Gt Sql.Binary.GtEq Sql.Binary.Plus Sql.Binary.Minus Sql.Binary.Mul "
    "Sql.Binary.Div Sql.Binary.Rem".split()
)
_CASTS = frozenset(["Float64"])
_SCALARS = frozenset(
    "Decimal String Boolean Null Float64 Float32 Int128 Int64 Int32 Int16 Int8 UInt64 UInt32".split()
)
_MAY_BE_CONSTANT = frozenset(["Ternary", "Coalesce", "FillNull"])
_NULL = {"Literal": {"Scalar": {"Null": "Null"}}}
_UNKNOWN = {"Cast": {"expr": _NULL, "dtype": {"Literal": "Boolean"}, "options": "NonStrict"}}
"""What SQL makes of a NULL within IN (1, NULL)."""

_WHY = {
    "Agg": "it is an aggregate and looks across rows",
    "Over": "OVER looks across rows",
    "Rolling": "a rolling window looks across rows",
    "Len": "COUNT looks across rows",
    "SubPlan": "a subquery looks beyond the row",
    "Shift": "it looks at another row; declare a feature with `lag`",
    "RollingExpr": "a rolling window looks across rows; declare a feature",
    "IntDiv": "it fails where the divisor is 0; write FLOOR(a / b)",
    "Selector": "it stands for several columns; name one",
    "Alias": "a rule has no name of its own (AS); give it in the YAML",
}


_EXAMPLES: Mapping[pl.DataType, object] = {pl.Float64(): 1.5, pl.String(): "text", pl.Boolean(): True}
_TOKENS = re.compile(
    r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | --|/\*|[()\[\]{}] | \b(?:INTERVAL\b|POSITION\s*\() """,
    re.VERBOSE | re.IGNORECASE,
)


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
    for name in sorted(set(names(tree)) - set(known)):
        near = get_close_matches(name, known, n=1, cutoff=0.6)
        raise RuleError(f"unknown column {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
    try:
        expression = pl.Expr.deserialize(io.BytesIO(json.dumps(guarded(tree)).encode()), format="json")
    except (RecursionError, PolarsError) as error:
        raise RuleError(_TOO_DEEP) from error
    return _on_every_row(expression, result_type(expression, known), tree)


def _on_every_row(expression: pl.Expr, found: pl.DataType, tree: Any) -> pl.Expr:
    """The expression with a value for each row of its columns, however few values polars makes of it.

    Where a CASE or COALESCE comes to one of its constants on every row, polars 2.1 gives a single value, and what
    compares that with another constant no longer fits the other columns of a frame.
    """
    column = next(iter(sorted(names(tree))), None)
    if column is None or not holds(tree, _MAY_BE_CONSTANT):
        return expression
    everywhere = pl.col(column).is_null() | pl.col(column).is_not_null()
    if found == pl.Boolean:
        return expression & everywhere
    return expression * everywhere.cast(pl.Float64) if found.is_numeric() else expression


def names_in(when: str | pl.Expr) -> frozenset[str]:
    """The columns that an expression names. Raises `RuleError` where it cannot be read."""
    return frozenset(names(_tree(when)))


def result_type(expression: pl.Expr, known: Mapping[str, pl.DataType]) -> pl.DataType:
    """The type of an expression's result. Raises `RuleError` where it cannot be computed.

    It is found by running the expression on one row: `CAST(symbol AS DOUBLE)` has a type, and fails on text.
    """
    row = {name: pl.Series([_EXAMPLES.get(found)], dtype=found) for name, found in known.items()}
    try:
        return pl.DataFrame(row).select(expression).dtypes[0]
    except (PolarsError, PanicException) as error:
        raise RuleError(f"does not fit its columns: {_first_line(error)}") from error


def describe_type(found: pl.DataType) -> str:
    """`a number`, `text`, `true or false`: a polars type in plain words."""
    if found.is_numeric():
        return "a number"
    return {pl.String: "text", pl.Boolean: "true or false", pl.Null: "nothing"}.get(type(found), str(found))


def _tree(when: str | pl.Expr) -> Any:
    """The serialised expression as nested lists and dicts."""
    if isinstance(when, str):
        _check_text(when)
        try:
            expression = pl.sql_expr(when)
        except (PolarsError, PanicException) as error:
            raise RuleError(f"cannot be read: {_first_line(error)}{_hint(when)}") from error
    elif isinstance(when, pl.Expr):
        expression = when.meta.undo_aliases()
    else:
        raise RuleError(f"must be SQL text or a polars expression, not {type(when).__name__}")
    try:
        serialised = expression.meta.serialize(format="json")
    except (PolarsError, ValueError) as error:
        raise RuleError("calls Python code, which a rule cannot; make it a feature") from error
    try:
        tree = json.loads(serialised)
    except RecursionError as error:
        raise RuleError(_TOO_DEEP) from error
    if depth(tree) > _MAX_DEPTH:
        raise RuleError(_TOO_DEEP)
    return tree


def _check_text(text: str) -> None:
    """Refuse what the parser should not be given: its time doubles with each level of some forms."""
    if len(text) > MAX_LENGTH:
        raise RuleError(f"is too long: {len(text)} characters, at most {MAX_LENGTH}")
    if not text.strip():
        raise RuleError("is empty")
    inside = 0
    for token in _TOKENS.findall(text):
        if token in ("(", "[", "{"):
            inside += 1
        elif token in (")", "]", "}"):
            inside -= 1
        elif token in ("--", "/*"):
            raise RuleError("holds a comment (-- or /*); write it in the YAML, after a #")
        elif token[0] not in "'\"":
            name = token.rstrip("( ").upper()
            raise RuleError(f"{name} is not allowed: see docs/rules.md for the functions of rules")
        if inside > MAX_BRACKETS:
            raise RuleError(
                f"has more than {MAX_BRACKETS} brackets inside of each other; split it into `columns:`"
            )


_HINTS = (
    (re.compile(r"[0-9]\s*%"), "a rate is a fraction: write 0.03 for 3%"),
    (re.compile(r"&&|\|\|"), "write AND, OR"),
    (re.compile(r"\bLAG\s*\(", re.IGNORECASE), "what was some bars ago is a feature with `lag: N`"),
    (re.compile(r"\bSELECT\b", re.IGNORECASE), "a rule sees one row; a subquery is not allowed"),
)
"""What people write who come from elsewhere, and what to write here."""


def _hint(text: str) -> str:
    return next((f"; {hint}" for form, hint in _HINTS if form.search(text)), "")


def _first_line(error: BaseException) -> str:
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return line if len(line) <= 160 else line[:157] + "..."


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
        if node == _UNKNOWN:
            return
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
    scalar, content = value, True
    if isinstance(value, dict):
        (scalar, content), *_ = value.items()
    if content is None:  # JSON knows neither NaN nor infinity
        yield "a number that is not finite is not allowed"
    elif kind != "Dyn" and (kind != "Scalar" or scalar not in _SCALARS):
        if scalar in ("Date", "Datetime", "Time", "Duration"):
            yield "dates and the clock (NOW, CURRENT_DATE) are not allowed: a rule must mean the same on every day"
        else:
            yield f"a {scalar if kind == 'Scalar' else kind} literal is not allowed"


def _function_problems(body: Any) -> Iterator[str]:
    name = function_name(body["function"])
    inputs = body["input"]
    if name == "StructExpr":
        if inputs != [{"Column": "position"}]:
            yield "a dot is for position only, as in position.pnl"
        return
    if name not in _FUNCTIONS:
        shown = name.rpartition(".")[2]
        yield f"{shown} is not allowed: {_WHY.get(shown, 'see docs/rules.md for the functions of rules')}"
        return
    if name == "Boolean.Not":
        inputs = [without_boolean_cast(inputs[0])]
    if name == "StringExpr.Contains" and "Literal" not in inputs[1]:
        yield "a pattern must be written out, as text"
    if name.endswith(".IsIn"):  # the list of values is a literal series: the one place where it may stand
        if "Literal" not in inputs[1]:
            yield from _problems(inputs[1])
            yield "IN takes a list of values; another column would be searched in all rows"
        inputs = inputs[:1]
    for part in inputs:
        yield from _problems(part)

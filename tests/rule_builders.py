"""Random rules for tests: each has its SQL text and what plain Python makes of it for a row.

None is unknown. A number that is not finite is unknown too, as the language promises. polars divides by a constant
by multiplying with its inverse, so that a quotient may differ from Python's in the last bit: where a verdict hangs on
that bit, the value raises `TieError`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import polars as pl
from hypothesis import strategies as st

Row = Mapping[str, Any]

COLUMNS: Mapping[str, pl.DataType] = {
    **{name: pl.Float64() for name in ("close", "sma_20", "rvol")},
    **{name: pl.Boolean() for name in ("breakout", "follow_through")},
    "cap": pl.String(),
}


class TieError(Exception):
    """The verdict hangs on the last bit of a quotient."""


@dataclass(frozen=True)
class Expression:
    """SQL text, and its value for a row."""

    sql: str
    value: Callable[[Row], Any]

    @property
    def divides(self) -> bool:
        """True where a quotient stands somewhere in it."""
        return " / " in self.sql or " % " in self.sql


def rows() -> st.SearchStrategy[Row]:
    """Rows with round and odd numbers, zeros, very large and very small ones, and unknown values."""
    numbers = (
        st.none()
        | st.sampled_from([0.0, 1.0, -1.0, 2.5, 50.0, 1e-300, 1e200, -1e308])
        | st.floats(-100, 100, allow_subnormal=False)
    )
    values = {pl.Float64(): numbers, pl.Boolean(): st.none() | st.booleans(), pl.String(): st.none() | caps()}
    return st.fixed_dictionaries({name: values[found] for name, found in COLUMNS.items()})


def caps() -> st.SearchStrategy[str]:
    return st.sampled_from(["large", "mid", "small", "O'Neil"])


@cache
def numbers(depth: int) -> st.SearchStrategy[Expression]:
    """Numeric expressions of at most that many levels."""
    leaves = st.one_of(_columns(pl.Float64()), _literals())
    if depth == 0:
        return leaves
    number = st.deferred(lambda: numbers(depth - 1))
    condition = st.deferred(lambda: conditions(depth - 1))
    return st.one_of(
        leaves,
        st.builds(_arithmetic, number, st.sampled_from("+-*/%"), number),
        st.builds(
            lambda x: Expression(f"(-{x.sql})", lambda row: _known(lambda a: 0.0 - a, x.value(row))), number
        ),
        st.builds(lambda x: Expression(f"ABS({x.sql})", lambda row: _known(abs, x.value(row))), number),
        st.builds(_coalesce, number, number),
        st.builds(_extreme, st.sampled_from(["GREATEST", "LEAST"]), number, number),
        st.builds(_case, condition, number, number),
        st.builds(_null_if, number, number),
    )


@cache
def conditions(depth: int) -> st.SearchStrategy[Expression]:
    """Boolean expressions of at most that many levels."""
    leaves = st.one_of(
        _columns(pl.Boolean()), st.builds(_cap_is, caps()), st.builds(_cap_in, st.lists(caps(), min_size=1))
    )
    if depth == 0:
        return leaves
    number = st.deferred(lambda: numbers(depth - 1))
    condition = st.deferred(lambda: conditions(depth - 1))
    return st.one_of(
        leaves,
        st.builds(_comparison, number, st.sampled_from(sorted(_COMPARISONS)), number),
        st.builds(_between, number, number, number),
        st.builds(_both, condition, condition),
        st.builds(_either, condition, condition),
        st.builds(
            lambda x: Expression(f"(NOT {x.sql})", lambda row: _known(lambda a: not a, x.value(row))),
            condition,
        ),
        st.builds(lambda x: Expression(f"({x.sql} IS NULL)", lambda row: x.value(row) is None), number),
        st.builds(
            lambda x: Expression(f"({x.sql} IS NOT NULL)", lambda row: x.value(row) is not None), condition
        ),
    )


def _known(function: Callable[..., Any], *values: Any) -> Any:
    """The function's result where all values are known and the result is finite."""
    if any(value is None for value in values):
        return None
    try:
        result = function(*values)
    except (ZeroDivisionError, ValueError, OverflowError):
        return None
    return result if isinstance(result, bool) or math.isfinite(result) else None


def _columns(found: pl.DataType) -> st.SearchStrategy[Expression]:
    names = [name for name, kind in COLUMNS.items() if kind == found]
    return st.sampled_from(names).map(lambda name: Expression(name, lambda row: row[name]))


def _literals() -> st.SearchStrategy[Expression]:
    texts = ["0", "1", "2", "3", "0.5", "1.25", "100", "2147483647", "5000000000", "1e300"]
    return st.sampled_from(texts).map(lambda text: Expression(text, lambda row: float(text)))


def _divided(a: float, b: float) -> float:
    if 0 < abs(b) < 1e-290:
        raise TieError
    return a / b


_ARITHMETIC: Mapping[str, Callable[[float, float], float]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": _divided,
    "%": math.fmod,
}
_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
}


def _arithmetic(left: Expression, sign: str, right: Expression) -> Expression:
    apply = _ARITHMETIC[sign]
    return Expression(
        f"({left.sql} {sign} {right.sql})", lambda row: _known(apply, left.value(row), right.value(row))
    )


def _comparison(left: Expression, sign: str, right: Expression) -> Expression:
    apply = _COMPARISONS[sign]

    def value(row: Row) -> bool | None:
        a, b = left.value(row), right.value(row)
        _check_tie(a, b, left, right)
        return _known(apply, a, b)

    return Expression(f"({left.sql} {sign} {right.sql})", value)


def _check_tie(a: Any, b: Any, left: Expression, right: Expression) -> None:
    if a is not None and b is not None and (left.divides or right.divides) and is_near(a, b):
        raise TieError


def is_near(a: float, b: float) -> bool:
    """The same but for the rounding of quotients."""
    return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-290)


def _and(left: bool | None, right: bool | None) -> bool | None:
    if left is False or right is False:
        return False
    return None if left is None or right is None else True


def _not(value: bool | None) -> bool | None:
    return None if value is None else not value


def _both(left: Expression, right: Expression) -> Expression:
    return Expression(f"({left.sql} AND {right.sql})", lambda row: _and(left.value(row), right.value(row)))


def _either(left: Expression, right: Expression) -> Expression:
    return Expression(
        f"({left.sql} OR {right.sql})", lambda row: _not(_and(_not(left.value(row)), _not(right.value(row))))
    )


def _between(number: Expression, low: Expression, high: Expression) -> Expression:
    above = _comparison(number, ">=", low)
    below = _comparison(number, "<=", high)
    return Expression(
        f"({number.sql} BETWEEN {low.sql} AND {high.sql})",
        lambda row: _and(above.value(row), below.value(row)),
    )


def _cap_is(name: str) -> Expression:
    quoted = name.replace("'", "''")
    return Expression(f"(cap = '{quoted}')", lambda row: None if row["cap"] is None else row["cap"] == name)


def _cap_in(names: list[str]) -> Expression:
    quoted = ", ".join("'" + name.replace("'", "''") + "'" for name in names)
    return Expression(f"(cap IN ({quoted}))", lambda row: None if row["cap"] is None else row["cap"] in names)


def _coalesce(first: Expression, second: Expression) -> Expression:
    def value(row: Row) -> Any:
        found = first.value(row)
        return second.value(row) if found is None else found

    return Expression(f"COALESCE({first.sql}, {second.sql})", value)


def _extreme(function: str, left: Expression, right: Expression) -> Expression:
    pick = max if function == "GREATEST" else min

    def value(row: Row) -> Any:
        known = [found for found in (left.value(row), right.value(row)) if found is not None]
        return pick(known, default=None)

    return Expression(f"{function}({left.sql}, {right.sql})", value)


def _case(condition: Expression, yes: Expression, no: Expression) -> Expression:
    return Expression(
        f"CASE WHEN {condition.sql} THEN {yes.sql} ELSE {no.sql} END",
        lambda row: yes.value(row) if condition.value(row) else no.value(row),
    )


def _null_if(number: Expression, other: Expression) -> Expression:
    def value(row: Row) -> Any:
        found, unwanted = number.value(row), other.value(row)
        _check_tie(found, unwanted, number, other)
        return None if found is not None and found == unwanted else found

    return Expression(f"NULLIF({number.sql}, {other.sql})", value)

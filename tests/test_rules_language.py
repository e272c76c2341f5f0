"""Rules mean what plain Python makes of the same expression, with three-valued logic; nothing infinite passes."""

from __future__ import annotations

import math
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from momentum.rules.language import RuleError, compile_rule, compile_value, describe_type, names_in
from rule_builders import COLUMNS, Expression, Row, TieError, conditions, is_near, numbers, rows

SLOW = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
FIELDS = ("pnl", "days", "peak", "entry_price", "qty")
ON_POSITION = {**COLUMNS, **{f"position.{name}": pl.Float64() for name in FIELDS}}


def verdicts(when: str | pl.Expr, *data: Row) -> list[Any]:
    frame = pl.DataFrame(list(data), schema=dict(COLUMNS))
    return frame.with_columns(compile_value(when, COLUMNS).alias("verdict"))["verdict"].to_list()


def verdict(when: str | pl.Expr, **columns: Any) -> Any:
    return verdicts(when, {**dict.fromkeys(COLUMNS), **columns})[0]


@SLOW
@given(rule=conditions(4), data=st.lists(rows(), min_size=1, max_size=8))
def test_a_condition_is_what_python_makes_of_it(rule: Expression, data: list[Row]) -> None:
    assert verdicts(rule.sql, *data) == by_python(rule, data)


@SLOW
@given(number=numbers(4), data=st.lists(rows(), min_size=1, max_size=8))
def test_a_number_is_what_python_makes_of_it(number: Expression, data: list[Row]) -> None:
    found, python = verdicts(number.sql, *data), by_python(number, data)
    for one, other in zip(found, python, strict=True):
        assert one is other is None or is_near(one, other), (found, python)


def by_python(expression: Expression, data: list[Row]) -> list[Any]:
    try:
        return [expression.value(row) for row in data]
    except TieError:
        reject()


@settings(deadline=None)
@given(
    value=st.floats(-1e6, 1e6), digits=st.integers(0, 9), sign=st.sampled_from(["<", "<=", "=", ">=", ">"])
)
def test_a_decimal_of_the_yaml_is_the_number_that_python_reads(value: float, digits: int, sign: str) -> None:
    text = f"{abs(value):.{digits}f}"
    number = float(text)
    for close in (number, math.nextafter(number, math.inf), math.nextafter(number, -math.inf)):
        python = {"<": close < number, "<=": close <= number, "=": close == number}
        python |= {">": close > number, ">=": close >= number}
        assert verdict(f"close {sign} {text}", close=close) is python[sign]


@pytest.mark.parametrize(
    "when",
    [
        "close / sma_20 > 1",
        "close / sma_20 < 1",
        "close % sma_20 >= 0",
        "NOT (close / sma_20 > 1)",
        "-close / sma_20 < 1",
        "ABS(close / sma_20) > 1",
        "close / sma_20 + 1 > 1",
        "1 / (close / sma_20) < 1",
        "GREATEST(close / sma_20, NULL) > 1",
        "close / sma_20 BETWEEN -1e308 AND 1e308",
        "LN(sma_20) < 0",
        "LOG10(sma_20) < 0",
        "SQRT(sma_20 - 1) >= 0",
        "POW(sma_20, -1) > 1",
        "EXP(close * 1000) > 1",
        "POW(close, 1000) > 1",
        "close * 1e308 > 1",
        "close * 1e308 * 1e308 < 1",
        "close + 1e308 + 1e308 > 1",
        "-1e308 - close * 1e307 < 1",
        "CAST('nan' AS DOUBLE) > 1",
        "CAST('inf' AS DOUBLE) > close",
        "CASE WHEN close > 1 THEN close / sma_20 END > 1",
    ],
)
def test_a_rule_that_cannot_be_computed_is_unknown(when: str) -> None:
    assert verdict(when, close=100.0, sma_20=0.0) is None


@pytest.mark.parametrize(
    ("when", "wanted"),
    [
        ("COALESCE(close / sma_20, 7)", 7.0),
        ("GREATEST(close / sma_20, 1)", 1.0),
        ("(close / sma_20) IS NULL", True),
        ("CASE WHEN close / sma_20 > 1 THEN 1 ELSE 2 END", 2.0),
        ("SIGN(close / sma_20)", None),
        ("ROUND(close / sma_20)", None),
        ("close / 3 * 3 - close", 0.0),
        ("1.0 / 3", 1 / 3),
        ("2 * close / 3", 200 / 3),
        ("2147483647 * 2147483647 > 4e18", True),
        ("close IN (99.5, 100)", True),
        ("close IN (99.5, NULL)", None),
        ("close NOT IN (100, NULL)", False),
        ("sma_20 <> close", True),
        ("rvol > 1 OR close > 1", True),
        ("rvol > 1 AND close > 1", None),
        ("rvol > 1 AND close < 1", False),
        ("rvol IS NULL", True),
        ("cap LIKE 'la%' AND cap <> 'mid'", True),
        ('"close" = 100', True),
        ("CAST(breakout AS DOUBLE) * 3", 3.0),
        ("NOT breakout", False),
        ("IF(breakout, close, rvol)", 100.0),
    ],
)
def test_what_a_rule_gives(when: str, wanted: Any) -> None:
    row = {"close": 100.0, "sma_20": 0.0, "rvol": None, "breakout": True, "cap": "large"}
    assert verdict(when, **row) == wanted


def test_sums_products_and_alternatives_may_be_long() -> None:
    assert verdict(" + ".join(["close"] * 40), close=1.0) == 40
    assert verdict(" / ".join(["close"] * 30), close=2.0) == 2.0**-28
    assert verdict(" OR ".join(f"close = {n}" for n in range(40)), close=39.0) is True


def test_an_expression_of_polars_is_a_rule_too() -> None:
    close = pl.col("close")
    assert (
        verdict((close / pl.col("sma_20") > 1) & pl.col("breakout"), close=3.0, sma_20=2.0, breakout=True)
        is True
    )
    assert verdict(close / pl.col("sma_20") > 1, close=3.0, sma_20=0.0) is None
    assert verdict(close // 0 > 1, close=3.0) is None
    assert (
        verdict(pl.when(close > 1).then(pl.col("breakout")).otherwise(False), close=3.0, breakout=True)
        is True
    )
    assert verdict((close > 1).alias("named"), close=3.0) is True
    assert verdict(pl.col("cap").is_in(["mid", "small"]), cap="mid") is True


def test_identifiers_are_case_sensitive_and_the_nearest_is_shown() -> None:
    with pytest.raises(RuleError, match=r"^unknown column 'Close'; did you mean 'close'\?$"):
        compile_rule("Close > 5", COLUMNS)
    with pytest.raises(RuleError, match=r"^unknown column 'rvoll'; did you mean 'rvol'\?$"):
        compile_rule("rvoll >= 1.2", COLUMNS)
    with pytest.raises(RuleError, match=r"^unknown column 'xyzzy'$"):
        compile_rule("close > xyzzy", COLUMNS)


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_of_the_position_is_read_where_it_is_known_and_unknown_elsewhere(field: str) -> None:
    frame = pl.DataFrame({f"position.{field}": [0.2, None]})
    for when in (f"position.{field} > 0.15", pl.col("position").struct.field(field) > 0.15):
        assert frame.select(compile_rule(when, ON_POSITION).alias("x"))["x"].to_list() == [True, None]
        with pytest.raises(RuleError, match=f"^unknown column 'position.{field}'"):
            compile_rule(when, COLUMNS)
    assert names_in(f"position.{field} > close") == {f"position.{field}", "close"}


def test_an_unknown_field_of_the_position_shows_the_nearest() -> None:
    with pytest.raises(RuleError, match=r"^unknown column 'position.pnll'; did you mean 'position.pnl'\?$"):
        compile_rule("position.pnll > 0.1", ON_POSITION)
    with pytest.raises(RuleError, match=r"^unknown column 'position'"):
        compile_rule("position > 0.1", ON_POSITION)


@pytest.mark.parametrize(
    ("when", "kind"), [("close + 1", "a number"), ("cap", "text"), ("NULL", "nothing"), ("5", "a number")]
)
def test_a_rule_must_be_true_or_false(when: str, kind: str) -> None:
    with pytest.raises(RuleError, match=f"^is not a condition: its result is {kind}, not true or false$"):
        compile_rule(when, COLUMNS)


def test_types_are_described_in_plain_words() -> None:
    assert describe_type(pl.Float64()) == "a number"
    assert describe_type(pl.Boolean()) == "true or false"


def test_names_are_those_of_all_columns() -> None:
    assert names_in("close > sma_20 AND (cap = 'x' OR breakout)") == {"close", "sma_20", "cap", "breakout"}

"""What a rule may not be, and why: it would look across rows, at the clock, or fail on some day's data."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from momentum.rules.language import MAX_LENGTH, RuleError, compile_value, names_in
from rule_builders import COLUMNS

CLOSE = pl.col("close")

TEXTS = [
    # looks across rows
    ("SUM(close) > 1", "SUM is not allowed: it is an aggregate and looks across rows"),
    ("close > AVG(close)", "MEAN is not allowed: it is an aggregate"),
    ("close = MAX(close)", "MAX is not allowed: it is an aggregate"),
    ("FIRST(close) > 1", "FIRST is not allowed: it is an aggregate"),
    ("STDDEV(close) > 1", "STD is not allowed: it is an aggregate"),
    ("MEDIAN(close) > 1", "MEDIAN is not allowed: it is an aggregate"),
    ("QUANTILE_CONT(close, 0.5) > 1", "Quantile is not allowed"),
    ("CORR(close, rvol) > 0", "Correlation is not allowed"),
    ("COUNT(*) > 1", "Len is not allowed: COUNT looks across rows"),
    ("COUNT(close) > 1", "COUNT is not allowed: it is an aggregate"),
    ("COUNT(DISTINCT cap) > 1", "NUNIQUE is not allowed: it is an aggregate"),
    ("close > 1 AND SUM(close) > 1", "SUM is not allowed"),
    ("close IN (1, 2) AND SUM(close) > 1", "SUM is not allowed"),
    ("COALESCE(close, MAX(close)) > 1", "MAX is not allowed"),
    ("CASE WHEN breakout THEN MIN(close) ELSE 1 END > 1", "MIN is not allowed"),
    ("SUM(close) OVER (PARTITION BY cap) > 1", "Over is not allowed: OVER looks across rows"),
    ("ROW_NUMBER() OVER (ORDER BY close) = 1", "Over is not allowed: OVER looks across rows"),
    ("RANK() OVER (ORDER BY close) = 1", "Rank is not allowed"),
    ("LAG(close) OVER (ORDER BY close) > 1", "Over is not allowed: OVER looks across rows"),
    ("LAG(close) > 1", "cannot be read: LAG requires an OVER clause"),
    ("close > (SELECT MAX(close))", "cannot be read"),
    ("close IN (SELECT 1)", "SubPlan is not allowed: a subquery looks beyond the row"),
    ("EXISTS (SELECT 1)", "SubPlan is not allowed: a subquery looks beyond the row"),
    ("UNNEST(close) > 1", "Explode is not allowed"),
    ("COLUMNS('a') > 1", "Selector is not allowed: it stands for several columns; name one"),
    ("*", "cannot be read"),
    # depends on the day, or on chance
    ("NOW() > close", r"dates and the clock \(NOW, CURRENT_DATE\) are not allowed"),
    ("CURRENT_DATE = CURRENT_DATE", "dates and the clock"),
    ("CURRENT_TIMESTAMP IS NULL", "dates and the clock"),
    ("DATE '2020-01-01' > close", "dates and the clock"),
    ("INTERVAL '1 day' > close", "INTERVAL is not allowed"),
    ("RANDOM() > 0.5", "cannot be read"),
    # types
    ("close > 'x'", "does not fit its columns"),
    ("cap > 1", "does not fit its columns"),
    ("breakout AND close", "does not fit its columns"),
    ("NOT close", "does not fit its columns"),
    ("NOT cap", "does not fit its columns"),
    ("close IN ('x')", "does not fit its columns"),
    ("CAST(cap AS DOUBLE) > 1", "does not fit its columns"),
    ("CAST(close AS INTEGER) > 1", "a cast to Int32 is not allowed; numbers are Float64 already"),
    ("close::TEXT = '1'", "a cast to String is not allowed"),
    ("close::DATE IS NULL", "a cast to Date is not allowed"),
    ("close::BOOLEAN", "a cast to Boolean is not allowed"),
    ("cap || 'x' = 'y'", "a cast to String is not allowed"),
    # what is not a function of rules
    ("UPPER(cap) = 'LARGE'", "Uppercase is not allowed: see docs/rules.md"),
    ("LENGTH(cap) > 1", "LenChars is not allowed"),
    ("SIN(close) > 0", "Trigonometry is not allowed"),
    ("NOSUCH(close) > 1", "cannot be read"),
    ("POSITION('a' IN cap) > 1", "POSITION is not allowed"),
    ("close // sma_20 > 1", "IntDiv is not allowed: it fails where the divisor is 0; write FLOOR"),
    ("close & 1 = 1", "does not fit its columns"),
    ("cap ~ '('", "does not fit its columns"),
    # form
    ("close > 1 AS x", r"Alias is not allowed: a rule has no name of its own \(AS\)"),
    ("close > 1 rvol > 1", "Alias is not allowed|cannot be read"),
    ("close > 1, rvol > 1", "cannot be read"),
    ("close > 1; rvol > 1", "cannot be read"),
    ("close > 1)", "cannot be read"),
    ("close >", "cannot be read"),
    ("close > 1 -- for now", r"holds a comment \(-- or /\*\)"),
    ("close > 1 /* for now */", "holds a comment"),
    ("", "is empty"),
    (" \n ", "is empty"),
    ("close > 1e999", "a number that is not finite is not allowed"),
    ("close > " + "9" * 400, "cannot be read"),
    ("[1, 2]", "Alias is not allowed"),
    ("ARRAY[1, 2]", "Alias is not allowed"),
    ("close[0] > 1", "ListExpr is not allowed"),
    ("(1, 2)", "cannot be read"),
    ("{'x': 1}", "cannot be read"),
    ("cap.name = 'x'", "a dot is for position only, as in position.pnl"),
    ("position.pnl.x > 1", "a dot is for position only"),
]

EXPRESSIONS: dict[str, tuple[Any, str]] = {
    "shift": (
        CLOSE.shift(1) > 1,
        "Shift is not allowed: it looks at another row; declare a feature with `lag`",
    ),
    "diff": (CLOSE.diff() > 1, "Diff is not allowed"),
    "rolling": (CLOSE.rolling_mean(5) > 1, "RollingExpr is not allowed: a rolling window looks across rows"),
    "ewm": (CLOSE.ewm_mean(span=5) > 1, "EwmMean is not allowed"),
    "mean": (CLOSE > CLOSE.mean(), "MEAN is not allowed: it is an aggregate"),
    "over": (CLOSE.over("cap") > 1, "Over is not allowed"),
    "rank": (CLOSE.rank() > 1, "Rank is not allowed"),
    "sort": (CLOSE.sort() > 1, "Sort is not allowed"),
    "filter": (CLOSE.filter(CLOSE > 1) > 1, "Filter is not allowed"),
    "gather": (CLOSE.gather([0]) > 1, "Gather is not allowed"),
    "head": (CLOSE.head(1) > 1, "Slice is not allowed"),
    "reverse": (CLOSE.reverse() > 1, "Reverse is not allowed"),
    "cum_sum": (CLOSE.cum_sum() > 1, "CumSum is not allowed"),
    "forward_fill": (CLOSE.forward_fill() > 1, "FillNullWithStrategy is not allowed"),
    "is_unique": (CLOSE.is_unique(), "IsUnique is not allowed"),
    "is_in another column": (
        CLOSE.is_in(pl.col("sma_20").implode()),
        "IMPLODE is not allowed|IN takes a list",
    ),
    "is_in all of a column": (
        CLOSE.is_in("sma_20"),
        "IN takes a list of values; another column would be searched",
    ),
    "len": (pl.len() > 1, "Len is not allowed: COUNT looks across rows"),
    "int_range": (pl.int_range(pl.len()) > 1, "Range is not allowed"),
    "shuffle": (CLOSE.shuffle() > 1, "Random is not allowed"),
    "all": (pl.all() > 1, "Selector is not allowed: it stands for several columns; name one"),
    "two columns": (pl.col("close", "rvol") > 1, "Selector is not allowed"),
    "a pattern of columns": (pl.col("^c.*$") > 1, "Selector is not allowed"),
    "element": (pl.element() > 1, "Element is not allowed"),
    "map_elements": (CLOSE.map_elements(bool, return_dtype=pl.Boolean), "calls Python code"),
    "map_batches": (CLOSE.map_batches(lambda s: s > 1, return_dtype=pl.Boolean), "calls Python code"),
    "a series": (CLOSE > pl.lit(pl.Series([1.0, 2.0])), "a Series literal is not allowed"),
    "a moment": (pl.lit(datetime(2020, 1, 1)) > datetime(2019, 1, 1), "dates and the clock"),
    "nan": (CLOSE > pl.lit(float("nan")), "a number that is not finite is not allowed"),
    "infinity": (
        CLOSE < pl.lit(float("inf"), dtype=pl.Float64),
        "a number that is not finite is not allowed",
    ),
    "cast to text": (CLOSE.cast(pl.String) == "1", "a cast to String is not allowed"),
    "cast to int": (CLOSE.cast(pl.Int64) > 1, "a cast to Int64 is not allowed"),
    "a pattern from a column": (pl.col("cap").str.contains(pl.col("cap")), "a pattern must be written out"),
    "a struct": (pl.struct("close").struct.field("close") > 1, "a dot is for position only"),
    "not of a number": (CLOSE.not_(), "does not fit its columns"),
    "no expression": (5, "must be SQL text or a polars expression, not int"),
    "nothing": (None, "must be SQL text or a polars expression, not NoneType"),
    "a list": (["close > 1"], "must be SQL text or a polars expression, not list"),
}

DEEP = [
    "(" * 2_000,
    "(" * 900 + "close" + ")" * 900 + " > 1",
    "(" * 30 + "close" + ")" * 30 + " > 1",
    "NOT " * 499 + "breakout"[:4],
    "NOT " * 60 + "breakout",
    "NOT(" * 30 + "breakout" + ")" * 30,
    "-" * 1_990 + "close > 1",
    "- " * 990 + "close > 1",
    "+".join(["close"] * 333),
    "*".join(["rvol"] * 390),
    "/".join(["rvol"] * 390),
    " AND ".join(["breakout"] * 150),
    " OR ".join(["rvol > 1"] * 150),
    "1 / (" * 20 + "close" + ")" * 20,
    "1 / ABS(" * 11 + "close" + ")" * 11 + " > 1",
    "CASE WHEN breakout THEN 1 / " * 60 + "close" + " END" * 60,
    "ABS(" * 400,
    "ARRAY[" * 300,
    "CAST(" * 390,
    "POSITION(" * 200,
    "INTERVAL " * 200,
    "EXISTS(" * 280,
    "(SELECT " * 240,
    "[" * 2_000,
    "close BETWEEN " * 140,
    "breakout" + " IS NULL" * 240,
    "close" + "::DOUBLE" * 240,
    "close" + ".x" * 900,
    "CASE " * 390,
]


@pytest.mark.parametrize(("when", "why"), TEXTS, ids=[text or "empty" for text, _ in TEXTS])
def test_text_is_refused_with_the_reason(when: str, why: str) -> None:
    with pytest.raises(RuleError, match=f"^({why})"):
        compile_value(when, COLUMNS)


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_an_expression_of_polars_is_refused_with_the_reason(name: str) -> None:
    when, why = EXPRESSIONS[name]
    with pytest.raises(RuleError, match=f"^({why})"):
        compile_value(when, COLUMNS)


def test_a_text_over_the_limit_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(RuleError, match=r"^is too long: 2,?001 characters, at most 2,?000$"):
        compile_value("c" * (MAX_LENGTH + 1), COLUMNS)


def test_deep_text_neither_crashes_nor_stops_the_interpreter() -> None:
    program = (
        "import sys, json, polars as pl; from momentum.rules.language import RuleError, compile_value, names_in\n"
        "known = {'close': pl.Float64(), 'rvol': pl.Float64(), 'breakout': pl.Boolean()}\n"
        "for text in json.load(sys.stdin):\n"
        "    try: names_in(text); compile_value(text, known)\n"
        "    except RuleError as error: assert len(str(error)) < 250 and '\\n' not in str(error), error\n"
        "    else: sys.exit('accepted ' + text)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], input=json.dumps(DEEP), text=True, capture_output=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


WORDS = (
    "close rvol cap breakout position position.pnl AND OR NOT ( ) [ ] { } , . ; : :: + - * / % // || & | ^ ~ = <> < > "
    "<= >= 'x' '' 1 0 1.5 1e9 NULL TRUE IN BETWEEN LIKE IS CASE WHEN THEN ELSE END CAST AS DOUBLE SUM MAX COUNT OVER "
    "PARTITION BY ORDER SELECT FROM DISTINCT EXISTS NOW() ROUND COALESCE GREATEST NULLIF IF LN POW ABS ALL ANY AT TIME "
    'ZONE EXTRACT FILTER WITHIN GROUP $1 ? @ # ! \\ ` " -- /* é 0x1F DATE ARRAY STRUCT LAMBDA -> => ROW VALUES'
).split(" ")


@settings(deadline=None, max_examples=400)
@given(text=st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join) | st.text(max_size=40))
def test_no_text_raises_anything_but_a_rule_error(text: str) -> None:
    for read in (names_in, lambda text: compile_value(text, COLUMNS)):
        try:
            read(text)
        except RuleError as error:
            assert str(error)
            assert "\n" not in str(error)

"""Rows that cannot be true are left out of a file's bars, and each kind is told with its count and an example."""

from __future__ import annotations

import math
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import files_builders as build
from files_builders import MONDAY, WEEK, bar, moment
from momentum.errors import DataError
from momentum_plugins.files.cleaning import DUPLICATE, REASONS, TOLERANCE, clean
from momentum_plugins.files.normalising import COLUMNS

SCHEMA = {"symbol": pl.String, "ts": pl.Date} | dict.fromkeys(build.NUMBERS, pl.Float64)

IMPOSSIBLE = [
    ("no symbol", {"symbol": None}, "2024-06-04"),
    ("no symbol", {"symbol": ""}, "2024-06-04"),
    ("no readable time", {"ts": None}, "BAD"),
    *[("a price is missing or not a number", {name: None}, "BAD 2024-06-04") for name in build.NUMBERS[:4]],
    *[
        ("a price is missing or not a number", {name: math.nan}, "BAD 2024-06-04")
        for name in build.NUMBERS[:4]
    ],
    ("a price is missing or not a number", {"high": math.inf}, "BAD 2024-06-04"),
    ("a price is missing or not a number", {"low": -math.inf}, "BAD 2024-06-04"),
    ("a price is zero or below", {"low": 0.0}, "BAD 2024-06-04"),
    ("a price is zero or below", {"open": -10.0}, "BAD 2024-06-04"),
    ("high below low", {"high": 9.0, "low": 11.0}, "BAD 2024-06-04"),
    ("open or close outside high to low", {"open": 11.01}, "BAD 2024-06-04"),
    ("open or close outside high to low", {"open": 8.99}, "BAD 2024-06-04"),
    ("open or close outside high to low", {"close": 11.01}, "BAD 2024-06-04"),
    ("open or close outside high to low", {"close": 8.99}, "BAD 2024-06-04"),
    ("volume is missing or not a number", {"volume": None}, "BAD 2024-06-04"),
    ("volume is missing or not a number", {"volume": math.nan}, "BAD 2024-06-04"),
    ("volume is missing or not a number", {"volume": math.inf}, "BAD 2024-06-04"),
    ("volume below zero", {"volume": -1.0}, "BAD 2024-06-04"),
]


def table(rows: list[dict[str, object]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row").select(COLUMNS)


@pytest.mark.parametrize(("reason", "fault", "example"), IMPOSSIBLE)
def test_an_impossible_row_is_left_out_counted_and_shown(
    reason: str, fault: dict[str, object], example: str
) -> None:
    good = table(build.daily_bars())
    bad = table([{**bar("BAD", WEEK[1]), **fault}])

    cleaned = clean(pl.concat([good[:5], bad, good[5:]]))

    assert cleaned.frame.equals(good)
    assert [str(left_out) for left_out in cleaned.left_out] == [f"left out 1 row: {reason} ({example})"]


def test_every_kind_of_impossible_row_is_tried_here() -> None:
    assert {reason for reason, _, _ in IMPOSSIBLE} == {reason for reason, _ in REASONS}


def test_a_row_with_several_faults_is_counted_once() -> None:
    cleaned = clean(table([bar("AAA", MONDAY), bar(None, None, -1.0, volume=-5.0)]))

    assert [(left_out.reason, left_out.count) for left_out in cleaned.left_out] == [("no symbol", 1)]
    assert str(cleaned.left_out[0]) == "left out 1 row: no symbol (with neither symbol nor time)"


def test_many_rows_of_one_kind_are_one_line_that_names_the_first() -> None:
    rows = [bar("AAA", day, volume=-1.0) for day in WEEK[1:]]

    (left_out,) = clean(table([bar("AAA", MONDAY), *rows])).left_out

    assert str(left_out) == "left out 4 rows: volume below zero (first AAA 2024-06-04)"


def test_what_is_unusual_but_possible_stays() -> None:
    within = 11 * (1 + TOLERANCE / 2)
    rows = table(
        [
            bar("AAA", MONDAY, volume=0.0),
            bar("AAB", MONDAY, high=10.0, low=10.0),
            bar("AAC", MONDAY, close=within, high=11.0),
            bar("AAD", MONDAY, 1e-4, high=1e-4, low=1e-4),
            bar("AAE", MONDAY, 1e6),
        ]
    )

    cleaned = clean(rows)

    assert cleaned.frame.equals(rows)
    assert cleaned.left_out == ()


def test_of_rows_of_one_symbol_and_time_the_last_is_kept() -> None:
    rows = table(
        [
            bar("AAA", MONDAY, 10.0),
            bar("BBB", MONDAY, 20.0),
            bar("AAA", MONDAY, 11.0),
            bar("AAA", MONDAY, 12.0),
        ]
    )

    cleaned = clean(rows)

    assert cleaned.frame.select("symbol", "close").rows() == [("AAA", 12.0), ("BBB", 20.0)]
    assert [str(left_out) for left_out in cleaned.left_out] == [
        f"left out 2 rows: {DUPLICATE} (first AAA 2024-06-03)"
    ]


def test_an_impossible_row_does_not_take_the_place_of_a_possible_one() -> None:
    cleaned = clean(table([bar("AAA", MONDAY, 10.0), bar("AAA", MONDAY, 99.0, volume=-1.0)]))

    assert cleaned.frame["close"].to_list() == [10.0]


@pytest.mark.parametrize(
    "order", [[1, 0, 2, 3], [2, 3, 0, 1], [0, 2, 1, 3]], ids=["times", "symbols", "symbols in two runs"]
)
def test_rows_out_of_order_are_sorted_and_this_is_said(tmp_path: Path, order: list[int]) -> None:
    rows = build.daily_bars(days=WEEK[:2])

    opened = build.market(tmp_path, [rows[index] for index in order])

    assert opened.daily(None, moment(WEEK[4], 20), 5).equals(table(rows))
    assert opened.notes() == ("bars.parquet: is not in order of symbol and time; sorted while reading",)


def test_notes_tell_each_kind_of_row_left_out_with_the_file(tmp_path: Path) -> None:
    rows = [
        *build.daily_bars(),
        bar("CCC", MONDAY, high=1.0),
        bar("CCC", WEEK[1], volume=-1.0),
        bar("CCC", WEEK[2]),
    ]

    assert build.market(tmp_path, rows).notes() == (
        "bars.parquet: left out 1 row: high below low (CCC 2024-06-03)",
        "bars.parquet: left out 1 row: volume below zero (CCC 2024-06-04)",
    )


def test_an_intraday_example_has_its_time_of_day(tmp_path: Path) -> None:
    rows = [*build.session_bars("AAA", MONDAY), bar("BBB", moment(MONDAY, 14, 5), low=-1.0)]

    assert build.market(tmp_path, rows, "ts").notes() == (
        "bars.parquet: left out 1 row: a price is zero or below (BBB 2024-06-03 14:05 UTC)",
    )


def test_a_csv_that_ends_in_the_middle_of_a_row_loses_that_row_and_says_so(tmp_path: Path) -> None:
    path = build.write(build.frame(build.daily_bars()), tmp_path / "bars.csv")
    text = path.read_text()
    path.write_text(text[: text.rindex(",")] + "\n\n")

    opened = build.open_file(tmp_path, "bars.csv")

    assert opened.notes() == ("bars.csv: left out 1 row: volume is missing or not a number (BBB 2024-06-07)",)
    assert len(opened.daily(None, moment(WEEK[4], 20), 5)) == 9


def test_a_word_in_place_of_a_price_and_of_a_date_is_left_out(tmp_path: Path) -> None:
    path = build.write(build.frame(build.daily_bars()), tmp_path / "bars.csv")
    text = path.read_text()
    path.write_text(
        text.replace("AAA,2024-06-03,10.0", "AAA,2024-06-03,n/a").replace("BBB,2024-06-03", "BBB,soon")
    )

    assert build.open_file(tmp_path, "bars.csv").notes() == (
        "bars.csv: left out 1 row: no readable time (BBB)",
        "bars.csv: left out 1 row: a price is missing or not a number (AAA 2024-06-03)",
    )


def test_a_file_of_impossible_rows_only_is_refused_with_the_reasons(tmp_path: Path) -> None:
    rows = [bar("AAA", day, volume=-1.0) for day in WEEK]

    with pytest.raises(DataError) as caught:
        build.market(tmp_path, rows)

    assert str(caught.value) == (
        "bars.parquet: has no usable row: left out 5 rows: volume below zero (first AAA 2024-06-03); correct the file"
    )


NUMBER = st.one_of(st.none(), st.floats(), st.floats(-1, 20), st.sampled_from([9.0, 10.0, 11.0]))
ANY_ROW = st.fixed_dictionaries(
    {"symbol": st.sampled_from([None, "", "AAA", "BBB"]), "ts": st.none() | st.sampled_from(WEEK)}
    | dict.fromkeys(build.NUMBERS, NUMBER)
)
GOOD_ROW = st.builds(bar, st.sampled_from(["AAA", "BBB"]), st.sampled_from(WEEK), st.floats(2, 1e5))


def is_possible(row: dict[str, object]) -> bool:
    symbol, ts, *numbers = (row[name] for name in COLUMNS)
    if not symbol or not isinstance(ts, date) or not all(isinstance(number, float) for number in numbers):
        return False
    opens, high, low, close, volume = (float(str(number)) for number in numbers)
    return (
        all(map(math.isfinite, (opens, high, low, close, volume)))
        and 0 < low <= high
        and all(
            low * (1 - TOLERANCE) <= price <= high * (1 + TOLERANCE) and price > 0 for price in (opens, close)
        )
        and volume >= 0
    )


@given(st.lists(ANY_ROW | GOOD_ROW, max_size=20))
def test_kept_rows_are_the_possible_ones_in_order_and_the_counts_add_up(
    rows: list[dict[str, object]],
) -> None:
    cleaned = clean(table(rows))

    newest = {(row["symbol"], row["ts"]): row for row in rows if is_possible(row)}
    assert cleaned.frame.rows() == [
        tuple(row[name] for name in COLUMNS)
        for _, row in sorted(newest.items(), key=lambda item: str(item[0]))
    ]
    assert len(cleaned.frame) + sum(left_out.count for left_out in cleaned.left_out) == len(rows)
    assert all(left_out.count for left_out in cleaned.left_out)

"""Dates, epochs, numbers and separators are read however they are written; what has two meanings is refused."""

from __future__ import annotations

import gzip
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Literal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import files_builders as build
from files_builders import MONDAY, WEEK, moment
from momentum.errors import DataError
from momentum_plugins.files import numbers, timeforms

TimeUnit = Literal["s", "ms", "us", "ns"]
LATE = datetime(2030, 1, 1, tzinfo=UTC)


def days(directory: Path, name: str = "bars.csv", **settings: object) -> list[date]:
    return build.open_file(directory, name, **settings).daily(None, LATE, 1000)["ts"].to_list()


def dated(directory: Path, form: str, on: tuple[date, ...] = WEEK) -> Path:
    table = build.frame(build.daily_bars(["AAA"], on)).with_columns(pl.col("date").dt.strftime(form))
    build.write(table, directory / "bars.csv")
    return directory


def numbers_of(*texts: str, decimal: str | None = None) -> list[float | None]:
    return numbers.written(pl.DataFrame({"close": texts}), decimal, "x.csv")["close"].to_list()


@pytest.mark.parametrize("form", ["%m/%d/%Y", "%d/%m/%Y", "%m-%d-%Y", "%d-%m-%Y", "%m/%d/%y"])
def test_one_day_after_the_twelfth_tells_the_order_of_day_and_month_in_all_dates(
    tmp_path: Path, form: str
) -> None:
    on = (*WEEK, MONDAY + timedelta(days=10))

    assert days(dated(tmp_path, form, on)) == list(on)


@pytest.mark.parametrize("form", ["%m/%d/%Y", "%d/%m/%Y", "%m-%d-%Y"])
def test_dates_that_could_be_two_days_are_refused_until_the_settings_tell(tmp_path: Path, form: str) -> None:
    dated(tmp_path, form)

    with pytest.raises(
        DataError, match=r"^bars\.csv: '.*' could be two days, .* set files\.date_format to '%m"
    ):
        days(tmp_path)
    assert days(tmp_path, date_format=form) == list(WEEK)


def test_dates_whose_day_is_their_month_need_no_telling(tmp_path: Path) -> None:
    assert days(dated(tmp_path, "%m/%d/%Y", (date(2024, 6, 6),))) == [date(2024, 6, 6)]


@pytest.mark.parametrize(("form", "why"), [("%Y.%m", "is not of the form"), ("%Q", "files.date_format")])
def test_a_date_format_that_fits_nothing_is_refused(tmp_path: Path, form: str, why: str) -> None:
    with pytest.raises(DataError, match=why):
        days(dated(tmp_path, "%Y-%m-%d"), date_format=form)


@given(
    st.lists(st.dates(date(1990, 1, 1), date(2060, 1, 1)), min_size=1),
    st.sampled_from(["%m/%d/%Y", "%d/%m/%Y"]),
)
def test_days_and_months_are_never_swapped(on: list[date], form: str) -> None:
    text = pl.Series([day.strftime(form) for day in on])
    try:
        read = timeforms.parse(text, "x.csv", None).to_list()
    except DataError:
        assert all(day.day <= 12 for day in on)
    else:
        assert read == on


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("name", ["bars.csv", "bars.parquet"])
def test_numbers_since_1970_are_moments_in_utc(tmp_path: Path, unit: TimeUnit, name: str) -> None:
    rows = build.session_bars("AAA", MONDAY)
    table = build.frame(rows, "timestamp").with_columns(pl.col("timestamp").dt.epoch(unit))
    build.write(table, tmp_path / name)

    market = build.open_file(tmp_path, name, zone="America/New_York")

    assert market.bars(["AAA"], moment(MONDAY, 0), LATE)["ts"].to_list() == [row["ts"] for row in rows]
    assert market.notes() == ()


def test_a_time_of_day_in_a_column_of_its_own_belongs_to_the_date(tmp_path: Path) -> None:
    rows = build.frame(build.session_bars("AAA", MONDAY), "ts")
    at = pl.col("ts").dt
    table = rows.select(
        pl.all().exclude("ts"), at.date().alias("Date"), at.strftime("%H:%M:%S").alias("Time")
    )
    build.write(table, tmp_path / "bars.csv")

    found = build.open_file(tmp_path, "bars.csv").bars(["AAA"], moment(MONDAY, 0), LATE)

    assert found["ts"].to_list() == rows["ts"].to_list()


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("packed", [False, True])
def test_the_separator_is_found_and_packed_files_are_unpacked(
    tmp_path: Path, separator: str, *, packed: bool
) -> None:
    plain = build.frame(build.daily_bars())
    text = plain.write_csv(separator=separator).encode()
    name = "bars.csv.gz" if packed else "bars.csv"
    (tmp_path / name).write_bytes(gzip.compress(text) if packed else text)

    assert build.open_file(tmp_path, name).daily(None, LATE, 99).equals(plain.rename({"date": "ts"}))


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_packed_file_cut_short_is_refused(tmp_path: Path, share: float) -> None:
    whole = gzip.compress(build.frame(build.daily_bars([f"S{n}" for n in range(500)])).write_csv().encode())
    (tmp_path / "bars.csv.gz").write_bytes(whole[: int(len(whole) * share)])

    with pytest.raises(DataError, match=r"^bars\.csv\.gz: the file is damaged: "):
        days(tmp_path, "bars.csv.gz")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$1,234.50", 1234.5),
        ("1,234,567.8", 1234567.8),
        ("1.234,50", 1234.5),
        ("1'234.50", 1234.5),
        ("€ 12,5", 12.5),
        ("0,125", 0.125),
        ("1 234,50", 1234.5),
        ("1.234.567,89", 1234567.89),
        ("-5.25", -5.25),
        ("1e3", 1000.0),
    ],
)
def test_a_number_is_read_as_people_write_it(text: str, value: float) -> None:
    assert numbers_of(text) == [value]


def test_the_decimal_mark_is_that_of_the_whole_file() -> None:
    assert numbers_of("1,234", "12.50", "n/a") == [1234.0, 12.5, None]
    assert numbers_of("1,234", "12,50", "n/a") == [1.234, 12.5, None]


def test_a_price_that_could_be_two_numbers_is_refused_until_the_settings_tell() -> None:
    with pytest.raises(
        DataError, match=r"^x\.csv: the price 1,234 could be 1234 or 1\.234; set files\.decimal"
    ):
        numbers_of("1,234", "2,345")
    assert numbers_of("1,234", decimal=",") == [1.234]
    assert numbers_of("1,234", decimal=".") == [1234.0]


@given(st.lists(st.integers(0, 10**9).map(lambda cents: cents / 100), min_size=1))
def test_prices_to_the_cent_come_back_from_both_ways_of_writing(prices: list[float]) -> None:
    english = [f"{price:,.2f}" for price in prices]
    german = [text.translate(str.maketrans(",.", ".,")) for text in english]

    assert numbers_of(*english) == prices
    assert numbers_of(*german) == prices


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"PK\x03\x04" + bytes(60), "is a ZIP or an Excel file"),
        (b"<!DOCTYPE html>\n<p>Too many requests</p>\n", "is a web page, not CSV"),
        (b'{"Information": "the daily limit is reached"}\n', "is JSON, not CSV"),
        ("symbol,date\n".encode("utf-16"), r"is text in UTF-16; save it as UTF-8"),
        ("Datum;Eröffnung\n".encode("latin1"), r"its first line is no text in UTF-8 \(byte 9\)"),
        (
            b"AAA,2024-06-13,10,12,9,11,5\n",
            r"its first line holds values \(AAA, 2024-06-13, .*write them above it",
        ),
        (bytes(range(256)), "is no text, and no parquet"),
    ],
)
def test_what_is_often_met_under_the_name_of_a_csv_is_told_for_what_it_is(
    tmp_path: Path, content: bytes, why: str
) -> None:
    (tmp_path / "bars.csv").write_bytes(content)

    with pytest.raises(DataError, match=rf"^bars\.csv: {why}"):
        days(tmp_path)

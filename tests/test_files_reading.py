"""The plugin `files` reads parquet and CSV in long form, and says in one line why a file cannot be used."""

from __future__ import annotations

import dataclasses
import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

import files_builders as build
from files_builders import MONDAY, WEEK, moment
from momentum.errors import DataError
from momentum_plugins import files
from momentum_plugins.files.options import Options


def all_bars(directory: Path, name: str, **settings: str) -> pl.DataFrame:
    return build.open_file(directory, name, **settings).daily(None, datetime(2030, 1, 1, tzinfo=UTC), 1000)


def refusal(directory: Path, name: str | Path, **settings: str) -> str:
    with pytest.raises(DataError) as caught:
        build.open_file(directory, name, **settings)
    text = str(caught.value)
    assert "\n" not in text
    assert text.startswith(f"{settings.get('vix', name)}: ")
    return text


@pytest.mark.parametrize("name", ["bars.parquet", "bars.csv", "bars"])
def test_daily_bars_come_back_as_they_were_written(tmp_path: Path, name: str) -> None:
    written = build.frame(build.daily_bars())
    build.write(written, tmp_path / name)

    read = all_bars(tmp_path, name)

    assert read.equals(written.rename({"date": "ts"}))
    assert read.schema == {"symbol": pl.String, "ts": pl.Date} | dict.fromkeys(build.NUMBERS, pl.Float64)


@pytest.mark.parametrize("name", ["bars.parquet", "bars.csv"])
def test_intraday_bars_come_back_as_they_were_written(tmp_path: Path, name: str) -> None:
    rows = build.session_bars("AAA", MONDAY) + build.session_bars("BBB", MONDAY)
    written = build.frame(rows, "timestamp")
    build.write(written, tmp_path / name)

    market = build.open_file(tmp_path, name)
    read = market.bars(["AAA", "BBB"], moment(MONDAY, 0), moment(MONDAY, 23))

    assert read.drop("ends").equals(written.rename({"timestamp": "ts"}))
    assert market.timeframe == "minute"
    assert market.notes() == ()


def test_names_of_columns_may_have_any_case_and_order_and_others_are_ignored(tmp_path: Path) -> None:
    plain = build.frame(build.daily_bars())
    other = plain.rename(str.upper).with_columns(pl.lit("x").alias("Adj Close"))
    build.write(other.select(reversed(other.columns)), tmp_path / "bars.csv")

    assert all_bars(tmp_path, "bars.csv").equals(plain.rename({"date": "ts"}))


@pytest.mark.parametrize("name", ["ts", "timestamp", "datetime", "date", "Date"])
def test_the_times_may_stand_under_any_of_their_names(tmp_path: Path, name: str) -> None:
    build.write(build.frame(build.daily_bars(), name), tmp_path / "bars.parquet")

    assert all_bars(tmp_path, "bars.parquet")["ts"].to_list() == [*WEEK, *WEEK]


@pytest.mark.parametrize(
    "form",
    [
        "%Y-%m-%d",
        "%Y%m%d",
        "%Y/%m/%d",
        "%d.%m.%Y",
        "%d-%b-%Y",
        "%b %d, %Y",
        "%Y-%m-%d 00:00:00",
        "%Y-%m-%dT05:00:00Z",
    ],
)
def test_dates_are_read_in_the_usual_forms(tmp_path: Path, form: str) -> None:
    rows = build.frame(build.daily_bars(["AAA"])).with_columns(pl.col("date").dt.strftime(form))
    build.write(rows, tmp_path / "bars.csv")

    assert all_bars(tmp_path, "bars.csv")["ts"].to_list() == list(WEEK)


def test_days_stamped_at_midnight_of_new_york_are_daily_bars_on_both_sides_of_a_clock_change(
    tmp_path: Path,
) -> None:
    stamps = ["2024-03-08T05:00:00Z", "2024-03-11T04:00:00Z"]
    build.write(build.frame([build.bar("AAA", stamp) for stamp in stamps]), tmp_path / "bars.csv")

    market = build.open_file(tmp_path, "bars.csv")

    assert market.timeframe == "day"
    assert [session.day for session in market.sessions().days] == [date(2024, 3, 8), date(2024, 3, 11)]


@pytest.mark.parametrize(
    "first", ["2024-06-03T13:30:00Z", "2024-06-03 09:30:00-04:00", "2024-06-03T13:30:00.000000+0000"]
)
def test_moments_with_an_offset_are_that_moment(tmp_path: Path, first: str) -> None:
    second = first.replace(":30:00", ":35:00")
    build.write(build.frame([build.bar("AAA", first), build.bar("AAA", second)]), tmp_path / "bars.csv")

    found = build.open_file(tmp_path, "bars.csv").bars(["AAA"], moment(MONDAY, 0), moment(MONDAY, 23))

    assert found["ts"].to_list() == [moment(MONDAY, 13, 30), moment(MONDAY, 13, 35)]


@pytest.mark.parametrize(("zone", "hour"), [("UTC", 13), ("America/New_York", 9)])
def test_moments_without_a_zone_are_of_the_zone_in_the_settings_and_this_is_said(
    tmp_path: Path, zone: str, hour: int
) -> None:
    stamps = [datetime(2024, 6, 3, hour, minute) for minute in (30, 35)]
    build.write(build.frame([build.bar("AAA", stamp) for stamp in stamps]), tmp_path / "bars.parquet")

    market = build.open_file(tmp_path, "bars.parquet", zone=zone)

    assert market.bars(["AAA"], moment(MONDAY, 0), moment(MONDAY, 23))["ts"][0] == moment(MONDAY, 13, 30)
    assert market.notes() == (
        f"bars.parquet: its times are without a zone and were read as {zone} (files.zone)",
    )


def test_a_missing_file_is_named_with_the_way_out(tmp_path: Path) -> None:
    assert refusal(tmp_path, "data/bars.parquet") == (
        "data/bars.parquet: there is no such file; correct files.path, or put the file there"
    )


def test_a_directory_without_bars_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bars").mkdir()
    (tmp_path / "bars" / "README.md").touch()

    assert "the directory holds no parquet or CSV file" in refusal(tmp_path, "bars")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_file_without_permission_is_refused(tmp_path: Path) -> None:
    path = build.write(build.frame(build.daily_bars()), tmp_path / "bars.csv")
    path.chmod(0)

    assert "cannot be read: permission denied" in refusal(tmp_path, "bars.csv")


@pytest.mark.parametrize("name", ["bars.parquet", "bars.csv"])
def test_an_empty_file_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()

    assert "the file is empty (0 bytes)" in refusal(tmp_path, name)


@pytest.mark.parametrize("name", ["bars.parquet", "bars.csv"])
def test_a_table_without_rows_is_refused(tmp_path: Path, name: str) -> None:
    build.write(build.frame(build.daily_bars()).clear(), tmp_path / name)

    assert "holds no rows" in refusal(tmp_path, name)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.999])
def test_a_parquet_file_cut_short_is_refused(tmp_path: Path, share: float) -> None:
    path = build.write(build.frame(build.daily_bars()), tmp_path / "bars.parquet")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])

    assert "cut short" in refusal(tmp_path, "bars.parquet")


def test_a_parquet_file_with_a_damaged_middle_is_refused(tmp_path: Path) -> None:
    path = build.write(build.frame(build.daily_bars()), tmp_path / "bars.parquet")
    whole = path.read_bytes()
    path.write_bytes(whole[:4] + bytes(len(whole) - 12) + whole[-8:])

    assert "the file is damaged" in refusal(tmp_path, "bars.parquet")


def test_text_named_parquet_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bars.parquet").write_text("symbol,date\n")

    assert "not a parquet file" in refusal(tmp_path, "bars.parquet")


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "bars.csv").write_bytes(b"symbol,date,open,high,low,close,volume\n\xff\xfe\x00\x01,,,,,,\n")

    assert "the file is damaged" in refusal(tmp_path, "bars.csv")


@pytest.mark.parametrize("name", ["bars.parquet", "bars.csv"])
@pytest.mark.parametrize("lost", ["symbol", "date", *build.NUMBERS])
def test_a_missing_column_is_named(tmp_path: Path, name: str, lost: str) -> None:
    build.write(build.frame(build.daily_bars()).drop(lost), tmp_path / name)

    wanted = "ts or timestamp or datetime or date" if lost == "date" else lost
    assert f"has no column {wanted}" in refusal(tmp_path, name)


def test_a_column_of_nearly_the_right_name_is_suggested(tmp_path: Path) -> None:
    build.write(build.frame(build.daily_bars()).rename({"symbol": "symbols"}), tmp_path / "bars.csv")

    assert "did you mean 'symbols'?" in refusal(tmp_path, "bars.csv")


def test_a_column_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    table = build.frame(build.daily_bars())
    build.write(table.with_columns(pl.col("close").alias("Close")), tmp_path / "bars.parquet")

    assert "has the column close 2 times; leave one of them" in refusal(tmp_path, "bars.parquet")


def test_a_column_that_a_csv_names_twice_is_refused(tmp_path: Path) -> None:
    text = build.frame(build.daily_bars()).with_columns(pl.col("close").alias("last")).write_csv()
    (tmp_path / "bars.csv").write_text(text.replace("last", "close"))

    assert "has the column close 2 times" in refusal(tmp_path, "bars.csv")


def test_blanks_around_a_csv_s_values_and_its_blank_lines_mean_nothing(tmp_path: Path) -> None:
    plain = build.frame(build.daily_bars())
    (tmp_path / "bars.csv").write_text(plain.write_csv().replace(",", " , ").replace("\n", "\n\n"))

    assert all_bars(tmp_path, "bars.csv").equals(plain.rename({"date": "ts"}))


def test_a_long_list_of_other_columns_is_cut(tmp_path: Path) -> None:
    other = pl.DataFrame({f"column\n{index}": [1.0] for index in range(40)})
    build.write(other, tmp_path / "bars.parquet")

    assert "it has column 0, column 1, " in (text := refusal(tmp_path, "bars.parquet"))
    assert "column 11 and 28 more" in text


def test_a_column_of_the_wrong_type_is_named(tmp_path: Path) -> None:
    build.write(build.frame(build.daily_bars()).with_columns(close=pl.lit(True)), tmp_path / "bars.parquet")

    assert "column close holds Boolean, not numbers" in refusal(tmp_path, "bars.parquet")


def test_dates_in_no_known_form_are_shown(tmp_path: Path) -> None:
    rows = build.frame(build.daily_bars()).with_columns(date=pl.lit("3rd of June"))
    build.write(rows, tmp_path / "bars.csv")

    assert "'3rd of June' is not a date or time; write 2024-01-31" in refusal(tmp_path, "bars.csv")


def test_an_unknown_time_zone_is_refused(tmp_path: Path) -> None:
    stamps = [datetime(2024, 6, 3, 9, 30) + timedelta(minutes=5 * index) for index in range(3)]
    build.write(build.frame([build.bar("AAA", stamp) for stamp in stamps]), tmp_path / "bars.csv")

    assert "there is no time zone 'Gotham'" in refusal(tmp_path, "bars.csv", zone="Gotham")


def test_the_schema_describes_each_key_that_the_plugin_reads() -> None:
    properties = files.momentum_settings_schema()["properties"]

    assert {key for key in properties if key not in ("path", "vix")} == {
        option.name for option in dataclasses.fields(Options)
    }
    assert all(value["description"] and "examples" in value for value in properties.values())
    assert {key for key, value in properties.items() if value.get("x-unit") == "path"} == {"path", "vix"}

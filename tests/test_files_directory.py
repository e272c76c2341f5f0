"""A directory is read as one market: a CSV for each symbol, parquet by year, and one broken file is named."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

import files_builders as build
from momentum.errors import DataError
from momentum.ports import Workspace
from momentum_plugins import files
from momentum_plugins.files.source import symbol_of

LATE = datetime(2030, 1, 1, tzinfo=UTC)
TWO_YEARS = (date(2023, 12, 28), date(2023, 12, 29), date(2024, 1, 2), date(2024, 1, 3))
BARS = build.frame(build.daily_bars(["AAA", "BBB", "CCC"], TWO_YEARS))


def by_symbol(directory: Path, suffix: str = ".csv") -> Path:
    """One file for each symbol, without a column of symbols."""
    for (symbol,), bars in BARS.group_by("symbol"):
        build.write(bars.drop("symbol"), directory / f"{symbol}{suffix}")
    return directory


def read(directory: Path) -> pl.DataFrame:
    return build.open_file(directory.parent, directory.name).daily(None, LATE, 1000)


@pytest.fixture
def bars(tmp_path: Path) -> Path:
    (tmp_path / "bars").mkdir()
    return tmp_path / "bars"


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_files_named_by_their_symbol_are_one_market(bars: Path, suffix: str) -> None:
    assert read(by_symbol(bars, suffix)).equals(BARS.rename({"date": "ts"}))


@pytest.mark.parametrize(
    "name",
    [
        "aapl.csv",
        "AAPL.csv.gz",
        "aapl.us.txt",
        "aapl_us_d.csv",
        "deep/er/AAPL.parquet",
        "AAPL.tsv",
        "AAPL.PQ",
    ],
)
def test_a_symbol_is_the_name_of_its_file(name: str) -> None:
    assert symbol_of(name) == "AAPL"


@pytest.mark.parametrize("name", ["BRK-B", "BRK.B", "BF_B", "US"])
def test_a_symbol_may_have_marks_of_its_own(name: str) -> None:
    assert symbol_of(f"{name}.csv") == name


@pytest.mark.parametrize("place", ["year={}/part-0.parquet", "{}.parquet", "{}/bars.parquet"])
def test_parquet_by_year_is_one_market(bars: Path, place: str) -> None:
    for (year,), part in BARS.group_by(pl.col("date").dt.year()):
        target = bars / place.format(year)
        target.parent.mkdir(exist_ok=True)
        part.write_parquet(target)

    assert read(bars).equals(BARS.rename({"date": "ts"}))
    assert build.open_file(bars.parent, "bars").title.startswith(
        "bars (parquet, 2 files; 12 daily bars, 3 symbols"
    )


def test_parquet_by_symbol_takes_the_symbol_of_its_directory(bars: Path) -> None:
    for (symbol,), part in BARS.group_by("symbol"):
        (bars / f"symbol={symbol}").mkdir()
        part.drop("symbol").write_parquet(bars / f"symbol={symbol}" / "0.parquet")

    assert read(bars).equals(BARS.rename({"date": "ts"}))


def test_years_of_different_column_types_are_put_together(bars: Path) -> None:
    first, second = (
        BARS.filter(pl.col("date").dt.year() == 2023),
        BARS.filter(pl.col("date").dt.year() == 2024),
    )
    first.with_columns(pl.col("volume").cast(pl.Int64)).write_parquet(bars / "2023.parquet")
    second.with_columns(pl.col("date").cast(pl.Datetime("ns"))).write_parquet(bars / "2024.parquet")

    assert read(bars).equals(BARS.rename({"date": "ts"}))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "the file is empty"),
        (b"date,open,high,low,close,volume\n1,2,3,4,5,6,7,8\n", "the file is damaged: found more fields"),
        (b"date,open,high,low,close,volume\n\xff\xfe\x00,1,1,1,1,1\n", "the file is damaged: invalid utf-8"),
        (b"No data\n", "has no column ts"),
        (b"\x1f\x8bnot packed at all", "the file is damaged"),
    ],
)
def test_one_broken_file_among_good_ones_is_named(bars: Path, content: bytes, why: str) -> None:
    (by_symbol(bars) / "BROKEN.csv").write_bytes(content)

    with pytest.raises(DataError, match=rf"^bars/BROKEN\.csv: {why}"):
        read(bars)


def test_parquet_and_csv_are_not_mixed(bars: Path) -> None:
    by_symbol(bars)
    by_symbol(bars, ".parquet")

    with pytest.raises(
        DataError, match=r"^bars: holds parquet and CSV \(AAA\.parquet, AAA\.csv\); keep one kind"
    ):
        read(bars)


def test_other_files_are_not_read_and_this_is_said_but_hidden_ones_are_nobody_s(bars: Path) -> None:
    by_symbol(bars)
    for name in ("README.md", "list.json", ".DS_Store", "_SUCCESS"):
        (bars / name).write_text("not bars")

    assert build.open_file(bars.parent, "bars").notes() == ("bars: 2 files of other kinds were not read",)


def test_progress_is_told_up_to_the_last_file(bars: Path) -> None:
    for number in range(450):
        build.write(BARS[:2].drop("symbol"), bars / f"S{number}.csv")
    told: list[tuple[str, int, int]] = []
    section = {"files": {"path": "bars"}}

    files.momentum_market_data(
        Workspace(
            bars.parent, "paper", section, {}, build.NoClock(), progress=lambda *parts: told.append(parts)
        )
    )

    assert [done for _, done, _ in told] == sorted({done for _, done, _ in told})
    assert told[-1] == ("reading bars", 450, 450)
    assert len(told) > 1


def test_a_symbol_may_stand_in_several_files_and_bars_that_are_there_twice_are_counted(bars: Path) -> None:
    (bars / "old").mkdir()
    one = BARS.filter(pl.col("symbol") == "AAA").drop("symbol")
    build.write(one[:3], bars / "old" / "AAA.csv")
    build.write(one[2:], bars / "AAA.csv")

    market = build.open_file(bars.parent, "bars")

    assert market.daily(None, LATE, 99)["ts"].to_list() == list(TWO_YEARS)
    assert "left out 1 row: symbol and time there twice" in " ".join(market.notes())

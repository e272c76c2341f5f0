"""`momentum data convert` writes whatever bars can be read into one sorted parquet, and tells what it left out."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

import files_builders as build
from workspace_builders import Run, momentum, workspace

LATE = datetime(2030, 1, 1, tzinfo=UTC)
YAHOO = "Date,Open,High,Low,Close,Adj Close,Volume\n"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return workspace(tmp_path_factory.mktemp("home") / "work")


@pytest.fixture
def yahoo(tmp_path: Path) -> Path:
    """Two symbols, of which one has a row that is impossible and one that is there twice."""
    (tmp_path / "yahoo").mkdir()
    good = "2024-06-13,10,12,9,11,11,1000\n2024-06-14,11,13,10,12,12,2000\n"
    (tmp_path / "yahoo" / "MSFT.csv").write_text(YAHOO + good)
    bad = "2024-06-17,11,5,10,12,12,2000\n2024-06-14,11,13,10,12.5,12.5,2000\n"
    (tmp_path / "yahoo" / "AAPL.csv").write_text(YAHOO + good + bad)
    return tmp_path / "yahoo"


def convert(home: Path, *words: str | Path) -> Run:
    return momentum("-C", home, "data", "convert", *words)


def test_a_directory_becomes_one_sorted_file_with_a_report_of_what_was_left_out(
    home: Path, yahoo: Path
) -> None:
    target = yahoo.parent / "out.parquet"

    run = convert(home, yahoo, "--to", target)

    assert (run.code, run.err) == (0, f"reading {yahoo}: 2 of 2 files\n")
    frame = pl.read_parquet(target)
    assert frame.columns == ["symbol", "date", "open", "high", "low", "close", "volume"]
    assert frame.select("symbol", "close").rows() == [
        ("AAPL", 11),
        ("AAPL", 12.5),
        ("MSFT", 11),
        ("MSFT", 12),
    ]
    assert "read: yahoo (Yahoo CSV, 2 files; 4 daily bars, 2 symbols, 2024-06-13 to 2024-06-14)" in run.out
    assert f"wrote {target}: 4 bars" in run.out
    assert "left out 1 row: high below low (AAPL 2024-06-17)" in run.out
    assert "left out 1 row: symbol and time there twice, the last row kept (AAPL 2024-06-14)" in run.out


def test_the_report_is_one_json_document_too(home: Path, yahoo: Path) -> None:
    target = yahoo.parent / "out.parquet"

    document = convert(home, yahoo, "--to", target, "--json").json

    assert {name: document[name] for name in ("to", "timeframe", "bars", "symbols", "first", "last")} == {
        "to": str(target),
        "timeframe": "day",
        "bars": 4,
        "symbols": 2,
        "first": "2024-06-13",
        "last": "2024-06-14",
    }
    assert [
        (part["reason"], part["count"], part["symbol"], part["when"]) for part in document["left_out"]
    ] == [
        ("high below low", 1, "AAPL", "2024-06-17"),
        ("symbol and time there twice, the last row kept", 1, "AAPL", "2024-06-14"),
    ]


def test_the_file_is_the_same_market_when_it_is_read_back(home: Path, yahoo: Path, tmp_path: Path) -> None:
    assert convert(home, yahoo, "--to", tmp_path / "out.parquet").code == 0

    first = build.open_file(tmp_path, "yahoo")
    again = build.open_file(tmp_path, "out.parquet")

    assert again.daily(None, LATE, 99).equals(first.daily(None, LATE, 99))
    assert again.notes() == ()


def test_intraday_bars_are_the_same_market_when_they_are_read_back(home: Path, tmp_path: Path) -> None:
    early = build.bar("AAA", build.moment(build.MONDAY, 12))
    rows = [early, *build.session_bars("AAA", build.MONDAY), *build.session_bars("BBB", build.WEEK[1])]
    source = build.write(build.frame(rows, "ts"), tmp_path / "minutes.csv")

    run = convert(home, source, "--to", tmp_path / "out.parquet")

    first, again = (build.open_file(tmp_path, name) for name in ("minutes.csv", "out.parquet"))
    since = build.moment(build.MONDAY, 0)
    assert again.bars(["AAA", "BBB"], since, LATE).equals(first.bars(["AAA", "BBB"], since, LATE))
    assert again.sessions() == first.sessions()
    assert "left out 1 row: outside regular hours (AAA 2024-06-03 12:00 UTC)" in run.out


def test_the_settings_say_how_the_files_are_read(home: Path, yahoo: Path) -> None:
    (yahoo / "AAPL.csv").write_text(YAHOO + "2024-06-13,10,12,9,11,5.5,1000\n")
    target = yahoo.parent / "out.parquet"

    assert (
        momentum("-C", home, "--set", "files.adjusted=on", "data", "convert", yahoo, "--to", target).code == 0
    )

    assert pl.read_parquet(target)["open"][0] == 5.0


def test_what_is_there_is_not_overwritten_without_force(home: Path, yahoo: Path) -> None:
    target = yahoo.parent / "out.parquet"
    target.write_bytes(b"mine")

    refused = convert(home, yahoo, "--to", target)

    assert (refused.code, refused.out) == (2, "")
    assert refused.err == f"--to {target}: is there already; give --force to overwrite it\n"
    assert target.read_bytes() == b"mine"
    assert convert(home, yahoo, "--to", target, "--force").code == 0
    assert len(pl.read_parquet(target)) == 4


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("out.csv", "name it out.parquet"),
        ("nowhere/out.parquet", "there is no directory"),
        ("yahoo/out.parquet", "lies in what is read"),
    ],
)
def test_a_target_that_cannot_be_is_refused_before_anything_is_read(
    home: Path, yahoo: Path, target: str, why: str
) -> None:
    run = convert(home, yahoo, "--to", yahoo.parent / target)

    assert run.code == 2
    assert why in run.err
    assert run.err.count("\n") == 1


def test_files_that_cannot_be_read_end_with_4_and_leave_nothing_behind(home: Path, yahoo: Path) -> None:
    (yahoo / "BAD.csv").touch()

    run = convert(home, yahoo, "--to", yahoo.parent / "out.parquet")

    assert (run.code, run.out) == (4, "")
    assert "BAD.csv: the file is empty (0 bytes)" in run.err
    assert [path.name for path in yahoo.parent.iterdir()] == ["yahoo"]


def test_a_market_that_is_no_table_is_refused(home: Path, tmp_path: Path) -> None:
    run = convert(home, "--to", tmp_path / "out.parquet")

    assert run.code == 2
    assert "cannot be written as one table; name a file or a directory of bars" in run.err

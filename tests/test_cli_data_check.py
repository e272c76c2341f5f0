"""`momentum data check` as a person uses it."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from quality_builders import DAYS, panel, split, walk
from workspace_builders import Run, momentum, workspace


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return workspace(tmp_path_factory.mktemp("check") / "work")


def write(bars: pl.DataFrame, directory: Path) -> Path:
    """The bars as a file that the plugin `files` reads."""
    path = directory / "bars.parquet"
    bars.rename({"ts": "date"}).write_parquet(path)
    return path


def check(work: Path, *words: str | Path) -> Run:
    return momentum("data", "check", *words, "-C", work)


def test_clean_bars_are_fit_and_nothing_is_created(work: Path, tmp_path: Path) -> None:
    before = sorted(work.rglob("*"))
    run = check(work, write(panel(), tmp_path))
    assert run.code == 0, run.err
    assert "fit for use, nothing found" in run.out
    assert f"4 symbols, {len(DAYS)} sessions" in run.out
    assert "fill the warm-up: 50 bars, for sma_50" in run.out
    assert sorted(work.rglob("*")) == before


def test_a_split_in_one_symbol_of_five_is_shown_and_exits_1(work: Path, tmp_path: Path) -> None:
    run = check(work, write(panel(split(walk("CF", 9, price=300.0), 60, 1, 5)), tmp_path))
    assert run.code == 1
    assert f"CF {DAYS[60]} looks like an unadjusted 1 to 5 split" in run.out
    assert "unfit: 1 of 5 symbols have an unadjusted split (20%; 1% are allowed)" in run.out


def test_json_has_every_finding_with_kind_symbol_date_text_and_severity(work: Path, tmp_path: Path) -> None:
    run = check(work, "--data", write(panel(split(walk("CF", 9, price=300.0), 60, 1, 5)), tmp_path), "--json")
    document = run.json
    assert (run.code, document["fit"], document["counts"]) == (1, False, {"split": 1})
    (finding,) = document["findings"]
    assert finding | {"text": ""} == {
        "kind": "split", "severity": "warning", "symbol": "CF", "date": DAYS[60].isoformat(), "text": "", "count": 1,
    }  # fmt: skip
    assert document["coverage"]["share"] == 1.0
    assert document["warm_up"] == {"bars": 50, "feature": "sma_50", "symbols": 5, "filled": 5}


def test_impossible_rows_and_duplicates_that_the_reader_left_out_are_counted(
    work: Path, tmp_path: Path
) -> None:
    bars = panel()
    upside_down = bars.head(3).with_columns(high=pl.col("low") / 2)
    path = write(pl.concat([upside_down, bars.slice(3), bars.slice(5, 2)]), tmp_path)
    document = check(work, path, "--json").json
    counted = {finding["kind"]: finding["count"] for finding in document["findings"]}
    assert counted["impossible"] == 3
    assert counted["duplicate"] == 2
    assert len(document["unfit"]) == 2


def test_the_worst_are_shown_and_all_on_demand(work: Path, tmp_path: Path) -> None:
    ended = [walk(f"END{number}", 30 + number).head(100 + number) for number in range(8)]
    path = write(panel(*ended), tmp_path)
    short, whole = check(work, path).out, check(work, path, "--all").out
    assert "and 3 more; --all lists them" in short
    assert "END0" in short
    assert "END7" not in short
    assert "END7" in whole


def test_without_a_path_the_workspaces_own_source_is_checked(work: Path) -> None:
    run = check(work, "--json")
    assert run.code == 0, run.err
    assert run.json["synthetic"] is True
    assert run.json["coverage"]["symbols"] > 100


def test_two_different_files_are_refused(work: Path) -> None:
    run = check(work, "a.parquet", "--data", "b.parquet")
    assert (run.code, "give one of them" in run.err) == (2, True)


def test_a_file_that_is_not_there_exits_4(work: Path) -> None:
    run = check(work, "nowhere.parquet")
    assert (run.code, "nowhere.parquet" in run.err) == (4, True)

"""The files of a backtest that other programs read, and where they are put."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from backtest_builders import trade, weekday
from momentum.errors import UsageError
from momentum.report.files import equity_csv, exit_word, trades_csv
from momentum.report.numbers import judged
from momentum.report.write import write
from report_builders import reported

FILES = {"report.html", "trades.csv", "equity.csv", "metrics.json", "settings.json"}


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_trades_stand_by_exit_then_entry_then_symbol_and_open_ones_are_left_out() -> None:
    trades = [
        trade(1.0, symbol="LATE", entry=0, exit=4),
        trade(1.0, symbol="B", entry=1, exit=3),
        trade(1.0, symbol="A", entry=1, exit=3),
        trade(1.0, symbol="Z", entry=0, exit=3),
        trade(None, symbol="OPEN", entry=0, exit=None),
    ]
    assert [row["symbol"] for row in read(trades_csv(reported(trades)))] == ["Z", "A", "B", "LATE"]


def test_a_trade_is_written_with_iso_dates_and_unrounded_prices() -> None:
    bought = replace(
        trade(1.0, symbol="MU", entry=0, exit=2), entry_price=14.497245000000001, exit_price=0.1 + 0.2
    )
    text = trades_csv(reported([bought]))
    assert text.splitlines() == [
        "symbol,entry_date,entry_price,qty,exit_date,exit_price,reason",
        f"MU,{weekday(0)},14.497245000000001,10,{weekday(2)},0.30000000000000004,stop",
    ]


def test_the_equity_reads_back_as_it_was() -> None:
    result = reported()
    rows = read(equity_csv(result))
    assert [(row["date"], float(row["equity"])) for row in rows] == [
        (day.day.isoformat(), day.equity) for day in result.days
    ]


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        ("trailing_stop", "stop"),
        ("stop", "stop"),
        ("signal: close < sma_20", "signal"),
        ("delisted: no bar since 2015-03-02", "delisted"),
        ("reversal score reached 5", "reversal"),
        ("   ", "unknown"),
    ],
)
def test_an_exit_has_one_word(reason: str, word: str) -> None:
    assert exit_word(trade(1.0, reason=reason)) == word


def test_one_result_lies_in_the_directory_itself(tmp_path: Path) -> None:
    written = write(tmp_path / "out", [judged(reported())])
    assert written[0] == tmp_path / "out" / "report.html"
    assert {file.name for file in written} == FILES == {file.name for file in (tmp_path / "out").iterdir()}


def test_several_results_have_a_directory_each_under_a_page_that_compares_them(tmp_path: Path) -> None:
    names = ["one", "two", "one", "../../out of here"]
    written = write(tmp_path / "out", [judged(reported(strategy=name)) for name in names])
    assert written[0] == tmp_path / "out" / "report.html"
    below = [path.name for path in sorted((tmp_path / "out").iterdir()) if path.is_dir()]
    assert below == ["one", "one-2", "out-of-here", "two"]
    page = written[0].read_text()
    assert all(f'href="{name}/report.html"' in page for name in below)
    assert list(tmp_path.iterdir()) == [tmp_path / "out"]


def test_the_same_result_gives_the_same_bytes_wherever_it_is_written(tmp_path: Path) -> None:
    one = write(tmp_path / "a", [judged(reported())])
    two = write(tmp_path / "b" / "deeper", [judged(reported())])
    assert [file.read_bytes() for file in one] == [file.read_bytes() for file in two]


def test_metrics_and_settings_are_json_with_origins_and_the_datas_hash(tmp_path: Path) -> None:
    write(tmp_path, [judged(reported())])
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["trades"]["trades"] == 2
    assert (
        metrics["intervals"]["sharpe"]["low"]
        <= metrics["account"]["sharpe"]
        <= metrics["intervals"]["sharpe"]["high"]
    )
    settings = json.loads((tmp_path / "settings.json").read_text())
    assert settings["data"] == {"source": "made for a test", "hash": "0123456789abcdef"}
    assert settings["settings"]["limits.max_positions"] == {"value": 6, "origin": "momentum.yaml:52"}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("/home/somebody/bars.parquet", "bars.parquet"),
        ("data/bars.parquet", "data/bars.parquet"),
        ("C:\\Users\\somebody\\bars.parquet", "bars.parquet"),
        ("sqlite:////home/somebody/ledger.db", "sqlite:///ledger.db"),
        ("sqlite:///data/ledger.db", "sqlite:///data/ledger.db"),
        ("postgresql://trader:secret@host/ledger", "postgresql://trader:***@host/ledger"),
        (["/home/somebody/a_plugin.py", "rules"], ["a_plugin.py", "rules"]),
    ],
)
def test_a_setting_says_nothing_of_the_machine_and_gives_no_password_away(
    tmp_path: Path, value: object, shown: object
) -> None:
    result = replace(reported(), settings={"key": {"value": value, "origin": "--set"}})
    page, *_ = write(tmp_path, [judged(result)])
    assert json.loads((tmp_path / "settings.json").read_text())["settings"]["key"]["value"] == shown
    assert "somebody" not in page.read_text() and "secret" not in re.sub(
        r"<script.*?</script>", "", page.read_text()
    )


def test_a_directory_that_cannot_be_made_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"file.*the report cannot be written.*choose another --out"):
        write(tmp_path / "file", [judged(reported())])

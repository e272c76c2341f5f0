"""`momentum check`: what a scan would refuse is told before, and what newcomers write is answered in their words."""

from __future__ import annotations

from pathlib import Path

import pytest

from workspace_builders import momentum, workspace


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return workspace(tmp_path_factory.mktemp("check") / "work")


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("universe=data/none.json", "the universe cannot be read"),
        ("mode=live", "needs a real broker"),
        ("ledger=sqlite:///data", "is a directory"),
        ("filters=['roc_10d > 3%']", "write 0.03 for 3%"),
        ("filters=['price > 5 && close > 1']", "write AND, OR"),
        ("filters=['LAG(price) > 1']", "a feature with `lag: N`"),
        ("filters=['price > (SELECT MAX(price) FROM t)']", "a subquery is not allowed"),
        ("plugins.signals=[momentum, ta]", "no plugin under plugins.signals serves it"),
    ],
)
def test_what_a_scan_would_refuse_is_told_by_check(work: Path, setting: str, says: str) -> None:
    run = momentum("check", "-C", work, "--set", setting)
    assert run.code == 2, run.out
    assert says in run.err
    assert "Traceback" not in run.err


def test_a_workspace_as_it_is_shipped_is_in_order(work: Path) -> None:
    run = momentum("check", "-C", work)
    assert (run.code, run.err) == (0, "")
    assert run.out.startswith("in order: momentum.yaml, strategies/")


def test_a_feature_of_a_plugin_that_looks_ahead_is_named_with_its_line(work: Path) -> None:
    (work / "peek.py").write_text(
        "import momentum\nimport polars as pl\n\n\n"
        "def tomorrow():\n    return pl.col('close').shift(-1)\n\n\n"
        "@momentum.hookimpl\ndef momentum_features():\n    return {'tomorrow': tomorrow}\n"
    )
    words = ("--set", "plugins.signals=[rules, momentum, ta, ./peek.py]", "--set", "filters=['tomorrow > 5']")
    run = momentum("check", "-C", work, *words)
    assert run.code == 2
    assert "plugin peek (peek.py:5) looks ahead" in run.err


def test_the_further_lines_of_a_python_librarys_header_are_no_rows(work: Path, tmp_path: Path) -> None:
    (tmp_path / "AAPL.csv").write_text(
        "Price,Close,High,Low,Open,Volume\nTicker,AAPL,AAPL,AAPL,AAPL,AAPL\nDate,,,,,\n"
        "2024-03-04,10,11,9,10,1000\n2024-03-05,10,11,9,10,1000\n"
    )
    run = momentum("data", "check", tmp_path, "-C", work)
    assert run.code == 0, run.out
    assert "left out" not in run.out

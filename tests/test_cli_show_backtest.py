"""A backtest on the terminal, and as one JSON document."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from momentum.cli.show_backtest import backtest_json, show_backtest
from momentum.ledger.fields import to_json
from momentum.report.numbers import judged
from report_builders import reported


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines() if line.strip()]


def test_one_strategy_stands_beside_its_benchmark(capsys: pytest.CaptureFixture[str]) -> None:
    show_backtest([judged(reported(), with_intervals=False)], Path("out/report.html"))
    shown = lines(capsys)
    assert shown[0] == "2015-01-05 to 2015-01-20, 12 sessions"
    assert "momentum_breakout SPY" in shown
    assert "Return -2.6% +5.5%" in shown
    assert "Win rate 50.0%" in shown
    assert shown[-2:] == ["the data holds no delisted symbol", "report: out/report.html"]


def test_several_strategies_have_a_column_each_and_a_note_of_one_bears_its_name(
    capsys: pytest.CaptureFixture[str],
) -> None:
    one = judged(reported(strategy="one"), with_intervals=False)
    two = judged(replace(reported(strategy="two"), notes=("[bold]odd",)), with_intervals=False)
    show_backtest([one, two], notes=["of both"])
    shown = lines(capsys)
    assert "one two SPY" in shown
    assert shown[-3:] == ["of both", "one: the data holds no delisted symbol", "two: [bold]odd"]


def test_the_document_holds_every_metric_of_every_strategy() -> None:
    several = [judged(reported(strategy=name)) for name in ("one", "two")]
    found = json.loads(to_json(backtest_json(several, Path("out/report.html"))))
    assert found["report"] == "out/report.html"
    assert [result["strategy"] for result in found["results"]] == ["one", "two"]
    assert found["results"][0]["metrics"]["trades"]["win_rate"] == 0.5
    assert set(found["results"][0]["metrics"]["intervals"]) >= {"sharpe", "cagr"}
    assert found["results"][0]["data_hash"] == "0123456789abcdef"

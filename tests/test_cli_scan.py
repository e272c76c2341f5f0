"""`momentum scan`, `explain`, `status` and `positions` as a person uses them, each command in its own process."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import jsonschema
import pytest

from workspace_builders import COMMAND, breaks_out, edit, market_file, momentum, quiet, sessions, workspace

DAY = 40
SCHEMA = json.loads((Path(__file__).parents[1] / "docs" / "scan.schema.json").read_text())


@pytest.fixture
def house(tmp_path: Path) -> tuple[Path, Path]:
    """A workspace, and a market of four symbols in which three break out on one day."""
    data = market_file(
        tmp_path,
        breaks_out("AAA", DAY),
        breaks_out("BBB", DAY),
        breaks_out("CCC", DAY, surge=2.0),
        quiet("DDD"),
    )
    return workspace(tmp_path / "work"), data


def at(number: int = DAY) -> tuple[str, str]:
    return "--at", sessions()[number].isoformat()


def test_a_scan_buys_protects_and_accounts_for_every_symbol(house: tuple[Path, Path]) -> None:
    work, data = house
    run = momentum("scan", "-C", work, "--data", data, *at(), "--json")
    assert run.code == 0, run.err
    jsonschema.validate(run.json, SCHEMA)
    found = run.json
    by_symbol = {row["symbol"]: row for row in found["candidates"]}
    assert sorted(by_symbol) == ["AAA", "BBB", "CCC", "DDD", "SPY"]
    assert by_symbol["AAA"]["rejected_by"] is None
    assert by_symbol["AAA"]["score"] == sum(by_symbol["AAA"]["points"].values()) >= 12
    assert by_symbol["DDD"]["rejected_by"] == "stage 1 change"
    assert [step["passed"] for step in found["funnel"]] == [5, 3, 3, 3, 3]
    assert [(e["symbol"], e["status"]) for e in found["executed"]] == [("AAA", "filled"), ("BBB", "filled")]
    for position in found["portfolio"]["positions"]:
        assert position["stop_qty"] == position["qty"] > 0
        assert position["stop_price"] == pytest.approx(position["entry_price"] * 0.95)
    assert "scan" in run.err, "the console tells of the scan on stderr"


def test_the_five_steps_are_printed_with_the_table_the_plan_and_the_portfolio(
    house: tuple[Path, Path],
) -> None:
    work, data = house
    out = momentum("scan", "-C", work, "--data", data, *at()).out
    for text in (
        "[1/5] Fetching account and positions",
        "[2/5] Calculating reversal scores for positions",
        "[3/5] Running momentum scanner",
        "[4/5] Getting decision",
        "[5/5] Executing decisions",
        "bought",
        "stop $",
        "as asked for by --at",
        "orders fill at the close that the scan saw",
    ):
        assert text in out
    assert "\x1b[" not in out, "no colour in a pipe"


def test_a_dry_run_decides_and_leaves_account_and_broker_alone(house: tuple[Path, Path]) -> None:
    work, data = house
    out = momentum("scan", "-C", work, "--data", data, *at(), "--dry-run").out
    assert "[DRY RUN] Would buy: AAA @ $" in out
    assert momentum("positions", "-C", work, "--data", data, "--json").json == []
    assert not (work / "data" / "paper.db").exists()


def test_a_second_scan_at_the_same_moment_respects_what_is_held(house: tuple[Path, Path]) -> None:
    work, data = house
    momentum("scan", "-C", work, "--data", data, *at())
    again = momentum("scan", "-C", work, "--data", data, *at(), "--json").json
    assert [e["symbol"] for e in again["executed"]] == ["CCC"]
    held = momentum("positions", "-C", work, "--data", data, "--json").json
    assert [position["symbol"] for position in held] == ["AAA", "BBB", "CCC"]


def test_a_scan_of_a_later_session_first_takes_the_stops_through_its_bars(tmp_path: Path) -> None:
    rows = breaks_out("AAA", DAY)
    close = float(rows[DAY]["close"])  # type: ignore[arg-type]
    rows[DAY + 1] |= {"open": close * 0.97, "high": close * 0.97, "low": close * 0.90, "close": close * 0.91}
    data = market_file(tmp_path, rows)
    work = workspace(tmp_path / "work")
    momentum("scan", "-C", work, "--data", data, *at())
    run = momentum("scan", "-C", work, "--data", data, *at(DAY + 1))
    assert "since the last look: sell" in run.out
    assert momentum("positions", "-C", work, "--data", data, "--json").json == []
    explained = momentum("explain", "AAA", "-C", work, "--data", data, "--json").json
    (fill,) = explained["since"]
    assert fill["price"] == pytest.approx(close * 1.0005 * 0.95 * 0.9995)


def test_an_earlier_moment_is_refused_with_the_way_out(house: tuple[Path, Path]) -> None:
    work, data = house
    momentum("scan", "-C", work, "--data", data, *at())
    earlier = momentum("scan", "-C", work, "--data", data, *at(DAY - 1))
    assert earlier.code == 2
    assert "--dry-run" in earlier.err
    assert "momentum paper reset" in earlier.err
    assert momentum("paper", "reset", "-C", work, "--data", data).code == 0
    assert momentum("scan", "-C", work, "--data", data, *at(DAY - 1)).code == 0


def test_editing_one_threshold_changes_exactly_that(house: tuple[Path, Path]) -> None:
    work, data = house
    before = momentum("scan", "-C", work, "--data", data, *at(), "--dry-run", "--json").json
    edit(
        work / "momentum.yaml",
        "    min_volume_surge: 1.3          # times",
        "    min_volume_surge: 2.5          # times",
    )
    setting = momentum("settings", "caps.large.min_volume_surge", "-C", work, "--json").json
    assert setting["caps.large.min_volume_surge"]["value"] == 2.5
    assert setting["caps.large.min_volume_surge"]["origin"].startswith("momentum.yaml:")
    after = momentum("scan", "-C", work, "--data", data, *at(), "--dry-run", "--json").json
    changed = {
        row["symbol"]
        for row, other in zip(before["candidates"], after["candidates"], strict=True)
        if row["rejected_by"] != other["rejected_by"]
    }
    assert changed == {"CCC"}
    explained = momentum("explain", "CCC", "-C", work, "--data", data).out
    assert "rejected by stage 2 momentum breakout" in explained
    assert "AND 2 >= 2.5" in explained


def test_explain_shows_every_rule_with_its_numbers_and_what_followed(house: tuple[Path, Path]) -> None:
    work, data = house
    momentum("scan", "-C", work, "--data", data, *at())
    found = momentum("explain", "AAA", "-C", work, "--data", data, "--json").json
    assert [rule["verdict"] for rule in found["filters"]] == [True] * 5
    assert found["decision"]["candidate_actions"][0]["action"] == "BUY"
    assert found["plan"]["orders"][0]["qty"] == found["fills"][0]["qty"]
    assert [order["type"] for order in found["orders"]] == ["market", "trailing_stop"]
    text = momentum("explain", "AAA", "-C", work, "--data", data).out
    for part in (
        "rsi(14)",
        "gap_up > min_gap_up AND follow_through",
        "risk gate: buy",
        "fill: buy",
        "stop: $",
    ):
        assert part in text


def test_explain_of_an_unknown_symbol_or_scan_says_what_is_near(house: tuple[Path, Path]) -> None:
    work, data = house
    nothing = momentum("explain", "AAA", "-C", work, "--data", data)
    assert (nothing.code, "no scan yet" in nothing.err) == (2, True)
    momentum("scan", "-C", work, "--data", data, *at(), "--dry-run")
    assert "did you mean AAA?" in momentum("explain", "AAAA", "-C", work, "--data", data).err
    wrong = momentum("explain", "AAA", "--scan", "2026-04-28-close-all-9", "-C", work, "--data", data)
    assert (wrong.code, "did you mean" in wrong.err) == (2, True)


def test_status_shows_the_account_as_of_its_last_moment(house: tuple[Path, Path]) -> None:
    work, data = house
    assert "not used yet" in momentum("status", "-C", work, "--data", data).out
    momentum("scan", "-C", work, "--data", data, *at())
    status = momentum("status", "-C", work, "--data", data, "--json").json
    assert status["now"].startswith(sessions()[DAY].isoformat())
    assert len(status["positions"]) == 2
    assert status["alarms"] == []
    assert status["equity"] == pytest.approx(
        status["cash"] + sum(p["qty"] * p["price"] for p in status["positions"])
    )


def test_two_scans_started_together_one_runs_and_one_exits_3(house: tuple[Path, Path]) -> None:
    work, data = house
    momentum("scan", "-C", work, "--data", data, *at())
    slow = work / "slow.py"
    slow.write_text(
        "import time, momentum\n\n"
        "@momentum.hookimpl\n"
        "def momentum_decide(situation):\n    time.sleep(5)\n    return None\n"
    )
    words = [
        "scan",
        "-C",
        str(work),
        "--data",
        str(data),
        *at(),
        "--set",
        "plugins.decide=[./slow.py, rules]",
    ]
    first = subprocess.Popen([*COMMAND, *words], stdout=subprocess.PIPE, text=True)
    assert first.stdout is not None
    while "[4/5]" not in first.stdout.readline():
        pass
    second = momentum("scan", "-C", work, "--data", data, *at())
    assert second.code == 3, second.err
    assert f"process {first.pid}" in second.err
    dry = momentum("scan", "-C", work, "--data", data, *at(), "--dry-run")
    assert dry.code == 0
    first.stdout.read()
    assert first.wait(timeout=60) == 0


def test_max_buys_narrows_and_never_widens(house: tuple[Path, Path]) -> None:
    work, data = house
    none = momentum("scan", "-C", work, "--data", data, *at(), "--dry-run", "--max-buys", "0", "--json").json
    assert none["executed"] == []
    many = momentum("scan", "-C", work, "--data", data, *at(), "--dry-run", "--max-buys", "9", "--json").json
    assert len(many["executed"]) == 2


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["scan", "--cap", "huge"], 2, "huge"),
        (["scan", "--at", "yesterday"], 2, "yesterday"),
        (["scan", "--at", "1999-01-04"], 2, "outside the data"),
        (["scan", "--data", "nowhere.parquet"], 4, "nowhere.parquet"),
        (["scan", "--strategy", "momentum_breakou"], 2, "momentum_breakout"),
        (["scan", "--set", "limits.max_exposure=130%"], 2, "130% is over 100%"),
        (["scan", "--set", "limits.max_exposur=50%"], 2, "max_exposure"),
        (["skan"], 2, "did you mean 'scan'"),
        (["settings", "limits.max_exposur"], 2, "limits.max_exposure"),
        (["scan", "--cap", "large", "--set", "universe=all"], 2, "no size classes"),
    ],
)
def test_wrong_usage_gets_one_clear_line_and_its_exit_code(
    tmp_path: Path, words: list[str], code: int, says: str
) -> None:
    work = workspace(tmp_path / "work")
    run = momentum(*words, cwd=work)
    assert run.code == code, run.err
    assert says in run.err
    assert "Traceback" not in run.err

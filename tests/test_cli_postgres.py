"""A workspace whose ledger is on a PostgreSQL server, by the command line."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger_builders import Place
from postgres_server import Server
from workspace_builders import COMMAND, breaks_out, edit, market_file, momentum, quiet, sessions, workspace

DAY = 40
AT = ("--at", sessions()[DAY].isoformat())


@pytest.fixture
def shared(postgres: Server, tmp_path: Path) -> Iterator[Place]:
    with postgres.database(empty=True) as url:
        yield Place(url, tmp_path)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return market_file(tmp_path, breaks_out("AAA", DAY), breaks_out("BBB", DAY), quiet("DDD"))


def work_on(shared: Place, name: str = "work") -> Path:
    work = workspace(shared.directory / name)
    edit(work / "momentum.yaml", "ledger: sqlite:///data/ledger.db", f"ledger: {shared.url}")
    return work


def test_a_scan_leaves_everything_on_the_server_that_explains_it(shared: Place, data: Path) -> None:
    work = work_on(shared)
    assert momentum("check", "-C", work).code == 0
    run = momentum("scan", "-C", work, "--data", data, *AT, "--json")
    assert run.code == 0, run.err
    assert [(order["symbol"], order["status"]) for order in run.json["executed"]] == [
        ("AAA", "filled"), ("BBB", "filled"),
    ]  # fmt: skip
    assert not (work / "data" / "ledger.db").exists()
    status = momentum("status", "-C", work, "--data", data, "--json")
    assert status.code == 0, status.err
    explained = momentum("explain", "AAA", "-C", work, "--data", data)
    assert explained.code == 0 and "AAA" in explained.out, explained.err
    with shared.open() as ledger:
        assert sorted(trade.symbol for trade in ledger.trades()) == ["AAA", "BBB"]


def test_a_change_while_running_is_kept_on_the_server(shared: Place) -> None:
    work = work_on(shared)
    assert momentum("set", "threshold", "4", "-C", work).code == 0
    (change,) = momentum("settings", "--changes", "-C", work, "--json").json
    assert (change["key"], change["new"]) == ("monitor.auto_close_threshold", 4)
    threshold = momentum("settings", "threshold", "-C", work, "--json").json
    assert [row["value"] for row in threshold.values()] == [4]


def test_of_two_scans_started_together_in_two_workspaces_one_runs_and_one_exits_3(
    shared: Place, data: Path
) -> None:
    here, there = work_on(shared, "here"), work_on(shared, "there")
    slow = here / "slow.py"
    slow.write_text(
        "import sys, momentum\n\n"
        "@momentum.hookimpl\n"
        "def momentum_decide(situation):\n    sys.stdin.readline()\n    return None\n"
    )
    words = ["scan", "-C", str(here), "--data", str(data), *AT, "--set", "plugins.decide=[./slow.py, rules]"]
    first = subprocess.Popen([*COMMAND, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert first.stdout is not None
    while "[4/5]" not in first.stdout.readline():
        pass
    second = momentum("scan", "-C", there, "--data", data, *AT)
    assert second.code == 3, second.err
    assert "is being traded by `momentum on " in second.err and f"({first.pid})`" in second.err
    first.communicate("\n", timeout=120)
    assert first.returncode == 0
    assert momentum("scan", "-C", there, "--data", data, *AT).code == 0
    with shared.open() as ledger:
        assert [scan.status for scan in ledger.scans()] == ["finished", "finished"]


def test_a_server_that_is_down_stops_every_command_with_one_line_without_the_password(tmp_path: Path) -> None:
    work = workspace(tmp_path / "work")
    address = "postgresql://trader:s3cret@127.0.0.1:1/momentum"
    edit(work / "momentum.yaml", "ledger: sqlite:///data/ledger.db", f"ledger: {address}")
    for words in (("status",), ("scan",), ("set", "threshold", "4"), ("settings", "--changes")):
        run = momentum(*words, "-C", work)
        assert run.code == 1, words
        assert "postgresql://trader@127.0.0.1:1/momentum: the server cannot be reached" in run.err
        assert "s3cret" not in run.out + run.err and "Traceback" not in run.err


def test_settings_do_not_show_the_password(shared: Place) -> None:
    work = workspace(shared.directory / "work")
    secret = shared.url.replace("postgres@", "postgres:s3cret@").replace("postgres:@", "postgres:s3cret@")
    edit(work / "momentum.yaml", "ledger: sqlite:///data/ledger.db", f"ledger: {secret}")
    for words in (("settings",), ("settings", "ledger"), ("settings", "--json"), ("check",)):
        run = momentum(*words, "-C", work)
        assert run.code == 0, run.err
        assert "s3cret" not in run.out + run.err
        assert words == ("check",) or "postgres:***@" in run.out


def test_an_address_that_cannot_be_read_is_a_finding_of_check(tmp_path: Path) -> None:
    work = workspace(tmp_path / "work")
    edit(
        work / "momentum.yaml", "ledger: sqlite:///data/ledger.db", "ledger: postgresql://trader:s3c@ret@host"
    )
    run = momentum("check", "-C", work)
    assert run.code == 2
    assert "momentum.yaml: ledger: the PostgreSQL address of `ledger:` cannot be read" in run.err
    assert "s3c" not in run.err and "ret@" not in run.err

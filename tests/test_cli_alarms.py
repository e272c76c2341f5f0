"""What must be mended is shown by every command, once, and never on stdout of a document; signals end in order."""

from __future__ import annotations

import signal
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from momentum.ledger.store import open_ledger
from workspace_builders import COMMAND, breaks_out, market_file, momentum, sessions, workspace

TEXT = "CRITICAL: Position MU has NO trailing stop protection!"
DAY = 40
AT = ("--at", sessions()[DAY].isoformat())


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return workspace(tmp_path / "work")


def raise_alarm(work: Path, account: str = "paper:sample", ledger: str = "ledger.db") -> None:
    with open_ledger(f"sqlite:///{work / 'data' / ledger}") as book:
        book.raise_alarm(account, "stop.missing", "MU", TEXT, datetime(2026, 11, 24, 15, tzinfo=UTC))


@pytest.mark.parametrize(
    "words",
    [
        ("settings",),
        ("settings", "--json"),
        ("set", "threshold", "4"),
        ("unset", "threshold"),
        ("check",),
        ("plugins",),
        ("schema",),
        ("halt",),
        ("resume",),
        ("positions", "--json"),
        ("status", "--json"),
        ("explain", "MU"),
        ("data", "check", "--json"),
    ],
    ids=" ".join,
)
def test_every_command_ends_with_the_standing_alarms_on_stderr(work: Path, words: tuple[str, ...]) -> None:
    assert TEXT not in momentum(*words, "-C", work).err
    raise_alarm(work)
    run = momentum(*words, "-C", work)
    assert run.err.count(TEXT) == 1
    assert f"paper:sample: {TEXT}\n" in run.err
    assert "\x1b[" not in run.err, "no colour in a pipe"
    if "--json" in words:
        assert run.json is not None


@pytest.mark.parametrize("words", [("status",), ("positions",)], ids=" ".join)
def test_what_a_command_shows_itself_it_does_not_show_twice(work: Path, words: tuple[str, ...]) -> None:
    raise_alarm(work)
    run = momentum(*words, "-C", work)
    assert (run.out + run.err).count(TEXT) == 1


def test_the_alarms_of_the_ledger_in_use_are_shown_and_of_no_other(work: Path) -> None:
    raise_alarm(work, ledger="other.db")
    other = ("--set", "ledger=sqlite:///data/other.db")
    assert TEXT not in momentum("halt", "-C", work).err
    assert TEXT in momentum("halt", "-C", work, *other).err
    assert TEXT in momentum("settings", "-C", work, *other).err


def test_an_alarm_of_another_account_is_shown_with_its_name(work: Path) -> None:
    raise_alarm(work, account="paper:files")
    run = momentum("status", "-C", work)
    assert "no alarms" in run.out
    assert f"paper:files: {TEXT}" in run.err


def test_broken_settings_do_not_hide_an_alarm(work: Path) -> None:
    raise_alarm(work)
    (work / "momentum.yaml").write_text("limits: {max_exposure: 900%}\n")
    run = momentum("status", "-C", work)
    assert (run.code, TEXT in run.err) == (2, True)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 1)], ids=str
)
def test_a_signal_during_execution_leaves_a_protected_position(
    work: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    data = market_file(tmp_path, breaks_out("AAA", DAY))
    (work / "mine.py").write_text(
        "import sys, time, momentum\n\n@momentum.hookimpl\ndef momentum_execute(plan, desk):\n"
        "    desk.buy(plan.buys[0])\n    print('BOUGHT', file=sys.stderr, flush=True)\n    time.sleep(60)\n"
    )
    words = ["scan", "-C", str(work), "--data", str(data), *AT, "--set", "plugins.execute=[./mine.py]"]
    scan = subprocess.Popen([*COMMAND, *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert scan.stderr is not None
    while "BOUGHT" not in scan.stderr.readline():
        assert scan.poll() is None
    scan.send_signal(number)
    rest = scan.stderr.read()
    assert scan.wait(timeout=60) == code, rest
    assert "stopped" in rest
    (position,) = momentum("positions", "-C", work, "--data", data, "--json").json
    assert position["stop_qty"] == position["qty"] > 0

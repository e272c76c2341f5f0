"""Commands that run at once, in real processes: who waits, who leaves, and what a halt stops."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import pytest

from workspace_builders import COMMAND, breaks_out, market_file, momentum, sessions, workspace

DAY = 40
AT = ("--at", sessions()[DAY].isoformat())
_PATIENT = """
import sys, time
from pathlib import Path

import momentum

GO = Path(__file__).with_name("go")


@momentum.hookimpl
def momentum_execute(plan, desk):
    desk.buy(plan.buys[0])
    print("BOUGHT ONE", file=sys.stderr, flush=True)
    while not GO.exists():
        time.sleep(0.02)
    return [desk.buy(order) for order in plan.buys[1:]]
"""


@pytest.fixture
def house(tmp_path: Path) -> tuple[str | Path, ...]:
    work = workspace(tmp_path / "work")
    (work / "patient.py").write_text(_PATIENT)
    return ("-C", work, "--data", market_file(tmp_path, breaks_out("AAA", DAY), breaks_out("BBB", DAY)))


def start(*words: str | Path) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    return subprocess.Popen([*COMMAND, *map(str, words)], stdout=pipe, stderr=pipe, text=True)


def wait_for(process: subprocess.Popen[str], text: str) -> str:
    """Read its stderr up to the line that holds a text, and return that line."""
    assert process.stderr is not None
    for line in process.stderr:
        if text in line:
            return line
    raise AssertionError(f"it ended with {process.wait()} and never said {text!r}")


def scan_that_waits(words: tuple[str | Path, ...]) -> subprocess.Popen[str]:
    """A scan that bought AAA and waits with BBB for a file `go`."""
    scan = start("scan", *words, *AT, "--json", "--set", "plugins.execute=[./patient.py]")
    wait_for(scan, "BOUGHT ONE")
    return scan


def let_go(words: tuple[str | Path, ...]) -> None:
    (Path(words[1]) / "go").touch()


def test_a_close_waits_for_a_scan_and_says_for_whom(house: tuple[str | Path, ...]) -> None:
    scan = scan_that_waits(house)
    close = start("close", "AAA", *house, *AT)
    line = wait_for(close, "waiting: ")
    assert f"process {scan.pid}" in line
    assert " scan " in line
    assert close.poll() is None
    let_go(house)
    scan.communicate(timeout=60)
    out, err = close.communicate(timeout=60)
    assert (scan.returncode, close.returncode) == (0, 0), err
    assert "sold " in out
    assert [p["symbol"] for p in momentum("positions", *house, "--json").json] == ["BBB"]


def test_ctrl_c_leaves_the_waiting_and_nothing_else(house: tuple[str | Path, ...]) -> None:
    scan = scan_that_waits(house)
    close = start("flatten", *house, *AT, "--yes")
    wait_for(close, "waiting: ")
    close.send_signal(signal.SIGINT)
    _, err = close.communicate(timeout=60)
    assert (close.returncode, "stopped" in err) == (1, True)
    let_go(house)
    scan.communicate(timeout=60)
    assert scan.returncode == 0
    assert len(momentum("positions", *house, "--json").json) == 2


def test_a_halt_while_a_scan_is_buying_stops_its_next_buy(house: tuple[str | Path, ...]) -> None:
    scan = scan_that_waits(house)
    halt = momentum("halt", "-C", house[1], "enough")
    assert halt.code == 0, halt.err
    let_go(house)
    out, err = scan.communicate(timeout=60)
    assert scan.returncode == 0, err
    first, second = json.loads(out)["executed"]
    assert (first["status"], second["status"]) == ("filled", "refused")
    assert "halted" in second["text"].lower()
    assert "enough" in second["text"]
    (position,) = momentum("positions", *house, "--json").json
    assert position["stop_qty"] == position["qty"] > 0


def test_closes_that_start_together_sell_once(house: tuple[str | Path, ...]) -> None:
    assert momentum("scan", *house, *AT).code == 0
    closes = [start("close", "AAA", *house, *AT) for _ in range(3)]
    outs = [close.communicate(timeout=120)[0] for close in closes]
    assert [close.returncode for close in closes] == [0, 0, 0]
    assert sum("sold " in out for out in outs) == 1
    assert sum("nothing to do" in out for out in outs) == 2

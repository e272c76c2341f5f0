"""What a scan does when something in it fails: nothing stays naked, nothing is lost, everything is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from workspace_builders import breaks_out, market_file, momentum, sessions, workspace

DAY = 40
HOOK = "import momentum\n\n@momentum.hookimpl\n"
AT = ("--at", sessions()[DAY].isoformat())


@pytest.fixture
def house(tmp_path: Path) -> tuple[Path, Path]:
    data = market_file(tmp_path, breaks_out("AAA", DAY), breaks_out("BBB", DAY))
    return workspace(tmp_path / "work"), data


def plugin(work: Path, body: str) -> None:
    (work / "mine.py").write_text(HOOK + body)


def test_an_executor_that_fails_after_buying_leaves_a_protected_position(house: tuple[Path, Path]) -> None:
    work, data = house
    plugin(work, "def momentum_execute(plan, desk):\n    desk.buy(plan.buys[0])\n    raise SystemExit(3)\n")
    run = momentum(
        "scan", "-C", work, "--data", data, *AT, "--json", "--set", "plugins.execute=[./mine.py, market]"
    )
    assert run.code == 0, run.err
    assert [(e["symbol"], e["status"]) for e in run.json["executed"]] == [
        ("AAA", "filled"),
        ("BBB", "dropped"),
    ]
    (position,) = run.json["portfolio"]["positions"]
    assert position["stop_qty"] == position["qty"]
    assert any("mine failed in momentum_execute" in note for note in run.json["scan"]["notes"])


def test_ctrl_c_after_buying_leaves_a_protected_position_and_a_failed_scan(house: tuple[Path, Path]) -> None:
    work, data = house
    plugin(
        work, "def momentum_execute(plan, desk):\n    desk.buy(plan.buys[0])\n    raise KeyboardInterrupt\n"
    )
    run = momentum("scan", "-C", work, "--data", data, *AT, "--set", "plugins.execute=[./mine.py]")
    assert run.code == 1
    (position,) = momentum("positions", "-C", work, "--data", data, "--json").json
    assert position["stop_qty"] == position["qty"]
    explained = momentum("explain", "AAA", "-C", work, "--data", data, "--scan", f"{AT[1]}-close-all-1")
    assert (explained.code, "failed before its end" in explained.err) == (2, True)


def test_a_decision_of_the_wrong_shape_is_passed_over_by_name(house: tuple[Path, Path]) -> None:
    work, data = house
    plugin(work, "def momentum_decide(situation):\n    return momentum.Decision(candidate_actions=None)\n")
    run = momentum(
        "scan", "-C", work, "--data", data, *AT, "--json", "--set", "plugins.decide=[./mine.py, rules]"
    )
    assert run.code == 0, run.err
    assert run.json["decision"]["decider"] == "rules"
    (note,) = [note for note in run.json["scan"]["notes"] if "returned a Decision" in note]
    assert note.startswith("plugin mine (mine.py:")
    assert "whose candidate_actions are not a list" in note


@pytest.mark.parametrize(
    "body",
    ["raise ValueError('no')", "return 7", "return [('loud', 'SUM(close) > 1')]", "import sys; sys.exit(1)"],
)
def test_a_failing_signal_means_no_buys_and_is_named(house: tuple[Path, Path], body: str) -> None:
    work, data = house
    plugin(work, f"def momentum_filter(strategy):\n    {body}\n")
    words = ("--set", "plugins.signals=[rules, momentum, ta, ./mine.py]")
    run = momentum("scan", "-C", work, "--data", data, *AT, "--json", *words)
    assert run.code == 0, run.err
    assert run.json["executed"] == []
    assert any("mine" in note for note in run.json["scan"]["notes"])


def test_a_failing_notifier_keeps_its_events_and_is_named(house: tuple[Path, Path]) -> None:
    work, data = house
    plugin(work, "def momentum_notify(event):\n    raise OSError('line is busy')\n")
    run = momentum("scan", "-C", work, "--data", data, *AT, "--set", "plugins.notify=[./mine.py, console]")
    assert run.code == 0
    assert "line is busy" in run.err
    plugin(work, "def momentum_notify(event):\n    print('HEARD', event.kind)\n")
    again = momentum("scan", "-C", work, "--data", data, *AT, "--set", "plugins.notify=[./mine.py]")
    assert again.out.count("HEARD scan.finished") == 2


def test_a_hanging_decider_is_left_behind_and_the_next_is_asked(house: tuple[Path, Path]) -> None:
    work, data = house
    plugin(work, "def momentum_decide(situation):\n    import time\n    time.sleep(600)\n")
    words = ("--set", "plugins.decide=[./mine.py, rules]", "--set", "timeouts.decide=1s")
    run = momentum("scan", "-C", work, "--data", data, *AT, "--json", *words)
    assert run.code == 0, run.err
    assert run.json["decision"]["decider"] == "rules"
    assert any("did not return from momentum_decide within 1 s" in note for note in run.json["scan"]["notes"])


def test_stdout_holds_the_document_alone_whatever_a_plugin_prints(house: tuple[Path, Path]) -> None:
    work, data = house
    plugin(work, "def momentum_filter(strategy):\n    print('look at me')\n    return []\n")
    words = ("--set", "plugins.signals=[rules, momentum, ta, ./mine.py]")
    run = momentum("scan", "-C", work, "--data", data, *AT, "--json", *words)
    assert run.json["scan"]["id"]
    assert "look at me" in run.err


def test_a_secret_never_reaches_an_error(house: tuple[Path, Path]) -> None:
    work, data = house
    (work / ".env").write_text("SOME_API_KEY=supersecret123\n")
    plugin(work, "def momentum_decide(situation):\n    raise ValueError('401 for key supersecret123')\n")
    run = momentum(
        "scan", "-C", work, "--data", data, *AT, "--json", "--set", "plugins.decide=[./mine.py, rules]"
    )
    assert run.code == 0
    assert "supersecret123" not in run.out + run.err
    assert "401 for key ***" in run.out


def test_a_real_broker_gets_no_orders_of_another_time(house: tuple[Path, Path]) -> None:
    work, data = house
    (work / "other.py").write_text(
        "import momentum\nimport momentum_plugins.paper\n\n"
        "class Real:\n"
        "    def __init__(self, inner):\n        self._inner = inner\n        self.account_id = 'real:1'\n"
        "    def moment(self):\n        from datetime import datetime, timezone\n"
        "        return datetime.now(timezone.utc)\n"
        "    def __getattr__(self, name):\n"
        "        if name == 'reset':\n            raise AttributeError(name)\n"
        "        return getattr(self._inner, name)\n\n"
        "@momentum.hookimpl\ndef momentum_broker(workspace):\n"
        "    return Real(momentum_plugins.paper.momentum_broker(workspace))\n"
    )
    run = momentum("scan", "-C", work, "--data", data, *AT, "--json", "--set", "plugins.broker=./other.py")
    assert run.code == 0, run.err
    assert run.json["scan"]["dry_run"] is True
    assert any("not the broker's" in note for note in run.json["scan"]["notes"])
    assert {e["status"] for e in run.json["executed"]} == {"planned"}


def test_after_a_reset_the_first_scan_is_told_again(house: tuple[Path, Path]) -> None:
    work, data = house
    first = momentum("scan", "-C", work, "--data", data, *AT)
    assert momentum("paper", "reset", "-C", work, "--data", data).code == 0
    second = momentum("scan", "-C", work, "--data", data, *AT)
    assert "scan" in first.err
    assert first.err == second.err


def test_dry_runs_beside_a_scan_never_take_its_id(house: tuple[Path, Path]) -> None:
    from concurrent.futures import ThreadPoolExecutor

    work, data = house
    momentum("scan", "-C", work, "--data", data, *AT, "--dry-run")
    with ThreadPoolExecutor(4) as pool:
        runs = list(
            pool.map(
                lambda dry: momentum("scan", "-C", work, "--data", data, *AT, *dry),
                [(), *[("--dry-run",)] * 3],
            )
        )
    assert [run.code for run in runs] == [0] * 4, [run.err for run in runs]

"""`momentum status --fix`, and sales by hand that a broker refuses: what stands is said, and what helps."""

from __future__ import annotations

from pathlib import Path

import pytest

from broker_builders import refuse, somebody_elses, stubborn
from workspace_builders import breaks_out, market_file, momentum, sessions, workspace

DAY = 40
AT = ("--at", sessions()[DAY].isoformat())
ONCE = ("--set", "stops.attempts=1")


@pytest.fixture
def house(tmp_path: Path) -> tuple[str | Path, ...]:
    work = workspace(tmp_path / "work")
    data = market_file(tmp_path, breaks_out("AAA", DAY), breaks_out("BBB", DAY))
    return ("-C", work, "--data", data, *stubborn(work), *ONCE)


def bought(words: tuple[str | Path, ...], *refused: str) -> Path:
    """The workspace once a scan bought, with those order types refused while it did."""
    refuse(Path(words[1]), *refused)
    assert momentum("scan", *words, *AT).code == 0
    return Path(words[1])


def covers(words: tuple[str | Path, ...]) -> dict[str, bool]:
    found = momentum("positions", *words, "--json").json
    return {position["symbol"]: position["stop_qty"] == position["qty"] > 0 for position in found}


def test_fix_places_the_stops_that_were_refused_and_clears_the_alarms(house: tuple[str | Path, ...]) -> None:
    work = bought(house, "trailing_stop", "stop")
    assert covers(house) == {"AAA": False}, "and nothing more is bought while it is bare"
    shown = momentum("status", *house)
    assert shown.code == 0
    assert "AAA has NO trailing stop" in shown.out
    assert "AAA has NO trailing stop" in momentum("settings", *house).err
    refuse(work)
    fixed = momentum("status", *house, "--fix", *AT)
    assert fixed.code == 0, fixed.out + fixed.err
    assert "AAA: a stop was placed over" in fixed.out
    assert "AAA: its alarm is cleared" in fixed.out
    assert "no alarms" in fixed.out
    assert covers(house) == {"AAA": True}
    again = momentum("status", *house, "--fix", *AT)
    assert (again.code, "nothing to mend" in again.out) == (0, True)


def test_fix_exits_1_while_something_stands(house: tuple[str | Path, ...]) -> None:
    bought(house, "trailing_stop", "stop")
    run = momentum("status", *house, "--fix", *AT)
    assert run.code == 1
    assert "AAA: NOT protected" in run.out
    assert "not today" in run.out
    document = momentum("status", *house, "--fix", *AT, "--json")
    assert document.code == 1
    assert [alarm["symbol"] for alarm in document.json["alarms"]] == ["AAA"]
    assert document.json["fixed"]["cleared"] == []


def test_plain_status_writes_no_order(house: tuple[str | Path, ...]) -> None:
    work = bought(house, "trailing_stop", "stop")
    refuse(work)
    momentum("status", *house)
    momentum("positions", *house)
    assert covers(house) == {"AAA": False}


def test_a_moment_needs_fix(house: tuple[str | Path, ...]) -> None:
    run = momentum("status", *house, *AT)
    assert (run.code, "--at goes with --fix" in run.err) == (2, True)


def test_a_close_that_the_broker_refuses_exits_1_and_restores_the_stop(
    house: tuple[str | Path, ...],
) -> None:
    work = bought(house)
    refuse(work, "market")
    run = momentum("close", "AAA", *house, *AT)
    assert run.code == 1
    (line,) = [line for line in run.out.splitlines() if "NOT sold" in line]
    assert "AAA is NOT sold: refused: other: not today" in line
    assert "shares are held, a stop over" in line
    assert "`momentum close AAA` tries again" in line
    assert covers(house) == {"AAA": True, "BBB": True}


def test_a_flatten_that_fails_in_part_says_what_is_left(house: tuple[str | Path, ...]) -> None:
    work = bought(house)
    refuse(work, "market")
    run = momentum("flatten", *house, *AT, "--yes", "--json")
    assert run.code == 1
    assert run.json["left"] == ["AAA", "BBB"]
    assert all(position["stop_qty"] == position["qty"] for position in run.json["portfolio"]["positions"])
    assert "left: AAA, BBB" in momentum("flatten", *house, *AT, "--yes").out


def test_a_close_whose_stop_cannot_be_restored_shouts(house: tuple[str | Path, ...]) -> None:
    work = bought(house)
    refuse(work, "market", "trailing_stop", "stop")
    run = momentum("close", "AAA", *house, *AT)
    assert run.code == 1
    assert "WITHOUT a stop" in run.out
    assert "AAA has NO trailing stop" in run.err


def test_somebody_elses_account_gets_no_sale_of_another_time(house: tuple[str | Path, ...]) -> None:
    work = bought(house)
    real = (*house, *somebody_elses(work))
    run = momentum("close", "AAA", *real, *AT)
    assert run.code == 1
    assert "a dry run, because that moment is not the broker's" in run.out
    assert "[DRY RUN] Would sell" in run.out
    assert momentum("status", *real, "--fix", *AT).code == 2
    now = momentum("close", "AAA", *real)
    assert (now.code, "AAA is NOT sold" in now.out) == (1, True)
    assert covers(house) == {"AAA": True, "BBB": True}

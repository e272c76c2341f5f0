"""The paper account's faults as a person turns them on, and what the commands say of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from workspace_builders import Run, breaks_out, market_file, momentum, sessions, workspace

DAY = 40


@pytest.fixture
def house(tmp_path: Path) -> tuple[Path, Path]:
    """A workspace, and a market in which one symbol breaks out."""
    return workspace(tmp_path / "work"), market_file(tmp_path, breaks_out("AAA", DAY))


def scan(house: tuple[Path, Path], *sets: str, number: int = DAY) -> Run:
    work, data = house
    more = [word for one in sets for word in ("--set", f"paper.{one}")]
    return momentum("scan", "-C", work, "--data", data, "--at", sessions()[number].isoformat(), *more)


def test_the_faults_are_off_and_shown_with_their_meaning(tmp_path: Path) -> None:
    work = workspace(tmp_path / "work")
    shown = json.loads(momentum("settings", "paper.faults", "-C", work, "--json").out)
    assert {row["origin"] for row in shown.values()} == {"default"}
    assert not any(row["value"] for row in shown.values())
    one = momentum("settings", "paper.faults.refused", "-C", work).out
    assert "from 0% to 100% or off" in one
    assert "Chance that an order is refused" in one


def test_a_wrong_name_and_an_impossible_chance_are_told(tmp_path: Path) -> None:
    work = workspace(tmp_path / "work")
    wrong = momentum("check", "-C", work, "--set", "paper.faults.refusd=1%")
    assert (wrong.code, "did you mean 'refused'?" in wrong.err) == (2, True)
    assert "over 100%" in momentum("check", "-C", work, "--set", "paper.faults.refused=101%").err


def test_refused_orders_are_told_with_the_reason_and_that_it_is_a_fault_asked_for(
    house: tuple[Path, Path],
) -> None:
    run = scan(house, "faults.refused=100%")
    assert run.code == 0
    assert "buy AAA refused: " in run.out
    assert "(paper.faults)" in run.out


def test_a_broker_that_does_not_answer_ends_the_scan_as_unreachable(house: tuple[Path, Path]) -> None:
    run = scan(house, "faults.unreachable=100%")
    assert run.code == 4
    assert "the broker does not answer (paper.faults.unreachable)" in run.err


def test_what_one_command_left_on_its_way_the_next_one_finds(house: tuple[Path, Path]) -> None:
    assert scan(house, "faults.lost_replies=100%", "faults.late_requests=100%").code == 0
    later = scan(house, number=DAY + 1)
    assert later.code == 0
    work, data = house
    (position,) = json.loads(momentum("positions", "-C", work, "--data", data, "--json").out)
    assert position["symbol"] == "AAA"
    assert position["stop_qty"] == position["qty"] > 0

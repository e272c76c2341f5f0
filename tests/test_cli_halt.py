"""`momentum halt` and `resume`: they work whatever else is broken or busy, and each twice is once."""

from __future__ import annotations

import errno
import os
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from momentum.halt import halt, halted
from momentum.ledger.lock import account_lock
from workspace_builders import breaks_out, market_file, momentum, sessions, workspace

DAY = 40
AT = ("--at", sessions()[DAY].isoformat())


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return workspace(tmp_path / "work")


def test_a_halt_stands_with_its_moment_and_reason_until_resumed(work: Path) -> None:
    first = momentum("halt", "-C", work, "the", "market", "is wild")
    assert (first.code, "HALTED, no buys: since 20" in first.out) == (0, True)
    again = momentum("halt", "-C", work, "another reason")
    assert (again.code, again.out.startswith("halted already, no buys: since 20")) == (0, True)
    assert "the market is wild" in again.out
    assert "another reason" not in again.out
    assert "the market is wild" in momentum("resume", "-C", work).out
    twice = momentum("resume", "-C", work)
    assert (twice.code, twice.out) == (0, "trading is not halted; nothing to do\n")


def test_a_halted_scan_says_so_at_its_top_and_buys_nothing(work: Path, tmp_path: Path) -> None:
    data = market_file(tmp_path, breaks_out("AAA", DAY))
    momentum("halt", "-C", work, "holiday")
    scan = momentum("scan", "-C", work, "--data", data, *AT)
    assert scan.code == 0, scan.err
    top = scan.out.partition("[1/5]")[0]
    assert "HALTED since 20" in top
    assert "holiday; nothing is bought until `momentum resume`" in top
    assert "refused: buy AAA: HALTED, no buys: since 20" in scan.out.partition("[4/5]")[2]
    assert momentum("positions", "-C", work, "--data", data, "--json").json == []
    assert "HALTED, no buys: since 20" in momentum("status", "-C", work, "--data", data).out
    assert "holiday" in momentum("status", "-C", work, "--data", data, "--json").json["halted"]
    momentum("resume", "-C", work)
    assert "HALTED" not in momentum("scan", "-C", work, "--data", data, *AT).out
    assert len(momentum("positions", "-C", work, "--data", data, "--json").json) == 1


@pytest.mark.parametrize("text", ["limits: {max_exposure: 900%}\n", "a: [\n", "mode: \x00\n", ""])
def test_broken_settings_keep_nobody_from_halting(work: Path, text: str) -> None:
    (work / "momentum.yaml").write_text(text)
    assert momentum("halt", "-C", work).code == 0
    assert (work / "data" / "halt").exists()
    assert momentum("resume", "-C", work).code == 0
    assert not (work / "data" / "halt").exists()


def test_a_held_lock_and_a_busy_ledger_keep_nobody_from_halting(work: Path) -> None:
    assert momentum("status", "-C", work).code == 0  # makes the ledger
    busy = sqlite3.connect(work / "data" / "ledger.db", isolation_level=None)
    busy.execute("BEGIN EXCLUSIVE")
    with account_lock(work / "data", "paper:sample"):
        assert momentum("halt", "-C", work).code == 0
        assert momentum("resume", "-C", work).code == 0
    busy.close()


def test_a_ledger_that_cannot_be_read_keeps_nobody_from_halting_and_is_told(work: Path) -> None:
    (work / "data" / "ledger.db").write_text("this is no database" * 100)
    run = momentum("halt", "-C", work)
    assert (run.code, "whether alarms stand is not known" in run.err) == (0, True)
    assert (work / "data" / "halt").exists()
    assert momentum("resume", "-C", work).code == 0


def test_only_a_workspace_is_halted(tmp_path: Path) -> None:
    run = momentum("halt", "-C", tmp_path)
    assert (run.code, "is no workspace" in run.err) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_a_halt_that_cannot_be_written_says_that_nothing_is_halted(work: Path) -> None:
    data = work / "data"
    data.rename(work / "elsewhere")
    data.write_text("a file is in the way")
    run = momentum("halt", "-C", work)
    assert (run.code, "trading is NOT halted" in run.err) == (1, True)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_directory_that_may_not_be_written_says_that_nothing_is_halted(work: Path) -> None:
    (work / "data").chmod(0o555)
    run = momentum("halt", "-C", work)
    (work / "data").chmod(0o755)
    assert (run.code, "trading is NOT halted" in run.err) == (1, True)


def test_a_full_disk_keeps_nobody_from_halting(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is room for the name of a file, and for nothing in it."""

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    assert halt(work, "the disk is full", datetime(2026, 11, 24, 15, tzinfo=UTC))
    assert halted(work) is not None


def test_a_halt_file_made_by_hand_halts(work: Path) -> None:
    (work / "data" / "halt").write_text("stop it\n")
    assert "HALTED, no buys: stop it" in momentum("status", "-C", work).out
    (work / "data" / "halt").write_bytes(b"\xff\xfe")
    assert "cannot be read" in momentum("halt", "-C", work).out

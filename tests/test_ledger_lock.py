"""One writer at a time to an account, between threads and processes; the others are told who it is."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from momentum.errors import EXIT_LOCKED, LedgerError, LockHeldError
from momentum.ledger.lock import account_lock

HOLDER = """
import sys
from pathlib import Path
from momentum.ledger.lock import account_lock
sys.argv = ["/usr/bin/momentum", "scan", "--cap", "large"]
with account_lock(Path(sys.stdin.readline().strip()), "paper-sample"):
    print("held", flush=True)
    sys.stdin.readline()
"""


def hold(workspace: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(f"{workspace}\n")
    process.stdin.flush()
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_process_is_told_at_once_who_holds_the_account(tmp_path: Path) -> None:
    process = hold(tmp_path)
    with pytest.raises(LockHeldError) as raised, account_lock(tmp_path, "paper-sample"):
        pass
    process.communicate("\n")
    text = str(raised.value)
    assert text.startswith("account paper-sample is being traded by `momentum scan --cap large` (process ")
    assert f"process {process.pid}, since 20" in text
    assert raised.value.exit_code == EXIT_LOCKED
    with account_lock(tmp_path, "paper-sample"):
        pass


def test_the_death_of_its_process_frees_the_account(tmp_path: Path) -> None:
    process = hold(tmp_path)
    process.kill()
    process.communicate()
    with account_lock(tmp_path, "paper-sample"):
        pass


def test_who_waits_gets_the_account_when_it_is_free(tmp_path: Path) -> None:
    process = hold(tmp_path)
    threading.Timer(0.05, process.communicate, ["\n"]).start()
    with account_lock(tmp_path, "paper-sample", wait=30):
        assert process.wait(timeout=30) == 0


def test_who_waits_for_ever_gets_it_too(tmp_path: Path) -> None:
    process = hold(tmp_path)
    threading.Timer(0.05, process.communicate, ["\n"]).start()
    with account_lock(tmp_path, "paper-sample", wait=None):
        assert process.wait(timeout=30) == 0


def test_patience_ends(tmp_path: Path) -> None:
    told = pytest.raises(LockHeldError, match=f"process {os.getpid()}")
    with account_lock(tmp_path, "a"), told, account_lock(tmp_path, "a", wait=0.01):
        pass


def test_threads_of_one_process_exclude_each_other(tmp_path: Path) -> None:
    inside: list[int] = []

    def work() -> None:
        with account_lock(tmp_path, "a", wait=None):
            inside.append(1)
            assert len(inside) == 1
            inside.pop()

    threads = [threading.Thread(target=work) for _ in range(8)]
    with account_lock(tmp_path, "a"):
        for thread in threads:
            thread.start()
        assert inside == []
    for thread in threads:
        thread.join()


def test_accounts_do_not_block_each_other_however_alike_their_names(tmp_path: Path) -> None:
    with (
        account_lock(tmp_path, "paper:files:a/b"),
        account_lock(tmp_path, "paper:files:a b"),
        account_lock(tmp_path, "paper_files_a_b"),
        account_lock(tmp_path, "../../escape"),
    ):
        names = sorted(path.name for path in tmp_path.iterdir())
    assert len(names) == 4
    assert all(name.endswith(".lock") for name in names)


def test_an_error_inside_frees_the_account(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), account_lock(tmp_path, "a"):
        raise ZeroDivisionError
    with account_lock(tmp_path, "a"):
        pass


def test_a_directory_that_cannot_hold_a_lock_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file in the way")
    told = pytest.raises(LedgerError, match=r"a.lock: the account's lock cannot be made")
    with told, account_lock(tmp_path / "file", "a"):
        pass

"""One command at a time trades an account: in one workspace, and on all machines that share a server."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ledger_builders import ACCOUNT, Place, fill, request, write
from momentum.errors import EXIT_LOCKED, LedgerError, LockHeldError
from momentum.ledger.store import Ledger
from postgres_server import Server

HOLDER = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from ledger_builders import *
url, workspace = sys.argv[1:]
with open_ledger(url) as ledger, ledger.locked(Path(workspace), ACCOUNT):
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def shared(postgres: Server, tmp_path: Path) -> Iterator[Place]:
    """A database on a server, which workspaces on several machines use."""
    with postgres.database() as url:
        yield Place(url, tmp_path / "here")


def hold(place: Place, workspace: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLDER, place.url, str(workspace)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    return process


def in_a_thread(work: Callable[[], None]) -> None:
    with ThreadPoolExecutor(max_workers=1) as pool:
        pool.submit(work).result()


def test_an_account_is_held_once_and_free_again_after_an_error(place: Place, ledger: Ledger) -> None:
    with place.open() as other:
        with pytest.raises(ZeroDivisionError), ledger.locked(place.directory, ACCOUNT):
            with pytest.raises(LockHeldError), other.locked(place.directory, ACCOUNT):
                pass
            raise ZeroDivisionError
        with other.locked(place.directory, ACCOUNT):
            write(other, request("b-1"))


def test_another_workspace_with_the_same_database_is_told_who_trades(shared: Place, tmp_path: Path) -> None:
    process = hold(shared, tmp_path / "there")
    with shared.open() as ledger:
        with pytest.raises(LockHeldError) as raised, ledger.locked(shared.directory, ACCOUNT):
            pass
        text = str(raised.value)
        assert text.startswith(f"account {ACCOUNT} is being traded by `momentum on ")
        assert f"({process.pid})`" in text and ", since 20" in text and "\n" not in text
        assert raised.value.exit_code == EXIT_LOCKED
        with ledger.locked(shared.directory, "alpaca"):
            pass
        process.communicate("\n")
        with ledger.locked(shared.directory, ACCOUNT, wait=30):
            pass


def test_two_workspaces_that_keep_their_own_ledger_do_not_meet(tmp_path: Path) -> None:
    places = [
        Place(f"sqlite:///{tmp_path / name / 'ledger.db'}", tmp_path / name) for name in ("here", "there")
    ]
    for place in places:
        place.directory.mkdir()
    with (
        places[0].open() as here,
        places[1].open() as there,
        here.locked(places[0].directory, ACCOUNT),
        there.locked(places[1].directory, ACCOUNT),
    ):
        write(here, request("b-1"))


def test_the_death_of_its_process_frees_the_account(shared: Place, tmp_path: Path) -> None:
    process = hold(shared, tmp_path / "there")
    process.kill()
    process.communicate()
    with shared.open() as ledger, ledger.locked(shared.directory, ACCOUNT, wait=30):
        pass


def test_who_waits_for_ever_gets_the_account_when_it_is_free(shared: Place, tmp_path: Path) -> None:
    process = hold(shared, tmp_path / "there")
    threading.Timer(0.05, process.communicate, ["\n"]).start()
    with shared.open() as ledger, ledger.locked(shared.directory, ACCOUNT, wait=None):
        assert process.wait(timeout=30) == 0


def test_who_lost_the_account_with_the_connection_writes_no_more(shared: Place, postgres: Server) -> None:
    def from_another_thread() -> None:
        with pytest.raises(LedgerError, match="was lost, and another machine may trade it now"):
            write(ledger, request("b-3"))
        ledger.close()

    with shared.open() as ledger, shared.open() as other:
        with ledger.locked(shared.directory, ACCOUNT):
            write(ledger, request("b-1"))
            postgres.kill_connections(shared.url)
            with pytest.raises(LedgerError, match="lost"):
                write(ledger, request("b-2"))
            for _ in range(2):
                with pytest.raises(LedgerError, match="nothing more is written, start again"):
                    write(ledger, request("b-2"))
            in_a_thread(from_another_thread)
            with pytest.raises(LedgerError, match="lost"):
                other.trades()
            with other.locked(shared.directory.parent / "there", ACCOUNT):
                assert [intent.client_id for intent in other.intents()] == ["b-1"]
        write(ledger, request("b-4"))


def test_other_threads_write_while_the_account_is_held(place: Place, ledger: Ledger) -> None:
    def work() -> None:
        ledger.record_fill(ACCOUNT, fill("f1", "b-1", 1, 10.0))
        ledger.close()

    with ledger.locked(place.directory, ACCOUNT):
        in_a_thread(work)
    assert len(ledger.fills()) == 1

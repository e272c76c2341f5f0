"""Several processes write one ledger, and any of them may be killed at any moment."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ledger_builders import ACCOUNT, NOW, Place, fill, request, scan_info, write
from momentum.errors import LedgerError
from momentum.ledger.store import Ledger
from momentum.model.decision import ScanInfo

PRELUDE = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parent)!r})
from ledger_builders import *
place, name = Place(sys.argv[1], Path()), sys.argv[2]
"""


def start(place: Place, code: str, name: str = "w") -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PRELUDE + code, place.url, name]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def read_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


WRITER = """
print("ready", flush=True)
sys.stdin.readline()
with place.open() as ledger:
    for number in range(40):
        write(ledger, request(f"{name}-{number}"))
        ledger.record_fill(ACCOUNT, fill(f"{name}-{number}", f"{name}-{number}", 1, 10.0))
"""


def test_processes_that_write_at_once_lose_nothing(empty_place: Place) -> None:
    """They also make the ledger at once: it does not exist before."""
    writers = [start(empty_place, WRITER, name) for name in ("a", "b", "c")]
    assert [read_line(writer) for writer in writers] == ["ready"] * 3
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0, 0]
    for writer in writers:
        writer.communicate()
    with empty_place.open() as ledger:
        assert len(ledger.intents(account=ACCOUNT)) == 120
        assert [trade.quantity for trade in ledger.open_trades(ACCOUNT)] == [120]


def test_scans_that_begin_at_once_get_ids_of_their_own(place: Place) -> None:
    code = """
print("ready", flush=True)
sys.stdin.readline()
with place.open() as ledger:
    for number in range(5):
        print(ledger.begin_scan(scan_info(), ACCOUNT, NOW).id)
"""
    scanners = [start(place, code) for _ in range(3)]
    assert [read_line(scanner) for scanner in scanners] == ["ready"] * 3
    for scanner in scanners:
        assert scanner.stdin is not None
        scanner.stdin.write("go\n")
        scanner.stdin.flush()
    ids = [id for scanner in scanners for id in scanner.communicate(timeout=60)[0].split()]
    assert sorted(ids) == sorted(f"2026-11-24-close-all-{number}" for number in range(1, 16))


def test_nobody_else_can_begin_a_scan_between_its_id_and_its_record(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    with place.open() as ledger, Ledger(place.database(busy_seconds=0.01)) as other:
        find = ledger._next_id

        def interrupted(info: ScanInfo) -> str:
            found = find(info)
            with pytest.raises(LedgerError, match="another process has been writing"):
                other.begin_scan(info, ACCOUNT, NOW)
            return found

        monkeypatch.setattr(ledger, "_next_id", interrupted)
        assert ledger.begin_scan(scan_info(), ACCOUNT, NOW).id == "2026-11-24-close-all-1"
        assert other.begin_scan(scan_info(), ACCOUNT, NOW).id == "2026-11-24-close-all-2"


def test_a_process_killed_inside_a_transaction_leaves_nothing_of_it(place: Place) -> None:
    code = """
ledger = place.open()
write(ledger, request("before"))
with ledger.transaction():
    ledger.record_fill(ACCOUNT, fill("f1", "before", 100, 10.0))
    print("inside", flush=True)
    sys.stdin.readline()
"""
    process = start(place, code)
    assert read_line(process) == "inside"
    process.kill()
    process.communicate()
    with place.open() as ledger:
        assert [intent.status for intent in ledger.open_intents(ACCOUNT)] == ["intended"]
        assert ledger.fills() == () and ledger.trades() == ()
        assert ledger.record_fill(ACCOUNT, fill("f1", "before", 100, 10.0))


def test_an_intent_survives_the_process_that_wrote_it(place: Place) -> None:
    process = start(
        place,
        'ledger = place.open()\nwrite(ledger, request("b-1"))\nprint("w", flush=True)\nsys.stdin.readline()',
    )
    assert read_line(process) == "w"
    process.kill()
    process.communicate()
    with place.open() as ledger:
        assert ledger.intent("b-1") is not None


def test_readers_read_while_another_process_writes(place: Place) -> None:
    with place.open() as ledger:
        write(ledger, request("b-1"))
        code = "ledger = place.open()\nprint([i.client_id for i in ledger.open_intents(ACCOUNT)], flush=True)"
        with ledger.transaction():
            ledger.record_fill(ACCOUNT, fill("f1", "b-1", 100, 10.0))
            out, _ = start(place, code).communicate(timeout=60)
    assert out.strip() == "['b-1']"


def test_a_writer_that_waits_too_long_says_so(place: Place) -> None:
    with place.open() as ledger, ledger.transaction():
        impatient = place.database(busy_seconds=0.01)
        told = pytest.raises(LedgerError, match=r"another process has been writing for over 0.01 s")
        with told, impatient.transaction():
            pass
        impatient.close()


def test_threads_share_a_ledger(place: Place) -> None:
    with place.open() as ledger:

        def work(name: str) -> None:
            for number in range(20):
                ledger.record_fill(ACCOUNT, fill(f"{name}-{number}", "x", 1, 10.0))
            ledger.close()

        threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [trade.quantity for trade in ledger.open_trades(ACCOUNT)] == [80]

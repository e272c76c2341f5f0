"""`momentum db`, as a person types it: copies, checks, the way back from a torn ledger, an old database."""

from __future__ import annotations

import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from momentum.ledger.lock import account_lock
from momentum.ledger.migrations import NEWEST
from momentum.ledger.store import open_ledger
from postgres_server import Server
from source_builders import everything, source_database
from workspace_builders import momentum, workspace

PAGE = 4096


@pytest.fixture(scope="module")
def traded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace whose ledger holds a scan, and whose paper account what it bought."""
    made = workspace(tmp_path_factory.mktemp("traded") / "ws")
    assert momentum("scan", "--at", "2026-11-20", "-C", made).code == 0
    return made


@pytest.fixture
def ws(traded: Path, tmp_path: Path) -> Path:
    """A copy of it, to break."""
    return Path(shutil.copytree(traded, tmp_path / "ws"))


def ledger(ws: Path) -> Path:
    return ws / "data" / "ledger.db"


def open_trades(ws: Path) -> int:
    with closing(sqlite3.connect(ledger(ws))) as database:
        return int(database.execute("SELECT count(*) FROM trades WHERE status = 'open'").fetchone()[0])


def test_a_backup_says_where_it_is_and_is_a_ledger_of_its_own(ws: Path) -> None:
    run = momentum("db", "backup", "-C", ws)
    assert (run.code, run.err) == (0, "")
    assert run.out.startswith(f"{ws}/data/backups/ledger.copy.db: version {NEWEST}, 1 scan, ")
    to = momentum("-C", ws, "db", "backup", ws / "mine.db")
    assert (to.code, to.out.split(":")[0]) == (0, str(ws / "mine.db"))
    again = momentum("-C", ws, "db", "backup", ws / "mine.db")
    assert (again.code, again.err) == (
        2,
        f"{ws}/mine.db is there already; name a file that is not (nothing was copied)\n",
    )
    assert momentum("db", "verify", ws / "mine.db", "-C", ws).code == 0


def test_a_backup_that_cannot_be_written_is_one_line_and_leaves_nothing(ws: Path) -> None:
    run = momentum("db", "backup", ws / "nowhere" / "copy.db", "-C", ws)
    assert run.code == 1 and run.out == "" and run.err.count("\n") == 1
    assert "nowhere: a backup cannot be written there" in run.err
    full = _within(ws, ledger(ws).stat().st_size // 2, "db", "backup")
    assert full.returncode == 1 and full.stderr.count("\n") == 1
    assert f"{ws}/data/backups: a backup cannot be written there" in full.stderr
    assert list((ws / "data" / "backups").iterdir()) == []


def _within(ws: Path, size: int, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a process whose files may not grow beyond a size, as on a disk that is full."""
    program = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size})); "
        "from momentum.cli.main import main; main(sys.argv[1:])"
    )
    command = [sys.executable, "-c", program, *words, "-C", str(ws)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_where_there_is_no_ledger_it_is_said_and_none_is_made(tmp_path: Path) -> None:
    made = workspace(tmp_path / "ws")
    for command in ("backup", "verify"):
        run = momentum("db", command, "-C", made)
        assert (run.code, run.err) == (1, f"{ledger(made)}: there is no ledger; `momentum scan` begins one\n")
    assert not ledger(made).exists()
    assert "there is no backup" in momentum("db", "restore", "--yes", "-C", made).err


def test_migrate_says_what_it_did_or_that_nothing_was_to_be_done(ws: Path, tmp_path: Path) -> None:
    run = momentum("db", "migrate", "-C", ws)
    assert (run.code, run.out) == (
        0,
        f"{ledger(ws)}: is of version {NEWEST}, the newest; nothing was to be done\n",
    )
    new = workspace(tmp_path / "new")
    assert momentum("db", "migrate", "-C", new).out == f"{ledger(new)}: a new ledger of version {NEWEST}\n"


def test_verify_is_a_line_for_each_check_and_changes_nothing(ws: Path) -> None:
    before = ledger(ws).read_bytes()
    run = momentum("db", "verify", "-C", ws)
    assert run.code == 0 and run.out.splitlines()[-1] == "in order"
    assert all(line.startswith("ok ") for line in run.out.splitlines()[1:-1])
    found = momentum("db", "verify", "--json", "-C", ws).json
    assert (found["ok"], found["version"], found["kind"]) == (True, NEWEST, "ledger")
    assert all(check["ok"] and check["findings"] == [] for check in found["checks"])
    assert ledger(ws).read_bytes() == before


def test_a_newer_ledger_is_refused_by_every_command_and_named_by_verify(ws: Path) -> None:
    with closing(sqlite3.connect(ledger(ws))) as database:
        database.execute("PRAGMA user_version = 99")
    for words in (("status",), ("scan", "--at", "2026-11-20"), ("db", "migrate")):
        run = momentum(*words, "-C", ws)
        assert (
            run.code == 1
            and "is a ledger of version 99" in run.err
            and "install the newer momentum" in run.err
        )
    verified = momentum("db", "verify", "-C", ws)
    assert verified.code == 1 and "is of version 99" in verified.out


def _truncated(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _with_random_pages(content: bytes) -> bytes:
    chance = random.Random(7)
    pages = [content[at : at + PAGE] for at in range(0, len(content), PAGE)]
    for number in (5, 9, len(pages) - 3):
        pages[number] = chance.randbytes(PAGE)
    return b"".join(pages)


def _zeros(content: bytes) -> bytes:
    return bytes(len(content))


@pytest.mark.parametrize("torn", [_truncated, _with_random_pages, _zeros])
def test_a_torn_ledger_stops_every_command_with_the_way_back(
    ws: Path, torn: Callable[[bytes], bytes]
) -> None:
    assert momentum("db", "backup", "-C", ws).code == 0
    held = open_trades(ws)
    broken = torn(ledger(ws).read_bytes())
    ledger(ws).write_bytes(broken)
    (ws / "data" / "ledger.db-wal").write_bytes(b"")
    commands = ("scan --at 2026-11-20", "status", "positions", "explain CVX", "settings", "set autoclose on")
    for command in commands:
        run = momentum(*command.split(), "-C", ws)
        assert (run.code, run.out, run.err.count("\n")) == (1, "", 1), command
        assert "ledger.db: is damaged; `momentum db restore` puts back the copy of " in run.err
        assert run.err.endswith("New York (backups/ledger.copy.db)\n")
    assert momentum("db", "verify", "-C", ws).code == 1

    restored = momentum("db", "restore", "--yes", "-C", ws)
    assert restored.code == 0 and "as it was: backups/ledger.before-restore.db" in restored.out
    assert "reconciles it with the broker" in restored.out
    assert (ws / "data/backups/ledger.before-restore.db").read_bytes() == broken
    assert momentum("db", "verify", "-C", ws).code == 0
    assert momentum("status", "-C", ws).code == 0 and open_trades(ws) == held


def test_a_torn_ledger_without_a_backup_says_what_to_do(ws: Path) -> None:
    ledger(ws).write_bytes(_truncated(ledger(ws).read_bytes()))
    run = momentum("status", "-C", ws)
    assert (
        run.code == 1
        and "is damaged; there is no whole backup in " in run.err
        and "move the file away" in run.err
    )


def test_latest_is_the_newest_backup_that_is_whole(ws: Path) -> None:
    for _ in range(2):
        assert momentum("db", "backup", "-C", ws).code == 0
    newest = ws / "data/backups/ledger.copy.2.db"
    newest.write_bytes(_truncated(newest.read_bytes()))
    run = momentum("db", "restore", "--yes", "-C", ws)
    assert run.code == 0 and "from backups/ledger.copy.db" in run.out
    refused = momentum("db", "restore", "ledger.copy.2.db", "--yes", "-C", ws)
    assert refused.code == 1 and "it is not restored (nothing was changed)" in refused.err


def test_restoring_twice_gives_the_same_ledger(ws: Path) -> None:
    assert momentum("db", "backup", "-C", ws).code == 0
    assert momentum("set", "autoclose", "on", "-C", ws).code == 0
    for _ in range(2):
        assert momentum("db", "restore", "--yes", "-C", ws).code == 0
        with open_ledger(f"sqlite:///{ledger(ws)}") as restored:
            assert restored.overrides() == ()
    back = momentum("db", "restore", "ledger.before-restore.db", "--yes", "-C", ws)
    assert back.code == 0, "what was replaced can be had back by its name"
    with open_ledger(f"sqlite:///{ledger(ws)}") as restored:
        assert len(restored.overrides()) == 1


def test_restore_asks_and_without_a_terminal_does_nothing(ws: Path) -> None:
    assert momentum("db", "backup", "-C", ws).code == 0
    before = ledger(ws).read_bytes()
    run = momentum("db", "restore", "-C", ws)
    assert run.code == 2 and "has no terminal to ask on; add --yes" in run.err
    assert ledger(ws).read_bytes() == before
    missing = momentum("db", "restore", "of-yesterday.db", "--yes", "-C", ws)
    assert missing.code == 2 and "there are: ledger.copy.db" in missing.err


def test_restore_waits_for_nobody_who_trades_or_writes(ws: Path) -> None:
    assert momentum("db", "backup", "-C", ws).code == 0
    before = ledger(ws).read_bytes()
    with account_lock(ws / "data", "paper:sample:7"):
        run = momentum("db", "restore", "--yes", "-C", ws)
        assert run.code == 3 and "is being traded by" in run.err
    with _open(ledger(ws)):
        run = momentum("db", "restore", "--yes", "-C", ws)
        assert run.code == 3 and "is in use by another command" in run.err
    assert ledger(ws).read_bytes() == before
    assert momentum("db", "restore", "--yes", "-C", ws).code == 0


@contextmanager
def _open(path: Path) -> Iterator[None]:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("SELECT count(*) FROM trades").fetchone()
        yield


def test_a_database_of_the_source_system_is_migrated_by_whatever_command_comes_first(tmp_path: Path) -> None:
    made = workspace(tmp_path / "ws")
    source_database(ledger(made), everything())
    looked = momentum("db", "verify", "-C", made)
    assert looked.code == 0 and "a database of the source system" in looked.out
    scanned = momentum("scan", "--at", "2026-11-20", "--dry-run", "-C", made)
    assert scanned.code == 0
    told = "migrated the source system's database: 2 trades, 1 poor signal, "
    assert scanned.err.count(told) == 1
    assert f"as it was: {made}/data/backups/ledger.source.db" in scanned.err
    status = momentum("status", "-C", made)
    assert status.code == 0 and told not in status.err, "it is told once"
    assert momentum("db", "verify", "-C", made).out.endswith("in order\n")

    assert momentum("db", "restore", "ledger.source.db", "--yes", "-C", made).code == 0
    again = momentum("db", "migrate", "-C", made)
    assert again.code == 0 and told in again.out


def test_a_ledger_on_a_server_is_checked_copied_and_put_back_too(postgres: Server, tmp_path: Path) -> None:
    made = workspace(tmp_path / "ws")
    with postgres.database(empty=True) as url:
        on_it = ("-C", made, "--set", f"ledger={url}")
        assert f"a new ledger of version {NEWEST}" in momentum("db", "migrate", *on_it).out
        assert momentum("db", "verify", *on_it).out.endswith("in order\n")
        copied = momentum("db", "backup", *on_it)
        assert copied.code == 0 and copied.out.startswith(
            f"{made}/data/backups/ledger.copy.db: version {NEWEST}, 0 scans"
        )
        assert momentum("db", "backup", made / "mine.db", *on_it).code == 0
        assert momentum("set", "autoclose", "on", *on_it).code == 0
        restored = momentum("db", "restore", "--yes", *on_it)
        assert restored.code == 0, restored.err
        assert "from backups/ledger.copy.db; as it was: backups/ledger.before-restore.db" in restored.out
        with open_ledger(url, made) as ledger:
            assert ledger.overrides() == ()

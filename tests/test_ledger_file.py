"""A ledger in a file: what is no ledger, damaged, or in a place that takes none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ledger_builders import ACCOUNT, fill
from momentum.errors import LedgerError
from momentum.ledger.address import ledger_path
from momentum.ledger.sqlite import SqliteDatabase
from momentum.ledger.store import Ledger, open_ledger


def ledger_in(directory: Path) -> Ledger:
    return open_ledger(f"sqlite:///{directory / 'ledger.db'}")


def test_a_url_names_an_absolute_file() -> None:
    assert ledger_path("sqlite:////srv/ledger.db") == Path("/srv/ledger.db")
    assert ledger_path("sqlite:///srv/ledger.db") == Path("/srv/ledger.db")


@pytest.mark.parametrize(
    "url", ["", "ledger.db", "sqlite:", "sqlite:///", "mysql:///x", "sqlite:///:memory:"]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(LedgerError, match="not the address of a ledger"):
        open_ledger(url)


def test_every_commit_reaches_the_disk_before_it_returns(tmp_path: Path) -> None:
    ledger_in(tmp_path).close()
    database = SqliteDatabase(tmp_path / "ledger.db")
    assert database._sqlite.pragma("synchronous") == 2
    assert database._sqlite.pragma("journal_mode") == "wal"
    assert database._sqlite.pragma("foreign_keys") == 1
    database.close()


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_text("symbol,price\n" * 500)
    with pytest.raises(LedgerError, match=r"ledger.db: is not a SQLite database; move it away"):
        ledger_in(tmp_path)


def test_a_damaged_ledger_is_one_line_that_names_the_backups(tmp_path: Path) -> None:
    ledger_in(tmp_path).close()
    file = tmp_path / "ledger.db"
    content = bytearray(file.read_bytes())
    content[100:4096] = b"\xff" * 3996
    file.write_bytes(content)
    with pytest.raises(LedgerError, match=r"is damaged; there is no whole backup in .*/backups: ") as raised:
        ledger_in(tmp_path)
    assert "\n" not in str(raised.value)


def test_a_truncated_ledger_is_damaged(tmp_path: Path) -> None:
    ledger_in(tmp_path).close()
    file = tmp_path / "ledger.db"
    file.write_bytes(file.read_bytes()[: 3 * 4096])
    with pytest.raises(LedgerError, match="is damaged"), ledger_in(tmp_path) as ledger:
        ledger.record_fill(ACCOUNT, fill("f1", "b-1", 40, 10.0))


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match=r"the directory .*/nowhere does not exist"):
        open_ledger(f"sqlite:///{tmp_path}/nowhere/ledger.db")


def test_a_directory_is_no_ledger(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").mkdir()
    with pytest.raises(LedgerError, match="is a directory"):
        ledger_in(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_read_only_directory_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(LedgerError, match=r"cannot be opened; see that .* may write in"):
            ledger_in(tmp_path)
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a file system that takes no files")
def test_a_place_that_takes_no_files_is_named() -> None:
    with pytest.raises(LedgerError, match=r"/proc/ledger.db: cannot be opened; see that /proc is"):
        open_ledger("sqlite:////proc/ledger.db")

"""Opening a ledger: new, again, older, newer, damaged, or none at all."""

from __future__ import annotations

import os
import sqlite3
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ledger_builders import ACCOUNT, NOW, fill, ledger_in, request, scan_info, write
from momentum.errors import LedgerError
from momentum.ledger import tables as t
from momentum.ledger.address import ledger_path
from momentum.ledger.database import Database
from momentum.ledger.migrations import STEPS, Migrated, Step, migrate
from momentum.ledger.sqlite import SqliteDatabase
from momentum.ledger.store import open_ledger
from momentum.model.decision import Decision, Refusal, WatchEntry
from momentum.model.events import Event
from momentum.model.market import MarketContext


def test_a_url_names_an_absolute_file() -> None:
    assert ledger_path("sqlite:////srv/ledger.db") == Path("/srv/ledger.db")
    assert ledger_path("sqlite:///srv/ledger.db") == Path("/srv/ledger.db")


@pytest.mark.parametrize("url", ["postgresql://host/db", "postgres://host/db", "postgresql://h/db2"])
def test_postgresql_is_refused_with_what_to_write_instead(url: str) -> None:
    with pytest.raises(LedgerError, match=r"is a database on a server"):
        open_ledger(url)


@pytest.mark.parametrize(
    "url", ["", "ledger.db", "sqlite:", "sqlite:///", "mysql:///x", "sqlite:///:memory:"]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(LedgerError, match="not the address of a ledger"):
        open_ledger(url)


def test_a_new_ledger_has_every_table_at_the_newest_version(tmp_path: Path) -> None:
    with ledger_in(tmp_path) as ledger:
        database = SqliteDatabase(Path(ledger.name))
    assert database.schema_version == STEPS[-1].version
    assert set(database.table_names()) == {table._meta.table_name for table in t.TABLES}
    database.close()


def test_the_steps_are_in_order_without_a_gap() -> None:
    assert [step.version for step in STEPS] == list(range(1, len(STEPS) + 1))


def test_every_commit_reaches_the_disk_before_it_returns(tmp_path: Path) -> None:
    ledger_in(tmp_path).close()
    database = SqliteDatabase(tmp_path / "ledger.db")
    assert database._sqlite.pragma("synchronous") == 2
    assert database._sqlite.pragma("journal_mode") == "wal"
    assert database._sqlite.pragma("foreign_keys") == 1
    database.close()


def test_a_restart_finds_everything_again(tmp_path: Path) -> None:
    with ledger_in(tmp_path) as ledger:
        write(ledger, request("b-1"))
        ledger.record_fill(ACCOUNT, fill("f1", "b-1", 40, 10.0))
    with ledger_in(tmp_path) as ledger:
        assert [intent.status for intent in ledger.open_intents(ACCOUNT)] == ["partially_filled"]
        assert not ledger.record_fill(ACCOUNT, fill("f1", "b-1", 40, 10.0))
        assert [trade.quantity for trade in ledger.open_trades(ACCOUNT)] == [40]
    assert not (tmp_path / "backups").exists()


def test_a_newer_ledger_is_refused_and_left_alone(tmp_path: Path) -> None:
    ledger_in(tmp_path).close()
    database = SqliteDatabase(tmp_path / "ledger.db")
    database.set_schema_version(99)
    database.close()
    with pytest.raises(
        LedgerError, match=r"ledger.db: is a ledger of version 99, .* install the newer momentum"
    ):
        ledger_in(tmp_path)
    assert SqliteDatabase(tmp_path / "ledger.db").schema_version == 99


class Sql(NamedTuple):
    """A statement in the database's own words."""

    text: str

    def execute(self, database: Any) -> Any:
        return database.execute_sql(self.text)


def _next_version(steps: list[str]) -> tuple[Step, ...]:
    def add_column(database: Database) -> None:
        for sql in steps:
            database.run(Sql(sql))

    return (*STEPS, Step(STEPS[-1].version + 1, "a note on trades", add_column))


def test_an_older_ledger_is_backed_up_then_migrated(tmp_path: Path) -> None:
    with ledger_in(tmp_path) as ledger:
        ledger.record_fill(ACCOUNT, fill("f1", "b-1", 40, 10.0))
    database = SqliteDatabase(tmp_path / "ledger.db")
    migrated = migrate(database, _next_version(["ALTER TABLE trades ADD COLUMN note TEXT"]))
    assert database.schema_version == STEPS[-1].version + 1
    database.run(Sql("UPDATE trades SET note = 'kept'"))
    database.close()

    backup = tmp_path / "backups" / f"ledger.v{STEPS[-1].version}.db"
    assert migrated == Migrated(STEPS[-1].version, STEPS[-1].version + 1, backup)
    with open_ledger(f"sqlite:///{backup}") as before:
        assert [trade.quantity for trade in before.open_trades(ACCOUNT)] == [40]


def test_a_backup_is_a_ledger_of_its_own_and_never_overwritten(tmp_path: Path) -> None:
    with ledger_in(tmp_path) as ledger:
        ledger.record_fill(ACCOUNT, fill("f1", "b-1", 40, 10.0))
        first = ledger.backup()
        ledger.forget_account(ACCOUNT)
        second = ledger.backup()
    assert (first, second) == (tmp_path / "backups/ledger.copy.db", tmp_path / "backups/ledger.copy.2.db")
    with open_ledger(f"sqlite:///{first}") as before, open_ledger(f"sqlite:///{second}") as after:
        assert (len(before.trades()), len(after.trades())) == (1, 0)


def test_a_backup_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "backups").write_text("a file in the way")
    told = pytest.raises(LedgerError, match="backups: a backup cannot be written there")
    with ledger_in(tmp_path) as ledger, told:
        ledger.backup()


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    ledger_in(tmp_path).close()
    database = SqliteDatabase(tmp_path / "ledger.db")
    steps = _next_version(
        ["ALTER TABLE trades ADD COLUMN note TEXT", "ALTER TABLE missing ADD COLUMN x TEXT"]
    )
    for _ in range(2):
        with pytest.raises(LedgerError, match="no such table"):
            migrate(database, steps)
    assert database.schema_version == STEPS[-1].version
    database.run(Sql("ALTER TABLE trades ADD COLUMN note TEXT"))
    database.close()
    assert len(list((tmp_path / "backups").iterdir())) == 2


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_text("symbol,price\n" * 500)
    with pytest.raises(LedgerError, match=r"ledger.db: is not a SQLite database; move it away"):
        ledger_in(tmp_path)


def test_a_database_of_somebody_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "ledger.db") as other:
        other.execute("CREATE TABLE trades (id INTEGER)")
    other.close()
    with pytest.raises(LedgerError, match="not a ledger of momentum"):
        ledger_in(tmp_path)
    with sqlite3.connect(tmp_path / "ledger.db") as other:
        assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("trades",)]
    other.close()


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


def test_forgetting_an_account_forgets_all_of_it_and_nothing_else(tmp_path: Path) -> None:
    with ledger_in(tmp_path) as ledger:
        for account, number in ((ACCOUNT, 1), ("alpaca", 2)):
            info = ledger.begin_scan(scan_info(), account, NOW)
            ledger.record_decision(info.id, Decision(), {})
            ledger.record_refusals(info.id, [Refusal("MU", "buy", "max_order", 1, 2, "too large")])
            ledger.record_market(info.id, MarketContext(), ())
            ledger.write_intent(
                request(f"b-{number}"), account=account, scan_id=info.id, reason="", context={}
            )
            ledger.record_fill(account, fill("f1", f"b-{number}", 40, 10.0))
            ledger.update_watchlist(account, [WatchEntry("MU", date(2026, 11, 24), 9, "")], replacing=None)
            ledger.raise_alarm(account, "stop.missing", "MU", "", NOW)
            ledger.record_event(Event(f"e{number}", "x", "info", NOW, ""), ["console"], account=account)
        assert ledger.forget_account(ACCOUNT) == 11
        assert ledger.forget_account(ACCOUNT) == 0
        assert ledger.trades(ACCOUNT) == () and ledger.intent("b-1") is None and ledger.alarms(ACCOUNT) == ()
        assert [trade.account for trade in ledger.trades()] == ["alpaca"]
        assert [delivery.event.id for delivery in ledger.undelivered("console", 10)] == ["e2"]
        assert ledger.begin_scan(scan_info(), ACCOUNT, NOW).id == "2026-11-24-close-all-3"


def test_an_account_that_starts_anew_is_told_of_its_first_scan_again(tmp_path: Path) -> None:
    with ledger_in(tmp_path) as ledger:
        for _ in range(2):
            scan = ledger.begin_scan(scan_info(), ACCOUNT, NOW)
            assert scan.id == "2026-11-24-close-all-1"
            event = Event(f"{scan.id}:finished", "scan.finished", "info", NOW, "")
            assert ledger.record_event(event, ["console"], account=ACCOUNT)
            assert [one.event.id for one in ledger.undelivered("console", 10)] == [event.id]
            ledger.settle_delivery("console", event.id, None)
            ledger.forget_account(ACCOUNT)

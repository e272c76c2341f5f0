"""Opening a ledger: new, again, older, newer, or none at all."""

from __future__ import annotations

from datetime import date

import pytest

from ledger_builders import ACCOUNT, NOW, Place, Sql, fill, request, scan_info, write
from momentum.errors import LedgerError
from momentum.ledger import tables as t
from momentum.ledger.database import Database
from momentum.ledger.migrations import STEPS, Migrated, Step, migrate
from momentum.ledger.store import open_ledger
from momentum.model.decision import Decision, Refusal, WatchEntry
from momentum.model.events import Event
from momentum.model.market import MarketContext


def test_a_new_ledger_has_every_table_at_the_newest_version(empty_place: Place) -> None:
    empty_place.open().close()
    database = empty_place.database()
    assert database.schema_version == STEPS[-1].version
    assert set(database.table_names()) == {table._meta.table_name for table in t.TABLES}
    database.close()


def test_the_steps_are_in_order_without_a_gap() -> None:
    assert [step.version for step in STEPS] == list(range(1, len(STEPS) + 1))


def test_a_restart_finds_everything_again(place: Place) -> None:
    with place.open() as ledger:
        write(ledger, request("b-1"))
        ledger.record_fill(ACCOUNT, fill("f1", "b-1", 40, 10.0))
    with place.open() as ledger:
        assert [intent.status for intent in ledger.open_intents(ACCOUNT)] == ["partially_filled"]
        assert not ledger.record_fill(ACCOUNT, fill("f1", "b-1", 40, 10.0))
        assert [trade.quantity for trade in ledger.open_trades(ACCOUNT)] == [40]
    assert not (place.backups).exists()


def test_a_newer_ledger_is_refused_and_left_alone(place: Place) -> None:
    place.open().close()
    database = place.database()
    database.set_schema_version(99)
    database.close()
    with pytest.raises(LedgerError, match=r": is a ledger of version 99, .* install the newer momentum"):
        place.open()
    again = place.database()
    assert again.schema_version == 99
    again.close()


def _next_version(steps: list[str]) -> tuple[Step, ...]:
    def add_column(database: Database) -> None:
        for sql in steps:
            database.run(Sql(sql))

    return (*STEPS, Step(STEPS[-1].version + 1, "a note on trades", add_column))


def test_an_older_ledger_is_backed_up_then_migrated(place: Place) -> None:
    with place.open() as ledger:
        ledger.record_fill(ACCOUNT, fill("f1", "b-1", 40, 10.0))
    database = place.database()
    migrated = migrate(database, _next_version(["ALTER TABLE trades ADD COLUMN note TEXT"]))
    assert database.schema_version == STEPS[-1].version + 1
    database.run(Sql("UPDATE trades SET note = 'kept'"))
    database.close()

    backup = place.backups / f"ledger.v{STEPS[-1].version}.db"
    assert migrated == Migrated(STEPS[-1].version, STEPS[-1].version + 1, backup)
    with open_ledger(f"sqlite:///{backup}") as before:
        assert [trade.quantity for trade in before.open_trades(ACCOUNT)] == [40]


def test_a_backup_is_a_ledger_of_its_own_and_never_overwritten(place: Place) -> None:
    with place.open() as ledger:
        ledger.record_fill(ACCOUNT, fill("f1", "b-1", 40, 10.0))
        first = ledger.backup()
        ledger.forget_account(ACCOUNT)
        second = ledger.backup()
    assert (first, second) == (place.backups / "ledger.copy.db", place.backups / "ledger.copy.2.db")
    with open_ledger(f"sqlite:///{first}") as before, open_ledger(f"sqlite:///{second}") as after:
        assert (len(before.trades()), len(after.trades())) == (1, 0)


def test_a_backup_that_cannot_be_written_is_said(place: Place) -> None:
    place.backups.parent.mkdir(exist_ok=True)
    place.backups.write_text("a file in the way")
    told = pytest.raises(LedgerError, match="backups: a backup cannot be written there")
    with place.open() as ledger, told:
        ledger.backup()


def test_a_migration_that_fails_changes_nothing(place: Place) -> None:
    place.open().close()
    database = place.database()
    steps = _next_version(
        ["ALTER TABLE trades ADD COLUMN note TEXT", "ALTER TABLE missing ADD COLUMN x TEXT"]
    )
    for _ in range(2):
        with pytest.raises(LedgerError, match="missing"):
            migrate(database, steps)
    assert database.schema_version == STEPS[-1].version
    database.run(Sql("ALTER TABLE trades ADD COLUMN note TEXT"))
    database.close()
    assert len(list((place.backups).iterdir())) == 2


def test_a_database_of_somebody_else_is_refused_and_left_alone(empty_place: Place) -> None:
    database = empty_place.database()
    database.run(Sql("CREATE TABLE trades (id INTEGER)"))
    with pytest.raises(LedgerError, match=r"not a ledger of momentum; set `ledger:` to another"):
        empty_place.open()
    assert database.table_names() == ("trades",)
    database.close()


def test_forgetting_an_account_forgets_all_of_it_and_nothing_else(place: Place) -> None:
    with place.open() as ledger:
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


def test_an_account_that_starts_anew_is_told_of_its_first_scan_again(place: Place) -> None:
    with place.open() as ledger:
        for _ in range(2):
            scan = ledger.begin_scan(scan_info(), ACCOUNT, NOW)
            assert scan.id == "2026-11-24-close-all-1"
            event = Event(f"{scan.id}:finished", "scan.finished", "info", NOW, "")
            assert ledger.record_event(event, ["console"], account=ACCOUNT)
            assert [one.event.id for one in ledger.undelivered("console", 10)] == [event.id]
            ledger.settle_delivery("console", event.id, None)
            ledger.forget_account(ACCOUNT)

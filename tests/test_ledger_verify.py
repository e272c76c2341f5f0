"""Verifying a ledger: what is wrong is found and named by its row, and what is right is left alone."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from ledger_builders import ACCOUNT, NOW, SESSION, Place, Sql, fill, order, request, scan_info, write
from momentum.ledger.address import is_postgres, ledger_path
from momentum.ledger.migrations import NEWEST
from momentum.ledger.store import Ledger, open_ledger
from momentum.ledger.upkeep.backups import newest_whole
from momentum.ledger.upkeep.restore import restore_database, restore_file
from momentum.ledger.upkeep.verify import Verdict, verify_database, verify_file
from momentum.model.events import Event
from momentum.model.orders import OrderState
from momentum.model.portfolio import Holding


def verdict(place: Place) -> Verdict:
    if not is_postgres(place.url):
        return verify_file(ledger_path(place.url), NEWEST)
    database = place.database()
    try:
        return verify_database(database, NEWEST)
    finally:
        database.close()


def findings(place: Place) -> list[str]:
    return [f"{finding.row}: {finding.text}" for finding in verdict(place).findings]


def spoil(place: Place, *statements: str) -> None:
    """Write what the ledger itself never would."""
    database = place.database()
    for statement in statements:
        database.run(Sql(statement))
    database.close()


def trade(ledger: Ledger) -> None:
    """A day of trading: 100 MU bought, 40 sold, 60 held; a scan and an event that tell of it."""
    ledger.begin_scan(scan_info(), ACCOUNT, NOW)
    for asked in (
        request("w-s-20261124-close-MU-buy-1"),
        request("w-s-20261124-close-MU-sell-1", side="sell", qty=40),
    ):
        write(ledger, asked)
        price, name = (10.0, "f1") if asked.side == "buy" else (11.0, "f2")
        ledger.record_fill(ACCOUNT, fill(name, asked.client_id, asked.qty, price, side=asked.side))
        ledger.record_order(order(asked, OrderState.FILLED, asked.qty, price))
    ledger.record_event(Event("e1", "order.filled", "info", NOW, "bought"), ["console"], account=ACCOUNT)


@pytest.fixture
def traded(place: Place) -> Place:
    with place.open() as ledger:
        trade(ledger)
    return place


def test_a_day_of_trading_is_in_order(traded: Place) -> None:
    found = verdict(traded)
    assert (found.kind, found.version, found.findings) == ("ledger", NEWEST, ())
    assert "trades: 1" in {check.looked for check in found.checks}


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ("UPDATE trades SET entry_quantity = 90", "trades 1: MU entered 90 shares, its fills bought 100"),
        ("UPDATE trades SET exit_quantity = 30", "trades 1: MU left 30 shares, its fills sold 40"),
        ("UPDATE trades SET exit_quantity = 101", "trades 1: MU sold 101 of 100 shares"),
        ("UPDATE fills SET trade_id = NULL WHERE side = 'buy'", "fills 1: buy 100 MU belongs to no trade"),
        ("UPDATE fills SET symbol = 'AMD' WHERE side = 'sell'", "fills 2: sell 40 AMD stands in a trade of"),
        (
            "UPDATE order_intents SET filled_qty = 70 WHERE side = 'buy'",
            "order_intents 1: w-s-20261124-close-MU-buy-1 is filled with 70 of 100 filled, its fills tell 100",
        ),
        ("UPDATE events SET data = '{torn'", "events 1: data is no JSON: '{torn'"),
        ("UPDATE trades SET entry_date = '2026-13-45'", "trades 1: entry_date is no date: '2026-13-45'"),
        ("UPDATE scans SET now = 9223372036854775807", "scans 1: now is no moment: '9223372036854775807'"),
        ("ALTER TABLE trades DROP COLUMN vix", "trades: lacks vix"),
        ("DROP TABLE alarms", "alarms: the table is missing"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_by_its_row(traded: Place, change: str, finding: str) -> None:
    spoil(traded, change)
    assert any(found.startswith(finding) for found in findings(traded)), findings(traded)
    assert all(found.way_out for found in verdict(traded).findings)


def test_shares_that_came_or_went_without_an_order_of_ours_are_no_finding(place: Place) -> None:
    with place.open() as ledger:
        trade(ledger)
        ledger.record_fill(ACCOUNT, fill("x1", "by-hand", 5, 20.0, symbol="AMD"))
        ledger.adopt(ACCOUNT, Holding("HIMS", 10, 45.0, 46.0, 10), SESSION, None)
        ledger.adopt(ACCOUNT, Holding("MU", 80, 10.0, 11.0, 80), SESSION, None)
        adopted = Event(
            "e2", "position.adopted", "warning", NOW, "MU", data={"symbol": "MU", "before": 60, "after": 80}
        )
        ledger.record_event(adopted, [], account=ACCOUNT)
        ledger.settle_trade(ACCOUNT, "AMD", 0, None, NOW)
        ledger.record_fill(ACCOUNT, fill("x2", "by-hand-2", 7, 30.0, side="sell", symbol="WDC"))
    assert findings(place) == []


def _damaged(path: Path, *statements: str) -> list[str]:
    """The findings in a SQLite ledger after statements that its own constraints would refuse."""
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("PRAGMA foreign_keys = 0")
        for statement in statements:
            database.execute(statement)
    return [str(finding) for finding in verify_file(path, NEWEST).findings]


def _sqlite(directory: Path) -> Path:
    with open_ledger(f"sqlite:///{directory / 'ledger.db'}") as ledger:
        trade(ledger)
    return directory / "ledger.db"


def test_a_symbol_with_two_open_trades_is_found(tmp_path: Path) -> None:
    again = (
        "INSERT INTO trades (account, symbol, status, opened_at, entry_date, entry_price, entry_quantity, "
    )
    again += "entry_reason, exit_quantity, commission) SELECT account, symbol, status, opened_at, entry_date, 1, 1, "
    again += "'adopted', 0, 0 FROM trades"
    found = _damaged(_sqlite(tmp_path), "DROP INDEX trades_one_open", again)
    assert any(f"MU has 2 open trades in {ACCOUNT}" in line for line in found)


def test_a_delivery_of_no_event_is_found(tmp_path: Path) -> None:
    found = _damaged(_sqlite(tmp_path), "DELETE FROM events")
    assert any("console shall tell e1, which is no event" in line for line in found)
    assert any(line.startswith("outbox 1: refers to a row of events that is not there") for line in found)


def test_damage_that_no_command_would_notice_is_found(tmp_path: Path) -> None:
    path = _sqlite(tmp_path)
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA journal_mode = delete").fetchone() == ("delete",)
        (page,) = database.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'fills_symbol'"
        ).fetchone()
        (size,) = database.execute("PRAGMA page_size").fetchone()
    content = bytearray(path.read_bytes())
    at = content.rindex(b"MU", (page - 1) * size, page * size)
    content[at : at + 2] = b"MX"
    path.write_bytes(content)
    with open_ledger(f"sqlite:///{path}") as ledger:
        assert len(ledger.fills()) == 2, "the rows themselves are whole, and only an index lies"
    found = verify_file(path, NEWEST)
    assert found.damaged and "fills_symbol" in found.findings[0].text


def test_an_empty_file_and_an_older_ledger_are_no_finding(tmp_path: Path) -> None:
    empty = tmp_path / "empty.db"
    empty.touch()
    assert (verify_file(empty, NEWEST).kind, verify_file(empty, NEWEST).findings) == ("new", ())
    older = verify_file(_sqlite(tmp_path), NEWEST + 1)
    assert older.findings == () and any(
        "`momentum db migrate` first" in check.looked for check in older.checks
    )


def test_a_backup_comes_back_whole_whatever_kind_the_ledger_is(traded: Place) -> None:
    with traded.open() as ledger:
        backup = ledger.backup()
        ledger.forget_account(ACCOUNT)
        assert ledger.trades() == ()
    if is_postgres(traded.url):
        database = traded.database()
        kept = restore_database(database, backup, traded.backups)
        database.close()
    else:
        restored = restore_file(ledger_path(traded.url), backup)
        assert restored is not None
        kept = restored
    with traded.open() as ledger:
        assert [(one.symbol, one.quantity) for one in ledger.trades()] == [("MU", 60)]
        ledger.record_fill(ACCOUNT, fill("f9", "later", 1, 10.0, symbol="AMD", at=NOW))
    assert findings(traded) == []
    with open_ledger(f"sqlite:///{kept}") as before:
        assert before.trades() == ()
    assert sorted(file.name for file in traded.backups.iterdir()) == [
        "ledger.before-restore.db",
        "ledger.copy.db",
    ]


def test_a_torn_ledger_is_kept_with_its_log_which_never_reaches_the_one_put_back(tmp_path: Path) -> None:
    path = _sqlite(tmp_path)
    with open_ledger(f"sqlite:///{path}") as ledger:
        backup = ledger.backup()
        ledger.forget_account(ACCOUNT)
        log = (tmp_path / "ledger.db-wal").read_bytes()
    torn = path.read_bytes()[: 3 * 4096]
    path.write_bytes(torn)
    (tmp_path / "ledger.db-wal").write_bytes(log)
    kept = restore_file(path, backup)
    assert kept is not None and kept.read_bytes() == torn
    assert kept.with_name(f"{kept.name}-wal").read_bytes() == log
    with open_ledger(f"sqlite:///{path}") as ledger:
        assert [one.entry_date for one in ledger.trades()] == [date(2026, 11, 24)]
    assert newest_whole(path) == backup, "what was replaced is no backup to go back to by itself"

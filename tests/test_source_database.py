"""A database that the source system made becomes a ledger: whole, once, or not at all."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from momentum.errors import LedgerError
from momentum.ledger.migrations import NEWEST
from momentum.ledger.store import Ledger, open_ledger
from momentum.ledger.trades import IMPORTED
from momentum.ledger.upkeep.readonly import reading
from momentum.ledger.upkeep.verify import verify_file
from source_builders import LUNR, MU, everything, source_database


def ledger_in(directory: Path) -> Ledger:
    return open_ledger(f"sqlite:///{directory / 'ledger.db'}")


def rows(directory: Path, table: str) -> list[dict[str, Any]]:
    with reading(directory / "ledger.db") as ask:
        return ask(f"SELECT * FROM {table} ORDER BY id")


def test_trades_without_the_late_columns_come_over_with_what_they_have(tmp_path: Path) -> None:
    source_database(tmp_path / "ledger.db", {"trades": [MU, LUNR]})
    with ledger_in(tmp_path) as ledger:
        mu, lunr = ledger.trades(IMPORTED)
    assert (mu.id, mu.symbol, mu.cap, mu.status, mu.quantity) == (7, "MU", "large", "open", 40)
    assert (mu.entry_date, mu.entry_price, mu.entry_reason) == (
        date(2025, 11, 3),
        231.4,
        "score 20, breakout",
    )
    assert mu.opened_at == datetime(2025, 11, 3, 14, 35, 12, tzinfo=UTC)
    assert mu.entry_signals == {"gap_up": 0.034}
    assert mu.at_entry["spy_price"] is None and mu.max_gain is None
    assert (lunr.id, lunr.status, lunr.exit_quantity, lunr.quantity) == (9, "closed", 1518, 0)
    assert (lunr.exit_date, lunr.exit_reason) == (date(2025, 11, 6), "reversal score 6")
    assert (lunr.pnl, lunr.pnl_pct) == (pytest.approx(-759.0), pytest.approx(-5.0))
    assert lunr.entry_signals == "breakout, volume", "text that is no JSON is kept as text"


def test_late_columns_come_over_where_they_are(tmp_path: Path) -> None:
    late = MU | {"spy_price": 680.1, "vix": 17.2, "rsi": 71.0, "state_vector": "[1, 2]", "max_gain": 0.08}
    source_database(tmp_path / "ledger.db", {"trades": [late]}, late=True)
    with ledger_in(tmp_path) as ledger:
        (mu,) = ledger.trades(IMPORTED)
    assert {name: mu.at_entry[name] for name in ("spy_price", "vix", "rsi", "state_vector", "atr")} == {
        "spy_price": 680.1, "vix": 17.2, "rsi": 71.0, "state_vector": [1, 2], "atr": None,
    }  # fmt: skip
    assert mu.max_gain == 0.08


def test_other_names_for_the_same_columns_are_understood(tmp_path: Path) -> None:
    made = """CREATE TABLE "Trades" (trade_id TEXT PRIMARY KEY, Ticker TEXT, cap_tier TEXT, shares INTEGER,
        entry_time TEXT, entry_price TEXT, exit_time TEXT, exit_price REAL, status TEXT, profit_loss REAL,
        signals TEXT, atr_14 REAL)"""
    row = {
        "trade_id": "a-1", "ticker": "hims", "cap_tier": "SMALL_CAP", "shares": 10, "entry_price": "$45.50",
        "entry_time": "2025-11-03T09:38:00-05:00", "exit_time": "2025-11-05T10:00:00Z", "exit_price": 50.0,
        "status": "CLOSED", "profit_loss": 45.0, "signals": '["gap"]', "atr_14": 2.5,
    }  # fmt: skip
    source_database(tmp_path / "ledger.db", {'"Trades"': [row]}, made)
    with ledger_in(tmp_path) as ledger:
        (trade,) = ledger.trades(IMPORTED)
    assert (trade.symbol, trade.cap, trade.entry_quantity, trade.status) == ("HIMS", "small", 10, "closed")
    assert trade.opened_at == datetime(2025, 11, 3, 14, 38, tzinfo=UTC)
    assert (trade.entry_price, trade.pnl, trade.at_entry["atr"]) == (45.5, 45.0, 2.5)
    assert trade.entry_signals == ["gap"]


def test_every_table_comes_over_and_agrees(tmp_path: Path) -> None:
    source_database(tmp_path / "ledger.db", everything())
    with ledger_in(tmp_path) as ledger:
        assert str(ledger.migrated) == (
            "migrated the source system's database: 2 trades, 1 poor signal, 1 watchlist entry, 1 position check, "
            "1 market snapshot, 3 candidates, 1 day of performance; "
            f"as it was: {tmp_path}/backups/ledger.source.db"
        )
        (poor,) = ledger.poor_signals(IMPORTED)
        (watched,) = ledger.watchlist(IMPORTED)
        scans = ledger.scans(account=IMPORTED)
        candidates, (market,) = rows(tmp_path, "candidate_snapshots"), rows(tmp_path, "market_snapshots")
        (day,) = rows(tmp_path, "daily_performance")
    assert (poor["id"], poor["trade"], poor["reversal_signals"]) == (3, 9, ["below_vwap"])
    assert (watched.symbol, watched.added, watched.reason) == ("WDC", date(2025, 11, 5), "waits for volume")
    assert [(scan.info.id, scan.info.type) for scan in scans] == [
        ("imported-2", "unknown"),
        ("imported-1", "open"),
    ]
    assert [(row["symbol"], row["scan_id"], row["rank"], row["action"]) for row in candidates] == [
        ("MU", "imported-1", 1, "BUY"), ("AMD", "imported-1", 2, None), ("HIMS", "imported-2", 1, None),
    ]  # fmt: skip
    assert candidates[0]["columns"] == '{"roc10":36.2}' and candidates[0]["price_1d_later"] == 240.0
    assert candidates[1]["reasoning"] == "no slot"
    assert (market["scan_id"], market["spy_price"], market["vix"]) == ("imported-1", 680.1, 17.2)
    assert (day["date"], day["equity"], day["trades_opened"]) == ("2025-11-03", 100250.5, 2)
    verdict = verify_file(tmp_path / "ledger.db", NEWEST)
    assert verdict.kind == "ledger" and verdict.findings == ()


def test_what_cannot_be_used_is_counted_and_stays_in_the_backup(tmp_path: Path) -> None:
    tables = everything() | {
        "trades": [MU, LUNR, MU | {"id": 11, "entry_price": None}, MU | {"id": 12, "symbol": " "},
                   MU | {"id": 13, "quantity": 0}, MU | {"id": 14, "entry_date": "yesterday"}],
        "watchlist": [{"symbol": "WDC", "added_date": None}],
        "poor_signals": [{"symbol": "AMD", "trade_id": 12, "entry_date": "2025-11-03"}],
    }  # fmt: skip
    source_database(tmp_path / "ledger.db", tables)
    with ledger_in(tmp_path) as ledger:
        told = str(ledger.migrated)
        assert [trade.id for trade in ledger.trades(IMPORTED)] == [7, 9]
        (event,) = ledger.events(account=IMPORTED)
    for part in (
        "1 trade (no price)", "1 trade (no symbol)", "1 trade (no quantity)", "1 trade (no date)",
        "1 watchlist entry (no date)", "1 poor signal (no trade)", "only in the backup",
    ):  # fmt: skip
        assert part in told
    assert event.text == told, "the ledger itself keeps what was left behind"
    with closing(sqlite3.connect(tmp_path / "backups/ledger.source.db")) as backup:
        assert backup.execute("SELECT count(*) FROM trades").fetchone() == (6,)


def test_several_entries_of_a_position_become_one_trade_at_the_average_price(tmp_path: Path) -> None:
    more = MU | {"id": 8, "entry_date": "2025-11-04", "entry_price": 240.0, "quantity": 120}
    source_database(tmp_path / "ledger.db", {"trades": [more, MU]})
    with ledger_in(tmp_path) as ledger:
        (mu,) = ledger.open_trades(IMPORTED)
        assert "1 further entry of a position joined into one trade" in str(ledger.migrated)
    assert (mu.id, mu.quantity) == (7, 160)
    assert mu.entry_price == pytest.approx((231.4 * 40 + 240.0 * 120) / 160)
    assert verify_file(tmp_path / "ledger.db", NEWEST).findings == ()


def test_other_tables_are_left_alone_and_still_refer_to_their_trades(tmp_path: Path) -> None:
    notes = "CREATE TABLE notes (trade_id INTEGER REFERENCES trades (id), text TEXT)"
    events = "CREATE TABLE events (what TEXT)"
    best = "CREATE VIEW best AS SELECT symbol FROM trades"
    tables = {"trades": [MU, LUNR], "notes": [{"trade_id": 7, "text": "mine"}], "events": [{"what": "x"}]}
    source_database(tmp_path / "ledger.db", tables, notes, events, best)
    with ledger_in(tmp_path) as ledger:
        assert "its table events is now source_events" in str(ledger.migrated)
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as database:
        joined = "SELECT n.text, t.symbol FROM notes n JOIN trades t ON t.id = n.trade_id"
        assert database.execute(joined).fetchall() == [("mine", "MU")]
        assert database.execute("SELECT what FROM source_events").fetchall() == [("x",)]
        assert database.execute("SELECT * FROM best ORDER BY 1").fetchall() == [("LUNR",), ("MU",)]


def test_it_happens_once(tmp_path: Path) -> None:
    source_database(tmp_path / "ledger.db", everything())
    ledger_in(tmp_path).close()
    with ledger_in(tmp_path) as ledger:
        assert ledger.migrated is None and len(ledger.trades()) == 2
    assert [file.name for file in (tmp_path / "backups").iterdir()] == ["ledger.source.db"]


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE trades (id INTEGER, symbol TEXT, price REAL)",
        "CREATE TABLE trades (id INTEGER, pair TEXT, open_rate REAL, close_rate REAL, open_date TEXT)",
        "CREATE TABLE poor_signals (id INTEGER, symbol TEXT)",
    ],
)
def test_what_holds_no_round_trips_is_not_taken_for_it(tmp_path: Path, statement: str) -> None:
    source_database(tmp_path / "ledger.db", {}, statement)
    with pytest.raises(LedgerError, match="not a ledger of momentum"):
        ledger_in(tmp_path)


def test_another_programs_mark_is_respected(tmp_path: Path) -> None:
    source_database(tmp_path / "ledger.db", {"trades": [MU]}, "PRAGMA application_id = 42")
    with pytest.raises(LedgerError, match="not a ledger of momentum"):
        ledger_in(tmp_path)


_KILLED = """
import os, signal, sys
from pathlib import Path
from momentum.ledger.source import system as source_system
from momentum.ledger.upkeep.readonly import reading
from momentum.ledger.store import open_ledger

def dies(name):
    original = getattr(source_system, name)
    def replacement(*arguments):
        result = original(*arguments) if name != "_remember" else None
        os.kill(os.getpid(), signal.SIGKILL)
        return result
    setattr(source_system, name, replacement)

dies(sys.argv[2])
open_ledger("sqlite:///" + sys.argv[1])
"""


@pytest.mark.parametrize("step", ["bring", "_move_aside", "_replace", "_remember"])
def test_killed_in_the_middle_it_is_the_old_database_and_comes_over_the_next_time(
    tmp_path: Path, step: str
) -> None:
    path = source_database(tmp_path / "ledger.db", everything())
    died = subprocess.run([sys.executable, "-c", _KILLED, str(path), step], timeout=60, check=False)
    assert died.returncode == -signal.SIGKILL
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA application_id").fetchone() == (0,)
        assert database.execute("SELECT count(*) FROM trades WHERE quantity > 0").fetchone() == (2,)
    with ledger_in(tmp_path) as ledger:
        assert [trade.id for trade in ledger.trades(IMPORTED)] == [7, 9]
    assert verify_file(path, NEWEST).findings == ()

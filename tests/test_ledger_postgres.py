"""What only a server does: it is down, it refuses, it loses a connection, and it has its own idea of text."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ledger_builders import ACCOUNT, NOW, SESSION, Place, Sql, fill, request, rows, scan_info, write
from momentum.errors import LedgerError
from momentum.ledger import tables as t
from momentum.ledger.postgres import PostgresDatabase
from momentum.ledger.store import Ledger, open_database, open_ledger
from momentum.ledger.upkeep.copying import copy_into
from momentum.model.decision import WatchEntry
from postgres_server import Server


@pytest.fixture
def on_server(postgres: Server, tmp_path: Path) -> Iterator[Place]:
    with postgres.database() as url:
        yield Place(url, tmp_path)


def test_every_commit_reaches_the_disk_before_it_returns(on_server: Place) -> None:
    database = on_server.database()
    assert isinstance(database, PostgresDatabase)
    assert database.ask("SHOW synchronous_commit") == [("on",)]
    assert database.ask("SHOW lock_timeout") == [("15s",)]
    database.close()


def test_numbers_and_texts_have_the_types_that_keep_them_whole(on_server: Place) -> None:
    database = on_server.database()
    assert isinstance(database, PostgresDatabase)
    types = database.ask(
        "SELECT DISTINCT data_type, collation_name FROM information_schema.columns"
        " WHERE table_schema = current_schema() ORDER BY 1"
    )
    assert types == [
        ("bigint", None), ("boolean", None), ("bytea", None), ("double precision", None), ("text", "C"),
    ]  # fmt: skip
    database.close()


def test_a_lost_connection_is_one_line_and_the_next_use_has_another(
    on_server: Place, postgres: Server
) -> None:
    with on_server.open() as ledger:
        postgres.kill_connections(on_server.url)
        with pytest.raises(LedgerError, match="the connection to the server was lost") as raised:
            ledger.trades()
        assert "\n" not in str(raised.value)
        assert ledger.trades() == ()
        postgres.kill_connections(on_server.url)
        with pytest.raises(LedgerError, match="may or may not have arrived; run the command again"):
            write(ledger, request("b-1"))
        write(ledger, request("b-1"))


def test_a_connection_lost_inside_a_transaction_is_not_replaced_there(
    on_server: Place, postgres: Server
) -> None:
    with on_server.open() as ledger:
        with pytest.raises(LedgerError, match="lost"), ledger.transaction():
            ledger.record_fill(ACCOUNT, fill("f1", "b-1", 40, 10.0))
            postgres.kill_connections(on_server.url)
            for _ in range(2):
                with pytest.raises(LedgerError, match="lost"):
                    ledger.record_fill(ACCOUNT, fill("f2", "b-1", 40, 10.0))
        assert ledger.fills() == ()


def test_an_error_of_the_program_is_told_rather_than_the_lost_connection(
    on_server: Place, postgres: Server
) -> None:
    with on_server.open() as ledger, pytest.raises(KeyboardInterrupt), ledger.transaction():
        ledger.record_fill(ACCOUNT, fill("f1", "b-1", 40, 10.0))
        postgres.kill_connections(on_server.url)
        raise KeyboardInterrupt


def test_a_database_that_is_not_there_is_said(postgres: Server) -> None:
    with pytest.raises(
        LedgerError, match=r"^postgresql://postgres@.*/nowhere: there is no such database; create"
    ):
        open_ledger(postgres.url("nowhere"))


def test_a_user_that_is_not_known_is_said(on_server: Place) -> None:
    with pytest.raises(LedgerError, match=r"does not know this user; create it: createuser NAME"):
        open_ledger(on_server.url.replace("postgres@", "nobody@").replace("//postgres:", "//nobody:"))


def test_a_server_that_is_down_is_said() -> None:
    with pytest.raises(LedgerError, match=r"/name: the server cannot be reached; see that it runs") as raised:
        open_ledger("postgresql://trader:s3cret@127.0.0.1:1/name")
    assert "\n" not in str(raised.value) and "s3cret" not in str(raised.value)


def test_an_option_that_is_none_is_named(on_server: Place) -> None:
    with pytest.raises(LedgerError, match=r"an option that is none of PostgreSQL's: .*nonsense"):
        open_ledger(f"{on_server.url}&nonsense=1")


def test_a_password_is_taken_from_the_address_or_the_environment_file(
    postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PGPASSWORD", raising=False)
    with postgres.database(empty=True) as url, postgres.role("keeper", password="right") as url_of:
        name = url.rpartition("?")[0].rpartition("/")[2]
        with pytest.raises(LedgerError, match="refuses the user or the password") as raised:
            open_database(url_of(name, "wr0ng")).schema_version  # noqa: B018
        assert "wr0ng" not in str(raised.value)
        with pytest.raises(
            LedgerError, match=r"asks for a password; set it in `ledger:`, or PGPASSWORD in .env"
        ):
            open_database(url_of(name, "")).schema_version  # noqa: B018
        database = open_database(url_of(name, "right"))
        assert database.schema_version == 0
        database.close()
        (tmp_path / ".env").write_text("PGPASSWORD=right\n")
        database = open_database(url_of(name, ""), tmp_path)
        assert database.schema_version == 0
        database.close()


def test_a_user_who_may_not_make_tables_is_told(postgres: Server, tmp_path: Path) -> None:
    with postgres.database(empty=True) as url, postgres.role("reader", password="right") as url_of:
        name = url.rpartition("?")[0].rpartition("/")[2]
        with pytest.raises(
            LedgerError, match=r"its user may not do that; `GRANT CREATE, USAGE ON SCHEMA public`"
        ):
            open_ledger(url_of(name, "right"))


def test_without_its_driver_the_way_to_install_it_is_told(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from momentum.ledger.store import open_ledger\n"
        "open_ledger('postgresql://host/name')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "needs psycopg: pip install 'momentum-trader[postgres]'" in done.stderr.splitlines()[-1]


def test_a_statement_that_fails_undoes_nothing_else_of_its_transaction(ledger: Ledger) -> None:
    with ledger.transaction():
        ledger.record_fill(ACCOUNT, fill("f1", "b-1", 40, 10.0))
        with pytest.raises(LedgerError):
            ledger._db.run(Sql("INSERT INTO missing VALUES (1)"))
    assert len(ledger.fills()) == 1


def test_text_that_a_database_cannot_hold_stops_nothing(ledger: Ledger) -> None:
    write(
        ledger,
        request("b-1"),
        reason="a\0b \ud800 ok",
        context={"said": "x\0y \udfff", "price": float("nan")},
    )
    intent = ledger.intent("b-1")
    assert intent is not None
    assert (intent.reason, intent.context["price"]) == ("a\ufffdb \ufffd ok", None)
    assert str(intent.context["said"]).startswith("x") and "\udfff" not in str(intent.context["said"])


def test_text_is_compared_letter_by_letter(ledger: Ledger) -> None:
    for symbol in ("b", "B", "a", "A", "_", "BRK.B", "BRK-A"):
        ledger.record_fill(ACCOUNT, fill(f"f-{symbol}", "x", 1, 1.0, symbol=symbol))
    found = [trade.symbol for trade in ledger.open_trades(ACCOUNT)]
    assert found == sorted(found) and len(found) == 7


@pytest.mark.parametrize("prefix", ["ws_1-MU-buy", "ws%-MU-buy", "ws\\-MU-buy", "ws'-MU-buy"])
def test_numbers_are_found_by_a_prefix_of_any_letters(ledger: Ledger, prefix: str) -> None:
    write(ledger, request(f"{prefix}-7"))
    write(ledger, request("wsX1-MU-buy-9"))
    assert ledger.next_seq(prefix) == 8


def watch(ledger: Ledger, count: int) -> None:
    entries = [WatchEntry(f"S{number}", SESSION, number, "near") for number in range(count)]
    ledger.update_watchlist(ACCOUNT, entries, replacing=None)


def tables_of(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """The columns, references and indexes of each table of a SQLite file, spelling aside."""
    with closing(sqlite3.connect(path)) as file:
        names = [
            name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")
        ]
        return {
            name: [
                *(
                    (column, required)
                    for _, column, _, required, _, _ in file.execute(f"PRAGMA table_info({name})")
                ),
                *sorted((t, a, b) for _, _, t, a, b, *_ in file.execute(f"PRAGMA foreign_key_list({name})")),
                *sorted(
                    (unique, partial, *(c for _, _, c in file.execute(f"PRAGMA index_info({index})")))
                    for _, index, unique, origin, partial in file.execute(f"PRAGMA index_list({name})")
                ),
            ]
            for name in names
        }


def test_a_backup_is_the_same_ledger_as_a_sqlite_file(on_server: Place, tmp_path: Path) -> None:
    with on_server.open() as ledger:
        info = ledger.begin_scan(scan_info(), ACCOUNT, NOW)
        ledger.finish_scan(info.id, "finished", {"funnel": []}, bytes(range(256)))
        write(ledger, request("b-1"), context={"breakout_5d": True, "rsi": 61.5})
        ledger.record_fill(ACCOUNT, fill("f1", "b-1", 100, 10.0 / 7))
        watch(ledger, 450)
        backup = ledger.backup()
        assert backup == on_server.backups / "ledger.copy.db"
        plain = tmp_path / "plain.db"
        open_ledger(f"sqlite:///{plain}").close()
        assert tables_of(backup) == tables_of(plain)
        with open_ledger(f"sqlite:///{backup}") as copy:
            assert copy.trades() == ledger.trades() and copy.fills() == ledger.fills()
            assert copy.intents() == ledger.intents() and copy.scan() == ledger.scan()
            assert copy.watchlist(ACCOUNT) == ledger.watchlist(ACCOUNT)
            assert copy.record_fill(ACCOUNT, fill("f-new", "b-1", 1, 10.0))


def test_a_backup_goes_back_into_a_server_whole(on_server: Place) -> None:
    with on_server.open() as ledger:
        ledger.record_fill(ACCOUNT, fill("f1", "b-1", 40, 10.0))
        watch(ledger, 250)
        backup = ledger.backup()
        before = (ledger.trades(), ledger.fills(), ledger.watchlist(ACCOUNT))
        ledger.forget_account(ACCOUNT)
        write(ledger, request("later"))
        copy, database = open_database(f"sqlite:///{backup}"), on_server.database()
        assert copy_into(copy, database) == 252
        copy.close()
        database.close()
        assert (ledger.trades(), ledger.fills(), ledger.watchlist(ACCOUNT)) == before
        assert ledger.intents() == ()
        assert ledger.record_fill(ACCOUNT, fill("f-new", "b-1", 1, 10.0))
        assert [row["id"] for row in rows(ledger, t.Fill)] == [1, 2]

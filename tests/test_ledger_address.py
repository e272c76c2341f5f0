"""The address of a ledger: what it names, what it may be, and that its password is never shown."""

from __future__ import annotations

import pytest

from momentum.errors import LedgerError
from momentum.ledger import address
from momentum.ledger.postgres import PostgresDatabase
from momentum.ledger.store import open_ledger
from momentum.redaction import without_password

FULL = "postgresql://trader:s3cret%40home@db.example.com:6432/momentum?sslmode=require"


def test_an_address_names_server_database_and_user() -> None:
    found = address.postgres_address(FULL)
    assert found.label == "postgresql://trader@db.example.com:6432/momentum"
    assert found.parameters == {
        "host": "db.example.com", "port": "6432", "dbname": "momentum", "user": "trader",
        "password": "s3cret@home", "sslmode": "require",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("url", "label"),
    [
        ("postgres://host/name", "postgresql://host/name"),
        ("postgresql:///name", "postgresql://localhost/name"),
        ("postgresql://me@/name?host=/run/postgresql", "postgresql://me@/run/postgresql/name"),
        ("postgresql://me:x@[::1]:5433/name", "postgresql://me@::1:5433/name"),
    ],
)
def test_what_is_left_out_is_the_servers_default(url: str, label: str) -> None:
    assert address.postgres_address(url).label == label


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://trader:s3c/ret@host/name",
        "postgresql://trader:s3c@ret@host/name",
        "postgresql://trader:s3c#ret@host/name",
        "postgresql://trader:s3c?ret@host/name",
        "postgresql://trader:12?ret@host/name",
        "postgresql://trader:12/ret@host/name",
        "postgresql://trader:s3cret@host",
        "postgresql://trader:s3cret@host:port/name",
        "postgresql:trader:s3cret",
    ],
)
def test_an_address_that_cannot_be_read_is_told_without_its_password(url: str) -> None:
    with pytest.raises(LedgerError, match=r"postgresql://user:password@host:port/name.*%40 for @") as raised:
        open_ledger(url)
    assert "s3c" not in str(raised.value) and "ret" not in str(raised.value)
    assert address.label(url) == "postgresql://***"


def test_no_text_about_a_database_holds_its_password() -> None:
    found = address.postgres_address(FULL)
    shown = f"{found} {found!r} {PostgresDatabase(found).name} {address.label(FULL)}"
    assert "s3cret" not in shown and "home" not in shown


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (FULL, "postgresql://trader:***@db.example.com:6432/momentum?sslmode=require"),
        ("postgresql://trader:a@b/c@host/name", "postgresql://trader:***@host/name"),
        (
            "postgresql://trader@host/name?password=s3cret&x=1",
            "postgresql://trader@host/name?password=***&x=1",
        ),
        ("postgresql://trader@host:5432/name", "postgresql://trader@host:5432/name"),
        ("sqlite:///data/ledger.db", "sqlite:///data/ledger.db"),
    ],
)
def test_settings_show_an_address_without_its_password(url: str, shown: str) -> None:
    assert without_password(url) == shown


def test_a_server_is_taken_to_hold_a_ledger_and_a_file_is_looked_for(tmp_path) -> None:
    assert address.exists(FULL)
    assert not address.exists(f"sqlite:///{tmp_path}/ledger.db")
    (tmp_path / "ledger.db").touch()
    assert address.exists(f"sqlite:///{tmp_path}/ledger.db")


def test_a_database_on_a_server_is_no_file() -> None:
    with pytest.raises(
        LedgerError, match=r"^postgresql://trader@db.example.com:6432/momentum: is a database"
    ):
        address.ledger_path(FULL)

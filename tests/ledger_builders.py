"""Builders for the ledger's tests: a scan, orders and fills, with defaults for what a test does not care about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from momentum.ledger.address import is_postgres, ledger_path, postgres_address
from momentum.ledger.database import Database
from momentum.ledger.fields import Table
from momentum.ledger.postgres import PostgresDatabase
from momentum.ledger.sqlite import SqliteDatabase
from momentum.ledger.store import Ledger, open_ledger
from momentum.model.decision import ScanInfo
from momentum.model.orders import Fill, Order, OrderRequest, OrderState, OrderType, Side

ACCOUNT = "paper-sample"
SESSION = date(2026, 11, 24)
NOW = datetime(2026, 11, 24, 20, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Place:
    """Where a ledger is kept, of any kind; `directory` is the workspace."""

    url: str
    directory: Path

    @property
    def backups(self) -> Path:
        return self.directory / "data" / "backups"

    def open(self) -> Ledger:
        return open_ledger(self.url, self.directory)

    def database(self, busy_seconds: float = 15.0) -> Database:
        """The bare database, for what the ledger does not do itself."""
        if is_postgres(self.url):
            address = postgres_address(self.url)
            return PostgresDatabase(address, backups=self.backups, busy_seconds=busy_seconds)
        return SqliteDatabase(ledger_path(self.url), busy_seconds=busy_seconds)


class Sql(NamedTuple):
    """A statement in the database's own words."""

    text: str

    def execute(self, database: Any) -> Any:
        return database.execute_sql(self.text)


def rows(ledger: Ledger, table: type[Table]) -> list[dict[str, Any]]:
    """What a table of the ledger holds, by column, in the order in which it was written."""
    return ledger._db.rows(table.select().order_by(table.id))


def scan_info(id: str = "2026-11-24-close-all-1", *, session: date = SESSION) -> ScanInfo:
    return ScanInfo(id, "momentum_breakout", session, "close", "all", NOW, dry_run=False, max_buys=2)


def request(
    client_id: str,
    symbol: str = "MU",
    side: Side = "buy",
    qty: int = 100,
    type: OrderType = "market",
    trail: float | None = None,
) -> OrderRequest:
    return OrderRequest(client_id, symbol, side, type, qty, trail=trail)


def write(
    ledger: Ledger,
    asked: OrderRequest,
    reason: str = "score 15",
    context: Mapping[str, object] | None = None,
    scan_id: str | None = None,
) -> None:
    ledger.write_intent(asked, account=ACCOUNT, scan_id=scan_id, reason=reason, context=context or {}, at=NOW)


def order(
    asked: OrderRequest, state: OrderState, filled: int = 0, price: float | None = None, minute: int = 1
) -> Order:
    at = NOW + timedelta(minutes=minute)
    return Order(
        id=f"broker-{asked.client_id}",
        client_id=asked.client_id,
        symbol=asked.symbol,
        side=asked.side,
        type=asked.type,
        qty=asked.qty,
        state=state,
        submitted_at=NOW,
        updated_at=at,
        filled_qty=filled,
        fill_price=price,
    )


def fill(
    id: str,
    client_id: str,
    qty: int,
    price: float,
    *,
    side: Side = "buy",
    symbol: str = "MU",
    at: datetime = NOW,
    commission: float = 0.0,
) -> Fill:
    return Fill(id, f"broker-{client_id}", client_id, symbol, side, qty, price, at, commission)

"""The file that paper accounts are kept in: one SQLite database, one account for each source of market data.

Everything that happens to an account is one transaction, begun as a writer and flushed to the disk at its
end: a process that dies leaves the account as it was before or as it is after, never between.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import peewee

from momentum.errors import BrokerError
from momentum.execution.book import Book, Change, Held
from momentum.ledger.sqlite import first_cause, write_ahead
from momentum.model.orders import Fill, Order, OrderRequest
from momentum_plugins.paper import rows

APPLICATION_ID = 0x4D504150
"""Marks a SQLite file as one of paper accounts."""
VERSION = 1
"""The version of the tables, kept as the file's `user_version`."""
_BUSY_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Kept:
    """An account as the file has it: its book, and the last moment it lived through (None at the start)."""

    book: Book
    moment: datetime | None


class Store:
    """One file of paper accounts. It comes into being with the first write; reading never makes one.

    Every method raises `BrokerError`, in one line, where the file cannot be used.
    """

    def __init__(self, path: Path, *, busy_seconds: float = _BUSY_SECONDS) -> None:
        self.path = path
        self._busy_seconds = busy_seconds
        pragmas = {"synchronous": "full", "foreign_keys": 1}
        self._sqlite: Any = peewee.SqliteDatabase(str(path), pragmas=pragmas, timeout=busy_seconds)
        self._accounts, self._holdings, self._orders, self._fills = rows.tables(self._sqlite)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """One transaction: all of it is kept, or nothing where it raises. Other writers wait for it."""
        with self._told():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_ahead(self._sqlite, self._busy_seconds)
        with self._transaction("IMMEDIATE"):
            with self._told():
                if not self._has_tables():
                    self._create_tables()
            yield

    @contextmanager
    def reading(self) -> Iterator[bool]:
        """One consistent view of the file for all reads inside; False where there is nothing to read."""
        if not self.path.exists():
            yield False
            return
        with self._transaction("DEFERRED"):
            with self._told():
                ready = self._has_tables()
            yield ready

    def load(self, account: str) -> Kept | None:
        """The account, or None where the file does not have it."""
        table = self._accounts
        found = self._read(table.select().where(table.id == account))
        if not found:
            return None
        row = found[0]
        open_orders = self._read(self._orders_of(account).where(self._orders.is_open == 1))
        held = self._read(self._holdings.select().where(self._holdings.account == account))
        book = Book(
            cash=row["cash"],
            series=row["series"],
            holdings={item["symbol"]: Held(item["qty"], item["entry_price"]) for item in held},
            orders={item["id"]: rows.order(item) for item in open_orders},
            reserved={item["id"]: item["reserved"] for item in open_orders if item["reserved"]},
            next_order=row["next_order"],
            next_fill=row["next_fill"],
        )
        return Kept(book, None if row["moment"] is None else rows.moment(row["moment"]))

    def save(self, account: str, change: Change, moment: datetime | None) -> None:
        """Keep an account's new book, the orders that changed and the fills; belongs inside `writing`."""
        book = change.book
        with self._told():
            self._accounts.insert(rows.of_account(account, book, moment)).on_conflict_replace().execute()
            self._holdings.delete().where(self._holdings.account == account).execute()
            for symbol, held in book.holdings.items():
                self._holdings.insert(
                    account=account, symbol=symbol, qty=held.qty, entry_price=held.entry_price
                ).execute()
            for order in change.orders:
                row = rows.of_order(account, order, book.reserved.get(order.id, 0.0))
                changed = {key: value for key, value in row.items() if key not in ("account", "id")}
                self._orders.insert(row).on_conflict(
                    conflict_target=("account", "id"), update=changed
                ).execute()
            for fill in change.fills:
                self._fills.insert(rows.of_fill(account, fill)).execute()

    def find(self, account: str, client_id: str) -> Order | None:
        """The order with that client id, open or not."""
        found = self._read(self._orders_of(account).where(self._orders.client_id == client_id))
        return rows.order(found[0]) if found else None

    def in_flight(self, account: str) -> tuple[OrderRequest, ...]:
        """The orders that were sent and have not arrived, oldest first."""
        table = self._orders
        query = table.select().where((table.account == account) & (table.state == rows.IN_FLIGHT))
        return tuple(rows.request(row) for row in self._read(query.order_by(table.number)))

    def launch(self, account: str, request: OrderRequest, at: datetime) -> None:
        """Keep an order that has not arrived yet; belongs inside `writing`."""
        with self._told():
            self._orders.insert(rows.of_request(account, request, at)).on_conflict_ignore().execute()

    def land(self, account: str, client_id: str) -> None:
        """Forget an order in flight, since it arrives or never will; belongs inside `writing`."""
        table = self._orders
        with self._told():
            table.delete().where(
                (table.account == account) & (table.client_id == client_id) & (table.state == rows.IN_FLIGHT)
            ).execute()

    def lagging(self, account: str) -> dict[str, tuple[str, int]]:
        """Cancelled sales whose shares are told as held still: the order's id to symbol and shares."""
        table = self._orders
        query = self._orders_of(account).where(
            (table.is_open == 0) & (table.side == "sell") & (table.reserved > 0)
        )
        return {row["id"]: (row["symbol"], int(row["reserved"])) for row in self._read(query)}

    def set_lag(self, account: str, order_id: str, shares: int) -> None:
        """Tell a cancelled sale's shares as held still, or no more with 0; belongs inside `writing`."""
        table = self._orders
        with self._told():
            table.update({table.reserved: float(shares)}).where(
                (table.account == account) & (table.id == order_id)
            ).execute()

    def take_number(self, account: str) -> int:
        """The account's next order number, which no order gets then; 0 where there is no such account."""
        table = self._accounts
        found = self._read(table.select(table.next_order).where(table.id == account))
        if not found:
            return 0
        number = int(found[0]["next_order"])
        with self._told():
            table.update({table.next_order: number + 1}).where(table.id == account).execute()
        return number

    def has_order(self, account: str, order_id: str) -> bool:
        """True where the account ever had an order of that id."""
        return bool(self._read(self._orders_of(account).where(self._orders.id == order_id)))

    def orders(self, account: str, *, open_only: bool) -> tuple[Order, ...]:
        """The account's orders, oldest first."""
        query = self._orders_of(account)
        if open_only:
            query = query.where(self._orders.is_open == 1)
        return tuple(rows.order(row) for row in self._read(query))

    def fills(self, account: str, after: datetime | None) -> tuple[Fill, ...]:
        """The account's fills later than `after` (all, where None), oldest first."""
        table = self._fills
        query = table.select().where(table.account == account).order_by(table.at, table.number)
        if after is not None:
            query = query.where(table.at > rows.microseconds(after))
        return tuple(rows.fill(row) for row in self._read(query))

    def accounts(self) -> tuple[str, ...]:
        """The accounts in the file, sorted."""
        return tuple(row["id"] for row in self._read(self._accounts.select().order_by(self._accounts.id)))

    def delete(self, account: str) -> None:
        """Remove an account with all that belongs to it; belongs inside `writing`."""
        with self._told():
            for table in (self._fills, self._orders, self._holdings):
                table.delete().where(table.account == account).execute()
            self._accounts.delete().where(self._accounts.id == account).execute()

    def close(self) -> None:
        """Close this thread's connection to the file."""
        self._sqlite.close()

    @contextmanager
    def _transaction(self, lock: str) -> Iterator[None]:
        atomic = self._sqlite.atomic(lock)
        with self._told():
            atomic.__enter__()
        try:
            yield
        except BaseException:
            # A database that failed has rolled back itself and says so; the first error is the one to tell.
            with suppress(peewee.PeeweeException):
                atomic.__exit__(*sys.exc_info())
            raise
        with self._told():
            atomic.__exit__(None, None, None)

    def _orders_of(self, account: str) -> Any:
        table = self._orders
        arrived = (table.account == account) & (table.state != rows.IN_FLIGHT)
        return table.select().where(arrived).order_by(table.number)

    def _read(self, query: Any) -> Sequence[dict[str, Any]]:
        with self._told():
            if self._sqlite.in_transaction():
                return list(query.dicts())
        with self.reading() as ready, self._told():
            return list(query.dicts()) if ready else []

    def _has_tables(self) -> bool:
        """False for a file that is still empty. Raises BrokerError for one that this version cannot use."""
        if self._sqlite.pragma("application_id") != APPLICATION_ID:
            if self._sqlite.get_tables():
                raise BrokerError(f"{self.path}: is not a file of paper accounts; {_MOVE_AWAY}")
            return False
        version = self._sqlite.pragma("user_version")
        if version != VERSION:
            raise BrokerError(
                f"{self.path}: its tables have version {version}, this momentum knows {VERSION}; "
                "use the version of momentum that made it, or move it away to start with a fresh account"
            )
        return True

    def _create_tables(self) -> None:
        for statement in rows.SCHEMA:
            self._sqlite.execute_sql(statement)
        self._sqlite.pragma("application_id", APPLICATION_ID)
        self._sqlite.pragma("user_version", VERSION)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (peewee.PeeweeException, sqlite3.Error, OSError) as error:
            raise BrokerError(f"{self.path}: {self._meaning(first_cause(error))}") from error

    def _meaning(self, text: str) -> str:
        lowered = text.lower()
        for part, meaning in _MEANINGS.items():
            if part in lowered:
                return meaning.format(seconds=f"{self._busy_seconds:g}", directory=self.path.parent)
        return f"the paper account failed: {text}"


_MOVE_AWAY = "move it away to start with a fresh account"
_MEANINGS = {
    "not a database": f"is not a SQLite database; {_MOVE_AWAY}",
    "malformed": f"is damaged; {_MOVE_AWAY}",
    "no such table": f"is damaged, a table is missing; {_MOVE_AWAY}",
    "no such column": f"is damaged, a column is missing; {_MOVE_AWAY}",
    "locked": "another process has been writing for over {seconds} s; try again when it has ended",
    "readonly": "cannot be written; make the file and the directory {directory} writable",
    "unable to open": "cannot be opened; see that {directory} is a directory you may write in",
    "permission denied": "cannot be opened; make the file and the directory {directory} writable",
    "is full": "the disk is full; make room in {directory} and try again",
    "disk i/o": "the disk is full or fails; make room in {directory} and try again",
}

"""The tables of a paper account, and how orders and fills are written in them.

Moments are whole microseconds since the epoch, in UTC; money is a double. An order's `reserved` is the dollars
that an open buy sets aside; of a cancelled sale it is the shares that are told as held though they are free.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

import peewee

from momentum.execution.book import Book
from momentum.model.orders import Fill, Order, OrderRequest, OrderState

SCHEMA = (
    """CREATE TABLE accounts (
        id TEXT PRIMARY KEY, series TEXT NOT NULL, cash REAL NOT NULL, moment INTEGER,
        next_order INTEGER NOT NULL, next_fill INTEGER NOT NULL)""",
    """CREATE TABLE holdings (
        account TEXT NOT NULL, symbol TEXT NOT NULL, qty INTEGER NOT NULL CHECK (qty > 0),
        entry_price REAL NOT NULL, PRIMARY KEY (account, symbol))""",
    """CREATE TABLE orders (
        number INTEGER PRIMARY KEY, account TEXT NOT NULL, id TEXT NOT NULL, client_id TEXT NOT NULL,
        is_open INTEGER NOT NULL, reserved REAL NOT NULL, symbol TEXT NOT NULL, side TEXT NOT NULL,
        type TEXT NOT NULL, qty INTEGER NOT NULL, state TEXT NOT NULL, submitted_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL, filled_qty INTEGER NOT NULL, fill_price REAL, limit_price REAL,
        stop_price REAL, trail REAL, hwm REAL, time_in_force TEXT NOT NULL, reason TEXT NOT NULL,
        UNIQUE (account, id), UNIQUE (account, client_id))""",
    "CREATE INDEX orders_open ON orders (account, is_open)",
    """CREATE TABLE fills (
        number INTEGER PRIMARY KEY, account TEXT NOT NULL, id TEXT NOT NULL, order_id TEXT NOT NULL,
        client_id TEXT NOT NULL, symbol TEXT NOT NULL, side TEXT NOT NULL, qty INTEGER NOT NULL,
        price REAL NOT NULL, at INTEGER NOT NULL, commission REAL NOT NULL, UNIQUE (account, id))""",
)

IN_FLIGHT = "in_flight"
"""The state of an order that was sent and has not arrived: it is no order of the account yet."""

_ORDER = tuple(field.name for field in fields(Order))
_REQUEST = tuple(field.name for field in fields(OrderRequest))
_FILL = tuple(field.name for field in fields(Fill))

_COLUMNS = {
    "accounts": ("id", "series", "cash", "moment", "next_order", "next_fill"),
    "holdings": ("account", "symbol", "qty", "entry_price"),
    "orders": ("number", "account", "is_open", "reserved", *_ORDER),
    "fills": ("number", "account", *_FILL),
}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def tables(database: peewee.SqliteDatabase) -> tuple[Any, ...]:
    """Accounts, holdings, orders and fills for peewee's query builder, which names columns as attributes.

    They are new ones for each database: binding a table binds that very object.
    """
    return tuple(
        peewee.Table(name, columns, primary_key=False).bind(database) for name, columns in _COLUMNS.items()
    )


def microseconds(at: datetime) -> int:
    """A moment as it is written."""
    return (at - _EPOCH) // _MICROSECOND


def moment(value: int) -> datetime:
    """A moment as it is read, in UTC."""
    return _EPOCH + value * _MICROSECOND


def of_account(account: str, book: Book, at: datetime | None) -> dict[str, Any]:
    """The row of an account."""
    return {
        "id": account,
        "series": book.series,
        "cash": book.cash,
        "moment": None if at is None else microseconds(at),
        "next_order": book.next_order,
        "next_fill": book.next_fill,
    }


def of_order(account: str, order: Order, reserved: float) -> dict[str, Any]:
    """The row of an order, with the cash that it sets aside."""
    row = {name: getattr(order, name) for name in _ORDER}
    return row | {
        "account": account,
        "is_open": int(order.state.is_open),
        "reserved": reserved,
        "state": order.state.value,
        "submitted_at": microseconds(order.submitted_at),
        "updated_at": microseconds(order.updated_at),
    }


def of_request(account: str, request: OrderRequest, at: datetime) -> dict[str, Any]:
    """The row of an order that is on its way to the account."""
    waiting = Order(
        id=f"{IN_FLIGHT}:{request.client_id}",
        state=OrderState.PENDING_NEW,
        submitted_at=at,
        updated_at=at,
        **{name: getattr(request, name) for name in _REQUEST},
    )
    return of_order(account, waiting, 0.0) | {"is_open": 0, "state": IN_FLIGHT}


def request(row: Mapping[str, Any]) -> OrderRequest:
    """An order on its way, from its row."""
    return OrderRequest(**{name: row[name] for name in _REQUEST})


def order(row: Mapping[str, Any]) -> Order:
    """An order from its row."""
    values = {name: row[name] for name in _ORDER}
    return Order(
        **values
        | {
            "state": OrderState(row["state"]),
            "submitted_at": moment(row["submitted_at"]),
            "updated_at": moment(row["updated_at"]),
        }
    )


def of_fill(account: str, fill: Fill) -> dict[str, Any]:
    """The row of a fill."""
    return {name: getattr(fill, name) for name in _FILL} | {"account": account, "at": microseconds(fill.at)}


def fill(row: Mapping[str, Any]) -> Fill:
    """A fill from its row."""
    return Fill(**{name: row[name] for name in _FILL} | {"at": moment(row["at"])})

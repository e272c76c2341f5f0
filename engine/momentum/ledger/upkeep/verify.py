"""Is a ledger whole, and do its books agree? Read only, without migrating, whatever state it is in."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from momentum.ledger.database import Database
from momentum.ledger.fields import DayField, JsonField, MomentField
from momentum.ledger.source.shapes import looks_like_trades
from momentum.ledger.tables import TABLES
from momentum.ledger.upkeep.backups import APPLICATION_ID
from momentum.ledger.upkeep.findings import BY_HAND, MAKE_ROOM, RESTORE, BookFinding, Check
from momentum.ledger.upkeep.readonly import Ask, has_log, reading
from momentum.ledger.upkeep.verify_books import check_books

Kind = Literal["ledger", "source", "new", "other", "damaged"]

_NAMES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
_MOST = 20
"""So many damaged places are named; they are found by reading on, and one is enough to go back."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check of a whole ledger found. `damaged` where pages or references are; then nothing else counts."""

    where: str
    kind: Kind
    version: int | None
    checks: tuple[Check, ...]

    @property
    def findings(self) -> tuple[BookFinding, ...]:
        """All that was found."""
        return tuple(finding for check in self.checks for finding in check.findings)

    @property
    def damaged(self) -> bool:
        """Whether the file cannot be read to its end, so that it must not be used."""
        return self.kind == "damaged"


def verify_file(path: Path, newest: int, *, still: bool = False) -> Verdict:
    """Check a SQLite ledger, `newest` being the version that this program makes.

    `still` says that nobody changes it, as a backup.
    """
    try:
        with reading(path, still=still) as ask:
            return _verdict(path, ask, newest)
    except sqlite3.Error as error:
        # A disk that is full or takes no files lets SQLite open a file only as one that is still.
        if isinstance(error, sqlite3.OperationalError) and not still and not has_log(path):
            return verify_file(path, newest, still=True)
        torn = not isinstance(error, sqlite3.OperationalError)
        finding = BookFinding("pages", f"cannot be read: {error}", RESTORE if torn else MAKE_ROOM)
        return Verdict(str(path), "damaged", None, (Check("every page can be read", "", (finding,)),))


def _verdict(path: Path, ask: Ask, newest: int) -> Verdict:
    pages = _pages(ask)
    if pages.findings:
        return Verdict(str(path), "damaged", None, (pages,))
    kind, version = _kind(ask)
    return Verdict(str(path), kind, version, (pages, *_within(ask, kind, version, newest)))


def verify_database(database: Database, newest: int) -> Verdict:
    """Check a ledger in a database that looks after its own pages and references. Raises LedgerError."""

    def ask(query: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = database.run(_Rows(query))
        return found

    def columns(table: str) -> frozenset[str]:
        return frozenset(row["column_name"] for row in ask(_COLUMNS.format(table=table)))

    version = database.schema_version
    kind: Kind = "other" if version is None else "new" if version == 0 else "ledger"
    checks = [_version(kind, version, newest)]
    if kind == "ledger" and version == newest:
        checks += _contents(ask, columns)
    return Verdict(database.name, kind, version, tuple(checks))


_COLUMNS = """
SELECT column_name FROM information_schema.columns
WHERE table_schema = current_schema() AND table_name = '{table}'"""


@dataclass(frozen=True, slots=True)
class _Rows:
    """A query in plain SQL, answered with its rows by column."""

    text: str

    def execute(self, database: Any) -> list[dict[str, Any]]:
        cursor = database.execute_sql(self.text)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


Columns = Callable[[str], frozenset[str]]
"""The columns of a table, by its name; none where there is no such table."""


def _pages(ask: Ask) -> Check:
    rows = ask(f"PRAGMA integrity_check({_MOST})")
    lines = [line for row in rows for line in row["integrity_check"].splitlines()]
    wrong = [BookFinding("pages", line, RESTORE) for line in lines if line != "ok" and "***" not in line]
    count, size = ask("PRAGMA page_count")[0]["page_count"], ask("PRAGMA page_size")[0]["page_size"]
    return Check("every page can be read", f"pages: {count}, {count * size / 1e6:.1f} MB", tuple(wrong))


def _kind(ask: Ask) -> tuple[Kind, int | None]:
    mark = ask("PRAGMA application_id")[0]["application_id"]
    if mark == APPLICATION_ID:
        return "ledger", ask("PRAGMA user_version")[0]["user_version"]
    names = {row["name"].lower() for row in ask(_NAMES)}
    if not names:
        return "new", 0
    if mark == 0 and looks_like_trades(_columns_of(ask)("trades")):
        return "source", None
    return "other", None


def _within(ask: Ask, kind: Kind, version: int | None, newest: int) -> list[Check]:
    checks = [_version(kind, version, newest)]
    if kind == "ledger" and version == newest:
        found = _contents(ask, _columns_of(ask))
        whole = not found[0].findings  # without its tables there is nothing to refer to
        checks += [*found, _references(ask)] if whole else found
    return checks


def _version(kind: Kind, version: int | None, newest: int) -> Check:
    name = "the version is known"
    if kind == "source":
        return Check(name, "a database of the source system, which `momentum db migrate` turns into a ledger")
    if kind == "new":
        return Check(name, "an empty file, which the next command makes a ledger")
    if version is None:
        finding = BookFinding("database", "is not a ledger of momentum", "set `ledger:` to another file")
        return Check(name, "", (finding,))
    if version > newest:
        text = f"is of version {version}, and this momentum knows versions up to {newest}"
        return Check(name, "", (BookFinding("ledger", text, "install the newer momentum"),))
    older = f", the newest is {newest}: `momentum db migrate` first, then verify its books"
    return Check(name, f"version {version}{older if version < newest else ''}")


def _references(ask: Ask) -> Check:
    wrong = [
        BookFinding(
            f"{row['table']} {row['rowid']}", f"refers to a row of {row['parent']} that is not there", BY_HAND
        )
        for table in TABLES
        for row in ask(f'PRAGMA foreign_key_check("{table._meta.table_name}")')
    ]
    return Check("each reference has its row", f"tables: {len(TABLES)}", tuple(wrong))


def _columns_of(ask: Ask) -> Columns:
    return lambda table: frozenset(row["name"] for row in ask(f'PRAGMA table_info("{table}")'))


def _contents(ask: Ask, columns: Columns) -> list[Check]:
    tables = _tables(columns)
    if tables.findings:
        return [tables]
    return [tables, _values(ask), *check_books(ask)]


def _tables(columns: Columns) -> Check:
    wrong: list[BookFinding] = []
    number = 0
    for table in TABLES:
        name = table._meta.table_name
        there = columns(name)
        wanted = [field.column_name for field in table._meta.sorted_fields]
        number += len(wanted)
        lacking = [column for column in wanted if column not in there]
        if not there:
            wrong.append(BookFinding(name, "the table is missing", RESTORE))
        elif lacking:
            wrong.append(BookFinding(name, f"lacks {', '.join(lacking)}", RESTORE))
    return Check("tables and columns are there", f"tables: {len(TABLES)}, columns: {number}", tuple(wrong))


def _values(ask: Ask) -> Check:
    """JSON, moments and dates, as they must be read again."""
    wrong: list[BookFinding] = []
    number = 0
    for table in TABLES:
        typed = [f for f in table._meta.sorted_fields if isinstance(f, JsonField | MomentField | DayField)]
        for field in typed:
            column, name = field.column_name, table._meta.table_name
            for row in ask(f'SELECT id, "{column}" FROM "{name}" WHERE "{column}" IS NOT NULL ORDER BY id'):
                number += 1
                problem = _unreadable(field, row[column])
                if problem:
                    wrong.append(BookFinding(f"{name} {row['id']}", f"{column} {problem}", BY_HAND))
    return Check("JSON, moments and dates can be read", f"values: {number}", tuple(wrong))


_SAYS: Mapping[type, str] = {JsonField: "is no JSON", MomentField: "is no moment", DayField: "is no date"}


def _unreadable(field: Any, raw: Any) -> str:
    try:
        field.python_value(raw)
    except (ValueError, TypeError, OverflowError):
        return f"{_SAYS[type(field)]}: {str(raw)[:40]!r}"
    return ""

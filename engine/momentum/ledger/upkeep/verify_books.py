"""Whether the ledger's books agree with each other: trades with fills, fills with intents, deliveries with events."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from momentum.ledger.intents import FINAL
from momentum.ledger.trades import ADOPTED, EXTERNAL, IMPORTED
from momentum.ledger.upkeep.findings import BY_HAND, RECONCILE, BookFinding, Check
from momentum.ledger.upkeep.readonly import Ask

_TRADES = f"""
SELECT t.id, t.account, t.symbol, t.opened_at, t.entry_quantity, t.exit_quantity, t.entry_reason, t.exit_reason,
       COALESCE(SUM(CASE WHEN f.side = 'buy' THEN f.qty END), 0) AS bought,
       COALESCE(SUM(CASE WHEN f.side = 'sell' THEN f.qty END), 0) AS sold
FROM trades t LEFT JOIN fills f ON f.trade_id = t.id
WHERE t.account <> '{IMPORTED}'
GROUP BY t.id, t.account, t.symbol, t.opened_at, t.entry_quantity, t.exit_quantity, t.entry_reason, t.exit_reason
ORDER BY t.id"""

_CHANGES = """
SELECT account, at, data FROM events WHERE kind IN ('position.adopted', 'position.gone', 'position.split')"""
"""What reconciling with the broker took in without a fill."""

_FILLS = """
SELECT f.id, f.symbol, f.side, f.qty, f.account, f.client_id, f.trade_id, i.id AS intent, i.symbol AS intended,
       t.symbol AS traded, t.account AS owner
FROM fills f
LEFT JOIN trades t ON t.id = f.trade_id
LEFT JOIN order_intents i ON i.client_id = f.client_id AND i.account = f.account AND i.status <> 'refused'
ORDER BY f.id"""

_OPEN = """
SELECT account, symbol, COUNT(*) AS number, MIN(id) AS id FROM trades WHERE status = 'open'
GROUP BY account, symbol ORDER BY account, symbol"""

_INTENTS = f"""
SELECT i.id, i.client_id, i.status, i.qty, i.filled_qty, COALESCE(SUM(f.qty), 0) AS told
FROM order_intents i LEFT JOIN fills f ON f.client_id = i.client_id AND f.account = i.account
WHERE i.status IN ({", ".join(f"'{state}'" for state in (*FINAL, "lost"))})
GROUP BY i.id, i.client_id, i.status, i.qty, i.filled_qty ORDER BY i.id"""

_DELIVERIES = """
SELECT o.id, o.notifier, o.event_id, e.id AS event FROM outbox o
LEFT JOIN events e ON e.event_id = o.event_id ORDER BY o.id"""

Judge = Callable[[dict[str, Any]], BookFinding | None]


def check_books(ask: Ask) -> list[Check]:
    """Every check over the rows of a ledger at the newest version."""
    changed = _changes(ask)
    return [
        _each(
            ask,
            "quantities of trades are those of their fills",
            "trades",
            _TRADES,
            partial(_quantities, changed),
        ),
        _each(ask, "each fill has its trade and its order", "fills", _FILLS, _fill),
        _each(ask, "one open trade for a symbol", "symbols", _OPEN, _open_twice),
        _each(ask, "orders that ended count the fills that were told", "orders", _INTENTS, _intent),
        _each(ask, "each delivery has its event", "deliveries", _DELIVERIES, _delivery),
    ]


def _each(ask: Ask, name: str, what: str, query: str, judge: Judge) -> Check:
    rows = ask(query)
    found = tuple(finding for row in rows if (finding := judge(row)) is not None)
    return Check(name, f"{what}: {len(rows)}", found)


def _changes(ask: Ask) -> Mapping[tuple[str, str], int]:
    """When the broker last had other shares than the ledger, by account and symbol, in microseconds."""
    found: dict[tuple[str, str], int] = {}
    for row in ask(_CHANGES):
        with suppress(ValueError, TypeError, KeyError):  # a value that cannot be read is a finding of its own
            key = (row["account"], json.loads(row["data"])["symbol"])
            found[key] = max(row["at"], found.get(key, 0))
    return found


def _quantities(changed: Mapping[tuple[str, str], int], row: dict[str, Any]) -> BookFinding | None:
    """Shares that were adopted, split, or sold by somebody else have no fill; the trade or an event says so."""
    where, symbol = f"trades {row['id']}", row["symbol"]
    entered, bought = row["entry_quantity"], row["bought"]
    left, sold = row["exit_quantity"], row["sold"]
    if left > entered:
        return BookFinding(where, f"{symbol} sold {left} of {entered} shares", BY_HAND)
    if changed.get((row["account"], symbol), 0) >= row["opened_at"]:
        return None
    if bought != entered and row["entry_reason"] not in (ADOPTED, EXTERNAL):
        return BookFinding(where, f"{symbol} entered {entered} shares, its fills bought {bought}", RECONCILE)
    if sold != left and row["exit_reason"] != EXTERNAL:
        return BookFinding(where, f"{symbol} left {left} shares, its fills sold {sold}", RECONCILE)
    return None


def _fill(row: dict[str, Any]) -> BookFinding | None:
    """A sale of shares that no trade bought is somebody else's; an order of ours is written down before."""
    where = f"fills {row['id']}"
    what = f"{row['side']} {row['qty']} {row['symbol']}"
    if row["trade_id"] is None and row["intent"] is not None:
        return BookFinding(where, f"{what} belongs to no trade", RECONCILE)
    if row["trade_id"] is not None and (row["traded"], row["owner"]) != (row["symbol"], row["account"]):
        return BookFinding(where, f"{what} stands in a trade of {row['owner']}: {row['traded']}", BY_HAND)
    if row["intent"] is not None and row["intended"] != row["symbol"]:
        return BookFinding(where, f"{what}: its order was for {row['intended']}", BY_HAND)
    return None


def _open_twice(row: dict[str, Any]) -> BookFinding | None:
    if row["number"] == 1:
        return None
    text = f"{row['symbol']} has {row['number']} open trades in {row['account']}"
    return BookFinding(f"trades {row['id']}", text, BY_HAND)


def _intent(row: dict[str, Any]) -> BookFinding | None:
    where = f"order_intents {row['id']}"
    counted = f"{row['client_id']} is {row['status']} with {row['filled_qty']} of {row['qty']} filled"
    if row["filled_qty"] != row["told"]:
        return BookFinding(where, f"{counted}, its fills tell {row['told']}", RECONCILE)
    if row["filled_qty"] > row["qty"]:
        return BookFinding(where, counted, BY_HAND)
    return None


def _delivery(row: dict[str, Any]) -> BookFinding | None:
    if row["event"] is not None:
        return None
    text = f"{row['notifier']} shall tell {row['event_id']}, which is no event"
    return BookFinding(f"outbox {row['id']}", text, "it is never told, and does no harm")

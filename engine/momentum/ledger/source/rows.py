"""The rows of the source system's tables as rows of ours: pure, from plain mappings to plain mappings."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any

from momentum.ledger.fields import session_start
from momentum.ledger.source.shapes import SHAPES, lacking, others, read
from momentum.ledger.source.values import whole
from momentum.ledger.tables import CLOSED, OPEN
from momentum.ledger.trades import IMPORTED
from momentum.model.market import UNCLASSIFIED

_UNKNOWN = "unknown"

Row = dict[str, Any]
Source = Mapping[str, Sequence[Mapping[str, Any]]]
"""The rows of each old table that is there, by column in lower case."""


@dataclass(slots=True)
class Brought:
    """Our rows by the name of our table, in an order in which they may be written; and what became of the others.

    `unused` counts by table why rows could not be used, `joined` the entries that were added to another open
    trade of their symbol, because a position is one trade here.
    """

    rows: dict[str, list[Row]] = field(default_factory=dict)
    unused: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    joined: int = 0


def bring(source: Source) -> Brought:
    """Turn all that can be used into rows of ours. Ids that are whole numbers are kept."""
    brought = Brought()
    scans: list[Row] = []
    trades, ours_by_id = _trades(source, brought)
    markets, scans_by_ref = _markets(source, brought, scans)
    candidates = _candidates(source, brought, scans, scans_by_ref)
    brought.rows = {
        "scans": scans,
        "market_snapshots": markets,
        "candidate_snapshots": candidates,
        "trades": trades,
        "poor_signals": _poor_signals(source, brought, trades, ours_by_id),
        "watchlist": _once(brought, "watchlist", _plain(source, brought, "watchlist"), "symbol"),
        "position_checks": _plain(source, brought, "position_checks"),
        "daily_performance": _once(
            brought, "daily_performance", _plain(source, brought, "daily_performance"), "date"
        ),
    }
    for row in brought.rows["watchlist"]:
        row["reason"] = row["reason"] or ""
    for row in brought.rows["position_checks"]:
        row |= {"signals": row["signals"] if row["signals"] is not None else {}}
        row["alert_sent"] = bool(row["alert_sent"])
    return brought


def _usable(source: Source, brought: Brought, table: str) -> Iterator[tuple[Row, Mapping[str, Any]]]:
    """Each row that has what it needs, with the old one; ids are kept or given, the others are counted."""
    shape = SHAPES[table]
    good: list[tuple[Row, Mapping[str, Any]]] = []
    for old in source.get(table, ()):
        row = read(shape, old)
        lack = lacking(shape, row)
        if lack:
            brought.unused[table][f"no {lack}"] += 1
        else:
            good.append((row, old))
    kept = {found for _, old in good if (found := _id(old))}
    free = count(max(kept, default=0) + 1)
    for row, old in good:
        number = _id(old)
        fresh = number is None or number not in kept
        row["id"] = next(free) if fresh else number
        kept.discard(row["id"])
        row["account"] = IMPORTED
        yield row, old


def _id(old: Mapping[str, Any]) -> int | None:
    number = whole(old.get("id"))
    return number if number is not None and number > 0 else None


def _plain(source: Source, brought: Brought, table: str) -> list[Row]:
    return [row for row, _ in _usable(source, brought, table)]


def _once(brought: Brought, table: str, rows: Iterable[Row], key: str) -> list[Row]:
    """The last row of each key, as the newest news."""
    newest: dict[Any, Row] = {}
    for row in rows:
        if row[key] in newest:
            brought.unused[table][f"the same {key} again"] += 1
        newest[row[key]] = row
    return list(newest.values())


def _trades(source: Source, brought: Brought) -> tuple[list[Row], dict[str, Row]]:
    """The trades, and the one that each old id became."""
    trades: list[Row] = []
    by_id: dict[str, Row] = {}
    held: dict[str, Row] = {}
    for row, old in sorted(_usable(source, brought, "trades"), key=lambda pair: pair[0]["opened_at"]):
        _finish(row)
        first = held.get(row["symbol"]) if row["status"] == OPEN else None
        if first is not None:
            _join(first, row)
            brought.joined += 1
        else:
            trades.append(row)
            if row["status"] == OPEN:
                held[row["symbol"]] = row
        by_id[str(old.get("id"))] = first or row
    return sorted(trades, key=lambda row: int(row["id"])), by_id


def _finish(row: Row) -> None:
    """Close the trade where it has an exit, and work out what it earned where nobody wrote that down."""
    exited = row["exit_price"] is not None or row["exit_date"] is not None
    partly = (row["status"] or "").lower() == OPEN and (row["exit_quantity"] or 0) < row["entry_quantity"]
    closed = (row["status"] or "").lower() == CLOSED or (exited and not partly)
    if closed and row["exit_date"] is not None and row["closed_at"] is None:
        row["closed_at"] = session_start(row["exit_date"])
    row["status"] = CLOSED if closed else OPEN
    row["entry_reason"] = row["entry_reason"] or IMPORTED
    row["commission"] = row["commission"] or 0.0
    row["exit_quantity"] = row["exit_quantity"] or (row["entry_quantity"] if closed else 0)
    if closed and row["exit_price"] is not None:
        gain = row["exit_price"] - row["entry_price"]
        if row["pnl"] is None:
            row["pnl"] = row["exit_quantity"] * gain - row["commission"]
        if row["pnl_pct"] is None:
            row["pnl_pct"] = gain / row["entry_price"] * 100
    if not closed:
        row["pnl_pct"] = None
        row["peak_price"] = max(row["peak_price"] or 0.0, row["entry_price"])


def _join(first: Row, more: Row) -> None:
    """Add an entry to the open trade of its symbol, at the average price."""
    quantity = first["entry_quantity"] + more["entry_quantity"]
    paid = first["entry_price"] * first["entry_quantity"] + more["entry_price"] * more["entry_quantity"]
    first |= {"entry_quantity": quantity, "entry_price": paid / quantity}
    first["exit_quantity"] += more["exit_quantity"]
    first["commission"] += more["commission"]
    first["peak_price"] = max(first["peak_price"], more["peak_price"])


def _poor_signals(
    source: Source, brought: Brought, trades: Sequence[Row], ours_by_id: Mapping[str, Row]
) -> list[Row]:
    """The poor signals that belong to a closed trade: by its id, else by symbol and dates; each trade once."""
    dates = ("symbol", "entry_date", "exit_date")
    by_dates = {tuple(trade[name] for name in dates): trade for trade in trades}
    signals: list[Row] = []
    taken: set[int] = set()
    for row, _ in _usable(source, brought, "poor_signals"):
        trade = ours_by_id.get(row["trade"]) or by_dates.get(tuple(row[name] for name in dates))
        if trade is None:
            brought.unused["poor_signals"]["no trade"] += 1
            continue
        if trade["id"] in taken:
            brought.unused["poor_signals"]["the same trade again"] += 1
            continue
        for name in (*dates, "entry_price", "exit_price", "pnl_pct", "entry_signals", "composite_score"):
            row[name] = row[name] if row[name] is not None else trade[name]
        if row["exit_date"] is None or row["exit_price"] is None:
            brought.unused["poor_signals"]["no exit"] += 1
            continue
        taken.add(trade["id"])
        signals.append(row | _learnt(row, trade))
    return signals


def _learnt(row: Row, trade: Row) -> Row:
    gain = (row["exit_price"] / row["entry_price"] - 1) * 100
    return {
        "trade": trade["id"],
        "strategy": trade["strategy"],
        "pnl_pct": gain if row["pnl_pct"] is None else row["pnl_pct"],
        "holding_days": (row["exit_date"] - row["entry_date"]).days
        if row["holding_days"] is None
        else row["holding_days"],
        "exit_reason": row["exit_reason"] or trade["exit_reason"] or IMPORTED,
        "notes": row["notes"] or "",
        "reviewed": row["reviewed"] or 0,
        "created_at": row["created_at"] or session_start(row["exit_date"]),
    }


def _markets(source: Source, brought: Brought, scans: list[Row]) -> tuple[list[Row], dict[Any, str]]:
    """The market around each scan, and the scans by every name that a candidate may call them."""
    rows: list[Row] = []
    by_ref: dict[Any, str] = {}
    for row, old in _usable(source, brought, "market_snapshots"):
        scan = _scan(scans, row)
        for ref in (("snapshot", str(old.get("id"))), ("scan", row["scan_ref"]), ("at", row["at"])):
            by_ref.setdefault(ref, scan)
        row["funnel"] = row["funnel"] if row["funnel"] is not None else []
        rows.append(_without(row, "session_date", "scan_ref", "scan_type", "cap") | {"scan": scan})
    return rows, by_ref


def _candidates(source: Source, brought: Brought, scans: list[Row], by_ref: dict[Any, str]) -> list[Row]:
    """The candidates, each with the scan that saw it, in the order in which they were written."""
    rows: list[Row] = []
    ranks: Counter[str] = Counter()
    for row, old in _usable(source, brought, "candidate_snapshots"):
        refs = (("snapshot", row["snapshot_ref"]), ("scan", row["scan_ref"]), ("at", row["at"]))
        known = (by_ref[ref] for ref in refs if ref[1] is not None and ref in by_ref)
        scan = next(known, "") or _scan(scans, row | {"cap": None})
        by_ref.setdefault(refs[1] if row["scan_ref"] else refs[2], scan)
        ranks[scan] += 1
        row |= {"scan": scan, "strategy": IMPORTED, "cap": row["cap"] or UNCLASSIFIED}
        row["rank"] = ranks[scan] if row["rank"] is None else row["rank"]
        row["points"] = row["points"] if row["points"] is not None else {}
        row["columns"] = others(SHAPES["candidate_snapshots"], old)
        row["action"] = row["action"] or ("BUY" if row["traded"] else None)
        rows.append(_without(row, "at", "scan_ref", "scan_type", "snapshot_ref", "traded"))
    return rows


def _scan(scans: list[Row], row: Row) -> str:
    """A scan that the source system ran, of which only this row tells."""
    at: datetime = row["at"]
    scan_id = f"{IMPORTED}-{len(scans) + 1}"
    scans.append(
        {
            "scan_id": scan_id,
            "account": IMPORTED,
            "strategy": IMPORTED,
            "session_date": row["session_date"],
            "type": row["scan_type"] or _UNKNOWN,
            "cap": row["cap"] or "all",
            "now": at,
            "dry_run": False,
            "max_buys": 0,
            "started_at": at,
            "status": "finished",
        }
    )
    return scan_id


def _without(row: Row, *names: str) -> Row:
    return {name: value for name, value in row.items() if name not in names}

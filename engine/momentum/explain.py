"""What a scan made of one symbol: every feature, rule and point with its numbers, and what followed from them."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import polars as pl

from momentum.errors import UsageError
from momentum.ledger.rows import ScanRecord
from momentum.ledger.store import Ledger
from momentum.model.market import Value

_ENDS = {"running": "is running, or was killed", "failed": "failed before its end"}
_NAME = re.compile(r"'[^']*'|[A-Za-z_][\w.]*")


def find_scan(ledger: Ledger, scan_id: str | None, account: str) -> ScanRecord:
    """A scan by its id, or the last one of the account. Raises `UsageError` where there is none."""
    record = ledger.scan(scan_id, account)
    if record is not None and record.status == "finished":
        return record
    if record is not None:
        raise UsageError(f"scan {record.info.id} {_ENDS[record.status]}; it explains nothing")
    recent = [summary.info.id for summary in ledger.scans(20, account)]
    if not recent:
        raise UsageError(f"{account} has no scan yet; run `momentum scan` first")
    if scan_id is None:
        raise UsageError(
            f"{account} has no finished scan yet; the newest is {recent[0]}, which explains nothing"
        )
    near = get_close_matches(scan_id, recent, n=1)
    hint = f"did you mean {near[0]}?" if near else f"the newest are {', '.join(recent[:3])}"
    raise UsageError(f"no scan {scan_id!r}; {hint}")


def explain(ledger: Ledger, record: ScanRecord, symbol: str) -> dict[str, Any]:
    """The scan's document cut down to one symbol, with its rules resolved.

    `since` are the fills between the scan before and this one (a stop that fired); `orders` those of this
    scan as they stand now, `fills` theirs, those of its stops included; `by_hand` are orders that commands
    such as `momentum close` gave from the scan's moment on.

    Raises `UsageError` where the scan did not look at the symbol.
    """
    frame = pl.read_parquet(io.BytesIO(record.frame))
    rows = frame.filter(pl.col("symbol") == symbol).to_dicts()
    if not rows:
        near = get_close_matches(symbol, frame["symbol"].to_list(), n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise UsageError(f"scan {record.info.id} did not look at {symbol!r}{hint}")
    row = rows[0]
    found = record.document
    rules: Mapping[str, Any] = found["rules"]  # type: ignore[assignment]
    columns = {name: value for name, value in row.items() if ":" not in name and name not in _IDENTITY}
    intents = ledger.intents(scan_id=record.info.id, symbol=symbol)
    ours = {intent.client_id for intent in intents}
    reading = next((r for r in _list(found, "readings") if r["symbol"] == symbol), None)
    return {
        "scan": found["scan"],
        "funnel": found["funnel"],
        "market": found["market"],
        "candidates": [
            {
                "symbol": symbol,
                "cap": row["cap"],
                "score": row["score"],
                "points": _earned(rules["score"], row),
                "rejected_by": row["rejected_by"],
                "columns": columns,
            }
        ],
        "features": [
            {"name": name, "text": text, "value": row.get(name)} for name, text in rules["features"].items()
        ],
        "columns": [
            {"name": name, "when": when, "numbers": with_numbers(when, row), "value": row.get(name)}
            for name, when in rules["columns"].items()
        ],
        "filters": [
            _resolved(rule, row) | {"verdict": row.get(f"filter:{rule['key']}")} for rule in rules["filters"]
        ],
        "points": [
            _resolved(point, row) | {"earned": row.get(f"score:{point['key']}")} for point in rules["score"]
        ],
        "reading": reading,
        "signals": _signals(rules, reading["columns"]) if reading else [],
        "decision": _decision(found["decision"], symbol),  # type: ignore[arg-type]
        "plan": {
            "orders": [o for o in _list(found["plan"], "orders") if o["symbol"] == symbol],
            "refusals": [r for r in _list(found["plan"], "refusals") if r["symbol"] == symbol],
        },
        "executed": [e for e in _list(found, "executed") if e["symbol"] == symbol],
        "stops": [s for s in _list(found, "stops") if s["symbol"] == symbol],
        "since": [fill for fill in _list(found.get("since"), "fills") if fill["symbol"] == symbol],
        "orders": [_intent(intent) for intent in intents],
        "fills": [f for f in ledger.fills(account=record.account, symbol=symbol) if f.client_id in ours],
        "by_hand": _by_hand(ledger, record, symbol),
        "portfolio": found["portfolio"],
    }


def _by_hand(ledger: Ledger, record: ScanRecord, symbol: str) -> list[dict[str, Any]]:
    """The symbol's orders from the scan's moment on that no scan gave, each with the command that did."""
    return [
        {"command": intent.scan_id, "at": intent.intended_at, **_intent(intent)}
        for intent in ledger.intents(account=record.account, symbol=symbol)
        if intent.scan_id
        and intent.intended_at is not None
        and intent.intended_at >= record.info.now
        and ledger.scan(intent.scan_id, record.account) is None
    ]


_IDENTITY = ("symbol", "member", "rejected_by", "score")


def with_numbers(when: str, row: Mapping[str, Value]) -> str:
    """A rule with its columns' values in place of their names: `0.0365 >= 0.03`."""

    def value(match: re.Match[str]) -> str:
        name = match[0]
        if name.startswith("'") or name not in row:
            return name
        found = row[name]
        if found is None:
            return "?"
        return f"{found:.5g}" if isinstance(found, float) else str(found).lower()

    return _NAME.sub(value, when)


def _resolved(rule: Mapping[str, Any], row: Mapping[str, Value]) -> dict[str, Any]:
    return {**rule, "numbers": with_numbers(rule["when"], row)}


def _earned(points: Sequence[Mapping[str, Any]], row: Mapping[str, Any]) -> dict[str, float]:
    """Points by name, the bands of one name added up."""
    found: dict[str, float] = {}
    for point in points:
        found[point["name"]] = found.get(point["name"], 0.0) + (row.get(f"score:{point['key']}") or 0.0)
    return found


def _signals(rules: Mapping[str, Any], columns: Mapping[str, Value]) -> list[dict[str, Any]]:
    """The rules on a held position with their numbers: reversal points, and exits with their verdicts."""
    named = (("reversal", "reversal"), ("exits", "exit"), ("close_when", "close_when"))
    return [
        {**_resolved(rule, columns), "section": section, "verdict": columns.get(f"{prefix}:{rule['key']}")}
        for section, prefix in named
        for rule in rules[section]
    ]


def _list(found: object, key: str) -> Sequence[Any]:
    return found.get(key, ()) if isinstance(found, Mapping) else ()


def _decision(decision: Mapping[str, Any], symbol: str) -> dict[str, Any]:
    """A decision with only its actions on this symbol."""
    own = {
        key: [action for action in decision[key] if action["symbol"] == symbol]
        for key in ("position_actions", "candidate_actions")
    }
    return {**decision, **own}


def _intent(intent: Any) -> dict[str, Any]:
    request = intent.request
    return {
        "client_id": request.client_id,
        "side": request.side,
        "type": request.type,
        "qty": request.qty,
        "trail": request.trail,
        "status": intent.status,
        "filled_qty": intent.filled_qty,
        "fill_price": intent.fill_price,
        "reason": intent.reason,
        "error": intent.error,
    }

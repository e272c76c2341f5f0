"""Scans, and what each one saw, decided and was refused."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from momentum.errors import LedgerError
from momentum.ledger import tables as t
from momentum.ledger.book import Book
from momentum.ledger.rows import ScanRecord, ScanStatus, ScanSummary
from momentum.model.decision import CandidateAction, Decision, Refusal, ScanInfo
from momentum.model.market import Candidate, MarketContext, Reading
from momentum.model.portfolio import Position

_INFO = tuple(field.name for field in fields(ScanInfo) if field.name not in ("id", "session"))


class Scans(Book):
    """The part of the ledger that explains a scan."""

    def begin_scan(self, info: ScanInfo, account: str, at: datetime) -> ScanInfo:
        """Record that a scan runs, and return it with its id, such as `2026-11-24-close-all-1`.

        The id is the next free one of the scan's session, type and cap; `info.id` is ignored. Scans that
        begin at once in several processes get different ids.
        """
        with self._db.transaction():
            begun = replace(info, id=self._next_id(info))
            row = {name: getattr(begun, name) for name in _INFO}
            row |= {"scan_id": begun.id, "session_date": begun.session, "account": account}
            self._db.run(t.Scan.insert(row | {"started_at": at, "status": "running"}))
        return begun

    def finish_scan(
        self, scan_id: str, status: ScanStatus, document: Mapping[str, object], frame: bytes
    ) -> None:
        """Record a scan's end, its JSON document and the parquet frame of its whole universe."""
        self._header(scan_id)
        change = t.Scan.update(status=status, document=document, frame=frame)
        self._db.run(change.where(t.Scan.scan_id == scan_id))

    def scan(self, scan_id: str | None = None, account: str | None = None) -> ScanRecord | None:
        """A scan by its id, or the newest finished one (of that account); None where there is none."""
        query = t.Scan.select().order_by(t.Scan.id.desc())
        query = query.where(t.Scan.status == "finished" if scan_id is None else t.Scan.scan_id == scan_id)
        if account is not None:
            query = query.where(t.Scan.account == account)
        row = self._db.first(query)
        if row is None:
            return None
        summary = _summary(row)
        return ScanRecord(
            summary.info,
            summary.account,
            summary.status,
            summary.started_at,
            document=row["document"] or {},
            frame=bytes(row["frame"] or b""),
        )

    def scans(self, limit: int = 20, account: str | None = None) -> tuple[ScanSummary, ...]:
        """The newest scans, newest first, without their documents and frames."""
        columns = [t.Scan.scan_id, t.Scan.session_date, t.Scan.account, t.Scan.started_at, t.Scan.status]
        columns += [getattr(t.Scan, name) for name in _INFO]
        query = t.Scan.select(*columns).order_by(t.Scan.id.desc()).limit(limit)
        if account is not None:
            query = query.where(t.Scan.account == account)
        return tuple(_summary(row) for row in self._db.rows(query))

    def record_decision(self, scan_id: str, decision: Decision, situation: Mapping[str, object]) -> None:
        """Record a decider's answer, and the situation that it was told."""
        owner = self._owner(scan_id)
        self._db.run(
            t.Decision.insert(
                owner | {"decider": decision.decider, "decision": decision, "situation": situation}
            )
        )

    def record_refusals(self, scan_id: str, refusals: Sequence[Refusal]) -> None:
        """Record what the risk gate did not let through."""
        owner = self._owner(scan_id)
        rows = [
            owner
            | {"symbol": refusal.symbol, "side": refusal.side, "rule": refusal.rule, "text": refusal.text}
            | {"rule_limit": refusal.limit, "rule_value": refusal.value}
            for refusal in refusals
        ]
        if rows:
            self._db.run(t.Refusal.insert_many(rows))

    def record_candidates(
        self,
        scan_id: str,
        account: str,
        candidates: Sequence[Candidate],
        actions: Sequence[CandidateAction],
    ) -> None:
        """Record all candidates of a scan, traded or skipped, with what the decider wanted of each."""
        header = self._header(scan_id)
        wanted = {action.symbol: action for action in actions}
        same = {"scan": scan_id, "account": account, "strategy": header["strategy"]}
        same["session_date"] = header["session_date"]
        rows = [same | _candidate(candidate, wanted.get(candidate.symbol)) for candidate in candidates]
        if rows:
            with self._db.transaction():
                self._db.run(t.CandidateSnapshot.insert_many(rows))

    def record_market(
        self, scan_id: str, context: MarketContext, funnel: Sequence[Mapping[str, object]]
    ) -> None:
        """Record the market around a scan, and its funnel (`rule` and `passed`, in the filters' order)."""
        header = self._header(scan_id)
        row = {field.name: getattr(context, field.name) for field in fields(MarketContext)}
        row |= {"scan": scan_id, "account": header["account"], "at": header["now"], "funnel": list(funnel)}
        self._db.run(t.MarketSnapshot.insert(row))

    def record_position_checks(
        self,
        account: str,
        at: datetime,
        readings: Sequence[Reading],
        positions: Sequence[Position],
        *,
        scan_id: str | None = None,
        alerted: Collection[str] = (),
    ) -> None:
        """Record one look at the held positions; `alerted` are the symbols that somebody was told of."""
        held = {position.symbol: position for position in positions}
        rows = [
            {
                "account": account,
                "scan_id": scan_id,
                "check_time": at,
                "symbol": reading.symbol,
                "score": reading.score,
                "signals": reading.signals,
                "pnl_pct": held[reading.symbol].pnl_fraction * 100 if reading.symbol in held else None,
                "alert_sent": reading.symbol in alerted,
            }
            for reading in readings
        ]
        if rows:
            self._db.run(t.PositionCheck.insert_many(rows))

    def _next_id(self, info: ScanInfo) -> str:
        prefix = f"{info.session.isoformat()}-{info.type}-{info.cap}-"
        query = t.Scan.select(t.Scan.scan_id).where(
            t.Scan.session_date == info.session, t.Scan.type == info.type, t.Scan.cap == info.cap
        )
        taken = [int(row["scan_id"].removeprefix(prefix)) for row in self._db.rows(query)]
        return f"{prefix}{max(taken, default=0) + 1}"

    def _header(self, scan_id: str) -> dict[str, Any]:
        query = t.Scan.select(t.Scan.account, t.Scan.strategy, t.Scan.session_date, t.Scan.now)
        row = self._db.first(query.where(t.Scan.scan_id == scan_id))
        if row is None:
            raise LedgerError(f"{self._db.name}: holds no scan {scan_id!r}; `begin_scan` comes first")
        return row

    def _owner(self, scan_id: str) -> dict[str, Any]:
        header = self._header(scan_id)
        return {"scan": scan_id, "account": header["account"], "strategy": header["strategy"]}


def _summary(row: Mapping[str, Any]) -> ScanSummary:
    info = ScanInfo(id=row["scan_id"], session=row["session_date"], **{name: row[name] for name in _INFO})
    return ScanSummary(info, row["account"], row["status"], row["started_at"])


def _candidate(candidate: Candidate, action: CandidateAction | None) -> dict[str, object]:
    return {
        "symbol": candidate.symbol,
        "cap": candidate.cap,
        "rank": candidate.rank,
        "price": candidate.price,
        "composite_score": candidate.score,
        "points": candidate.points,
        "columns": candidate.columns,
        "action": action and action.action,
        "conviction": action and action.conviction,
        "reasoning": action and action.reasoning,
    }

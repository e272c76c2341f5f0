"""What a scan left behind, read again to explain it, and what went badly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import date, datetime
from typing import Any

from momentum.ledger import tables as t
from momentum.ledger.book import Book
from momentum.ledger.rows import SeenCandidate
from momentum.model.decision import CandidateAction, Decision, ExecutionPlan, PositionAction, Refusal
from momentum.model.market import Candidate, EarnedPoints, MarketContext


class Past(Book):
    """The part of the ledger that reads what a scan saw, decided and was refused."""

    def decision(self, scan_id: str) -> Decision | None:
        """What was decided in a scan, at last; None where nothing was. What was no number there is None here."""
        query = t.Decision.select().where(t.Decision.scan == scan_id).order_by(t.Decision.id.desc())
        row = self._db.first(query)
        return _decision(row["decision"]) if row else None

    def refusals(self, scan_id: str) -> tuple[Refusal, ...]:
        """What the risk gate did not let through, in the order in which it said so."""
        query = t.Refusal.select().where(t.Refusal.scan == scan_id).order_by(t.Refusal.id)
        return tuple(
            Refusal(
                row["symbol"], row["side"], row["rule"], row["rule_limit"], row["rule_value"], row["text"]
            )
            for row in self._db.rows(query)
        )

    def candidates(self, scan_id: str) -> tuple[SeenCandidate, ...]:
        """All candidates of a scan by rank, traded and skipped."""
        filled = t.OrderIntent.select(t.OrderIntent.symbol).where(
            t.OrderIntent.scan_id == scan_id, t.OrderIntent.side == "buy", t.OrderIntent.filled_qty > 0
        )
        bought = {row["symbol"] for row in self._db.rows(filled)}
        query = t.CandidateSnapshot.select().where(t.CandidateSnapshot.scan == scan_id)
        return tuple(
            _candidate(row, row["symbol"] in bought)
            for row in self._db.rows(query.order_by(t.CandidateSnapshot.rank, t.CandidateSnapshot.id))
        )

    def market(self, scan_id: str) -> tuple[MarketContext, tuple[Mapping[str, object], ...]] | None:
        """The market around a scan, and its funnel; None where the scan did not get that far."""
        row = self._db.first(t.MarketSnapshot.select().where(t.MarketSnapshot.scan == scan_id))
        if row is None:
            return None
        return MarketContext(**{field.name: row[field.name] for field in fields(MarketContext)}), tuple(
            row["funnel"]
        )

    def position_checks(
        self, account: str, since: datetime | None = None
    ) -> tuple[Mapping[str, object], ...]:
        """What the looks at the account's positions found from `since` on: rows by column, oldest first."""
        query = t.PositionCheck.select().where(t.PositionCheck.account == account)
        if since is not None:
            query = query.where(t.PositionCheck.check_time >= since)
        return tuple(self._db.rows(query.order_by(t.PositionCheck.id)))

    def poor_signals(self, account: str, since: date | None = None) -> tuple[Mapping[str, object], ...]:
        """The account's trades that a reversal closed, on `since` or later: rows by column, oldest first."""
        query = t.PoorSignal.select().where(t.PoorSignal.account == account)
        if since is not None:
            query = query.where(t.PoorSignal.exit_date >= since)
        return tuple(self._db.rows(query.order_by(t.PoorSignal.exit_date, t.PoorSignal.id)))


def _decision(document: Mapping[str, Any]) -> Decision:
    plan = document["execution_plan"]
    return Decision(
        market_assessment=document["market_assessment"],
        position_actions=tuple(PositionAction(**action) for action in document["position_actions"]),
        candidate_actions=tuple(CandidateAction(**action) for action in document["candidate_actions"]),
        execution_plan=ExecutionPlan(**{name: tuple(symbols) for name, symbols in plan.items()}),
        portfolio_summary=document["portfolio_summary"],
        decider=document["decider"],
    )


def _candidate(row: Mapping[str, Any], traded: bool) -> SeenCandidate:
    candidate = Candidate(
        symbol=row["symbol"],
        cap=row["cap"],
        price=row["price"],
        score=row["composite_score"],
        rank=row["rank"],
        points=tuple(EarnedPoints(**points) for points in row["points"]),
        columns=row["columns"],
    )
    return SeenCandidate(candidate, row["action"], row["conviction"], row["reasoning"], traded)

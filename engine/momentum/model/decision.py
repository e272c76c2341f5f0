"""A situation, the decision a decider makes of it, and the plan that the risk gate lets through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from momentum.model.market import Candidate, Cap, MarketContext, Reading, ScanType, Value
from momentum.model.orders import Side
from momentum.model.portfolio import Portfolio
from momentum.model.strategy import Strategy

PositionVerb = Literal["HOLD", "CLOSE"]
CandidateVerb = Literal["BUY", "WATCH", "SKIP"]


@dataclass(frozen=True, slots=True)
class PositionAction:
    """What a decider wants for a held position, and why."""

    symbol: str
    action: PositionVerb
    reversal_score: float
    reasoning: str


@dataclass(frozen=True, slots=True)
class CandidateAction:
    """What a decider wants for a candidate, and why. `conviction` is between 0 and 1."""

    symbol: str
    action: CandidateVerb
    score: float
    conviction: float
    reasoning: str


@dataclass(frozen=True, slots=True)
class ExecutionPlan:
    """The symbols to close, to buy (in order of preference) and to watch."""

    closes: tuple[str, ...] = ()
    buys: tuple[str, ...] = ()
    new_watchlist: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """A decider's answer: a proposal, which may be wrong in any way. `decider` is set by the host."""

    market_assessment: str = ""
    position_actions: tuple[PositionAction, ...] = ()
    candidate_actions: tuple[CandidateAction, ...] = ()
    execution_plan: ExecutionPlan = field(default_factory=ExecutionPlan)
    portfolio_summary: str = ""
    decider: str = ""


@dataclass(frozen=True, slots=True)
class LimitsLeft:
    """What the limits still allow at this moment. `cash` and `exposure` are dollars that may be spent."""

    positions: int
    buys: int
    by_cap: Mapping[Cap, int]
    exposure: float
    cash: float
    position_size: float
    skip_buys: bool = False


@dataclass(frozen=True, slots=True)
class WatchEntry:
    """A setup that is good but not ready."""

    symbol: str
    added: date
    score: float
    reason: str


@dataclass(frozen=True, slots=True)
class ScanInfo:
    """Which scan this is. `cap` is one size class or all; `now` is the moment it looks at, in UTC."""

    id: str
    strategy: str
    session: date
    type: ScanType
    cap: str
    now: datetime
    dry_run: bool
    max_buys: int


@dataclass(frozen=True, slots=True)
class Situation:
    """All that a decider is told. Candidates are ranked; readings are in symbol order."""

    scan: ScanInfo
    strategy: Strategy
    portfolio: Portfolio
    candidates: tuple[Candidate, ...]
    readings: tuple[Reading, ...]
    market: MarketContext
    limits_left: LimitsLeft
    watchlist: tuple[WatchEntry, ...] = ()
    lessons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlannedOrder:
    """An order that the gate approved. `asked` is the size wanted, `qty` the size approved.

    `price` is the price at the decision, for sizing and for the record; the order itself is a market order.
    `context` is what was known at the decision (score, points, columns) and goes onto the trade.
    """

    symbol: str
    side: Side
    qty: int
    asked: int
    price: float
    cap: Cap
    reason: str
    score: float | None = None
    context: Mapping[str, object] = field(default_factory=dict)

    @property
    def value(self) -> float:
        """Dollars at the price of the decision."""
        return self.qty * self.price


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something proposed that the gate did not let through: the rule, its limit, and the value that broke it."""

    symbol: str
    side: Side
    rule: str
    limit: Value
    value: Value
    text: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What may be executed: closes first, then buys in this order; and all that was refused."""

    closes: tuple[PlannedOrder, ...] = ()
    buys: tuple[PlannedOrder, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    skip_buys: bool = False


ExecutionStatus = Literal["filled", "partial", "pending", "refused", "dropped", "unknown", "planned"]
"""`dropped`: nobody carried it out, or there was nothing left to do; `planned`: a dry run's."""


@dataclass(frozen=True, slots=True)
class Execution:
    """What became of one planned order; `text` says why where it is not filled."""

    symbol: str
    side: Side
    status: ExecutionStatus
    asked: int
    qty: int = 0
    price: float | None = None
    client_id: str = ""
    reason: str = ""
    text: str = ""

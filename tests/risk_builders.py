"""Builders for the risk gate's and the decider's tests: an account of $100,000 on a Tuesday afternoon.

Every symbol named here is a small cap with a fresh price of $10, unless a test says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from momentum.model.decision import CandidateAction, Decision, ExecutionPlan, Plan, PositionAction
from momentum.model.market import Candidate, Cap, Quote, Reading, Value
from momentum.model.orders import Order, OrderState, OrderType, Side
from momentum.model.portfolio import Portfolio, Position
from momentum.model.strategy import CapLimits, Limits
from momentum.risk.book import MarketState
from momentum.risk.gate import gate

NOW = datetime(2026, 11, 24, 20, 30, tzinfo=UTC)
TODAY = date(2026, 11, 24)
YESTERDAY = date(2026, 11, 23)
EQUITY = 100_000.0

LIMITS = Limits(
    max_positions=6,
    max_buys_per_scan=6,
    position_size=0.10,
    max_exposure=0.60,
    reduce_to=0.50,
    slots="at_plan",
    add_to_positions=False,
    max_price_age=timedelta(minutes=15),
    max_order=None,
    caps={cap: CapLimits(6, 6) for cap in ("large", "mid", "small")},
)


def limits(*, small: tuple[int, int] = (6, 6), **changes: Any) -> Limits:
    """Wide limits with changes; `small` is the small caps' (positions, buys a scan)."""
    return replace(LIMITS, caps={**LIMITS.caps, "small": CapLimits(*small)}, **changes)


def position(symbol: str, qty: int = 1000, price: float = 10.0, cap: Cap = "small", **more: Any) -> Position:
    return Position(symbol, qty, more.pop("entry_price", price), price, cap, opened=YESTERDAY, **more)


def portfolio(
    *positions: Position, cash: float | None = None, orders: Sequence[Order] = (), equity: float = EQUITY
) -> Portfolio:
    """An account of $100,000: what is not in positions is cash, unless told."""
    left = equity - sum(position.value for position in positions) if cash is None else cash
    return Portfolio(NOW, equity, left, positions, tuple(orders))


def order(symbol: str, side: Side = "buy", qty: int = 100, type: OrderType = "market", **more: Any) -> Order:
    return Order(f"o-{symbol}", f"c-{symbol}", symbol, side, type, qty, OrderState.NEW, NOW, NOW, **more)


def quote(symbol: str, price: float = 10.0, age: timedelta = timedelta(0), halted: bool = False) -> Quote:
    return Quote(symbol, price, NOW - age, halted)


def market(*quotes: Quote, caps: Mapping[str, Cap] | None = None, **more: Any) -> MarketState:
    """An open market with these quotes, and one of $10 for each of A to H that is not among them."""
    fresh = {symbol: quote(symbol) for symbol in "ABCDEFGH"}
    given = {quote.symbol: quote for quote in quotes}
    return MarketState(NOW, more.pop("is_open", True), {**fresh, **given}, caps or {}, **more)


def candidate(
    symbol: str, cap: Cap = "small", score: float = 15.0, rank: int = 1, **columns: Value
) -> Candidate:
    return Candidate(symbol, cap, 10.0, score, rank, columns=columns)


def reading(symbol: str, score: float = 0.0, columns: Mapping[str, Value] | None = None) -> Reading:
    return Reading(symbol, score, columns=columns or {})


def hold(symbol: str) -> PositionAction:
    return PositionAction(symbol, "HOLD", 0.0, "momentum intact")


def close(symbol: str) -> PositionAction:
    return PositionAction(symbol, "CLOSE", 6.0, "the thesis is breaking")


def act(symbol: str, action: Any = "BUY", score: Any = 15.0, conviction: Any = 0.8) -> CandidateAction:
    return CandidateAction(symbol, action, score, conviction, f"{action} {symbol}")


def decision(
    *, closes: Any = (), buys: Any = (), on_positions: Any = (), on_candidates: Any = ()
) -> Decision:
    """A decision of decider `test`, exactly as given."""
    return Decision(
        position_actions=on_positions,
        candidate_actions=on_candidates,
        execution_plan=ExecutionPlan(closes, buys),
        decider="test",
    )


def plan_of(
    what: Decision,
    account: Portfolio | None = None,
    prices: MarketState | None = None,
    within: Limits = LIMITS,
    **more: Any,
) -> Plan:
    """The gate's plan; A to H are candidates and the scan may make six buys, unless told."""
    more.setdefault("candidates", [candidate(symbol) for symbol in "ABCDEFGH"])
    more.setdefault("max_buys", 6)
    return gate(what, account or portfolio(), prices or market(), within, **more)


def bought(plan: Plan) -> list[tuple[str, int]]:
    return [(order.symbol, order.qty) for order in plan.buys]


def refused(plan: Plan) -> list[tuple[str, str]]:
    return [(refusal.symbol, refusal.rule) for refusal in plan.refusals]

"""No decision whatever makes a plan that breaks a limit: checked by plain sums over random accounts."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from momentum.model.decision import CandidateAction, Decision, ExecutionPlan, Plan, PositionAction, Refusal
from momentum.model.market import Candidate, Cap, Quote
from momentum.model.portfolio import Portfolio, Position
from momentum.model.strategy import CapLimits, Limits
from momentum.risk.book import MarketState
from momentum.risk.gate import gate, recheck
from momentum.risk.proposal import ExitDemand
from risk_builders import NOW, candidate, order, quote

SYMBOLS = tuple("ABCDEFGHIJ")
CAPS: tuple[Cap, ...] = ("large", "mid", "small", "unclassified")
CENT = 0.01

numbers = st.one_of(
    st.floats(),
    st.integers(),
    st.sampled_from([math.nan, math.inf, -math.inf, -1.0, 1e308, 10**400, None, True, "15", b"1", [], {}]),
)
scores = st.floats(0.0, 20.0)
shares_of_one = st.floats(0.0, 1.0)
junk = st.one_of(numbers, st.text(max_size=5), st.tuples(st.text(max_size=2)), st.just(object()))


def mostly(usual: st.SearchStrategy[Any], odd: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Something usual nine times in ten."""
    return st.sampled_from([usual] * 9 + [odd]).flatmap(lambda chosen: chosen)


def lists_of(items: st.SearchStrategy[Any], most: int = 8) -> st.SearchStrategy[Any]:
    return mostly(st.lists(items, max_size=most).map(tuple), junk)


words = mostly(st.sampled_from(["HOLD", "CLOSE", "BUY", "BUY", "BUY", "WATCH", "SKIP"]), junk)
names = mostly(st.sampled_from(SYMBOLS), st.one_of(st.sampled_from(["ZZZ", "a", "", "A "]), junk))

decisions: st.SearchStrategy[Decision] = st.builds(
    Decision,
    market_assessment=mostly(st.text(), junk),
    position_actions=lists_of(mostly(st.builds(PositionAction, names, words, numbers, junk), junk), 3),
    candidate_actions=lists_of(
        mostly(
            st.builds(
                CandidateAction, names, words, mostly(scores, numbers), mostly(shares_of_one, numbers), junk
            ),
            junk,
        ),
        3,
    ),
    execution_plan=mostly(st.builds(ExecutionPlan, lists_of(names, 2), lists_of(names), junk), junk),
    decider=mostly(st.text(max_size=5), junk),
)
"""Anything at all; most hold some symbols that can be traded."""

sensible: st.SearchStrategy[Decision] = st.builds(
    Decision,
    execution_plan=st.builds(
        ExecutionPlan,
        st.lists(st.sampled_from(SYMBOLS), max_size=2).map(tuple),
        st.permutations(SYMBOLS).map(tuple),
    ),
)
"""Wants everything, in some order, and closes a little."""


@dataclass(frozen=True)
class World:
    """Everything around a decision."""

    portfolio: Portfolio
    market: MarketState
    limits: Limits
    candidates: tuple[Candidate, ...]
    exits: tuple[ExitDemand, ...]
    max_buys: int
    skip: bool

    def plan(self, what: Decision) -> Plan:
        return gate(
            what,
            self.portfolio,
            self.market,
            self.limits,
            candidates=self.candidates,
            max_buys=self.max_buys,
            skip_buys=self.skip,
            exits=self.exits,
        )


prices = st.floats(0.5, 300.0)
shares = st.integers(1, 2_000)
fractions = st.floats(0.0, 1.0)
rarely = st.sampled_from([False] * 19 + [True])


@st.composite
def quotes(draw: st.DrawFn, symbol: str) -> Quote:
    good = quote(symbol, draw(prices))
    if not draw(rarely):
        return good
    bad = [
        replace(good, halted=True),
        replace(good, at=NOW - timedelta(days=1)),
        replace(good, price=math.nan),
    ]
    return draw(st.sampled_from(bad))


@st.composite
def limits_of(draw: st.DrawFn) -> Limits:
    count = st.integers(1, 8)
    return Limits(
        max_positions=draw(count),
        max_buys_per_scan=draw(count),
        position_size=draw(st.floats(0.02, 0.5)),
        max_exposure=draw(st.floats(0.1, 1.0)),
        reduce_to=draw(fractions),
        slots="at_plan",
        add_to_positions=draw(st.booleans()),
        max_price_age=timedelta(minutes=15),
        max_order=draw(st.sampled_from([None, None, 500.0, 9_000.0])),
        caps={cap: CapLimits(draw(st.integers(0, 4)), draw(st.integers(0, 4))) for cap in CAPS[:3]},
    )


@st.composite
def worlds(draw: st.DrawFn, classes: tuple[Cap, ...] = CAPS) -> World:
    caps = {symbol: draw(st.sampled_from(classes)) for symbol in SYMBOLS}
    unknown = draw(st.sampled_from(SYMBOLS)) if draw(rarely) else ""
    known = {symbol: draw(quotes(symbol)) for symbol in SYMBOLS if symbol != unknown}
    held = sorted(draw(st.sets(st.sampled_from(SYMBOLS), max_size=5)))
    positions = tuple(Position(symbol, draw(shares), 10.0, draw(prices), caps[symbol]) for symbol in held)
    open_orders = st.builds(order, st.sampled_from(SYMBOLS), st.sampled_from(["buy", "sell"]), shares)
    cash = draw(st.floats(1_000.0, 500_000.0)) * (-1 if draw(rarely) else 1)
    unsettled = draw(st.sampled_from([0.0, 0.0, 100_000.0]))
    equity = cash + unsettled + sum(position.value for position in positions)
    exits = draw(st.lists(st.sampled_from(SYMBOLS), max_size=1))
    return World(
        portfolio=Portfolio(NOW, equity, cash, positions, tuple(draw(st.lists(open_orders, max_size=2)))),
        market=MarketState(NOW, not draw(rarely), known, caps, "stop" if draw(rarely) else None),
        limits=draw(limits_of()),
        candidates=tuple(candidate(symbol, caps[symbol]) for symbol in SYMBOLS if not draw(rarely)),
        exits=tuple(ExitDemand(symbol, "signal: x") for symbol in exits),
        max_buys=draw(st.integers(1, 8)),
        skip=draw(rarely),
    )


def keeps_every_limit(world: World, plan: Plan) -> None:
    """Add it all up once more, without the gate's own functions."""
    account, limits = world.portfolio, world.limits
    held = {position.symbol: position for position in account.positions}
    closing = {sale.symbol for sale in plan.closes}
    buying = [buy.symbol for buy in plan.buys]
    assert len(closing) == len(plan.closes)
    for sale in plan.closes:
        assert (sale.side, sale.qty) == ("sell", held[sale.symbol].qty)
    if not plan.buys:
        return
    waiting = [o for o in account.open_orders if o.side == "buy"]
    assert len(set(buying)) == len(buying) <= min(world.max_buys, limits.max_buys_per_scan)
    assert not set(buying) & closing
    assert not set(buying) & {o.symbol for o in account.open_orders}
    assert set(buying) <= {offered.symbol for offered in world.candidates}
    assert not world.skip
    assert world.market.is_open
    assert world.market.halt is None

    stays = [position for position in account.positions if position.symbol not in closing]
    owned = {p.symbol: p.cap for p in stays} | {o.symbol: world.market.caps[o.symbol] for o in waiting}
    after = owned | {buy.symbol: buy.cap for buy in plan.buys}
    assert len(after) <= max(limits.max_positions, len(owned))
    buys_by_cap = Counter(buy.cap for buy in plan.buys)
    for cap in buys_by_cap:
        most = limits.caps.get(cap, CapLimits(limits.max_positions, limits.max_buys_per_scan))
        assert buys_by_cap[cap] <= most.max_buys_per_scan
        assert Counter(after.values())[cap] <= max(most.max_positions, Counter(owned.values())[cap])

    spent = 0.0
    for buy in plan.buys:
        known = world.market.quotes[buy.symbol]
        assert not known.halted
        assert NOW - known.at <= limits.max_price_age
        before = held[buy.symbol].value if buy.symbol in held else 0.0
        assert limits.add_to_positions or buy.symbol not in held
        assert buy.qty >= 1
        assert buy.qty * known.price + before <= limits.position_size * account.equity + CENT
        assert limits.max_order is None or buy.qty * known.price <= limits.max_order + CENT
        assert limits.reduce_to * buy.asked <= buy.qty + 1e-6
        assert buy.qty <= buy.asked
        spent += buy.qty * known.price
    pending = sum(o.qty * world.market.quotes[o.symbol].price for o in waiting)
    proceeds = sum(sale.qty * sale.price for sale in plan.closes)
    assert sum(p.value for p in stays) + pending + spent <= limits.max_exposure * account.equity + CENT
    assert spent + pending <= account.cash + proceeds + CENT


@given(worlds(), decisions)
def test_no_decision_whatever_makes_a_plan_that_breaks_a_limit(world: World, what: Decision) -> None:
    keeps_every_limit(world, world.plan(what))


@given(worlds(), sensible)
def test_a_decision_that_wants_everything_gets_no_more_than_the_limits(world: World, what: Decision) -> None:
    keeps_every_limit(world, world.plan(what))


@given(worlds(), decisions)
def test_every_exit_of_the_engine_is_closed_or_refused(world: World, what: Decision) -> None:
    plan = world.plan(what)
    dealt_with = {sale.symbol for sale in plan.closes} | {r.symbol for r in plan.refusals if r.side == "sell"}
    assert {demand.symbol for demand in world.exits} <= dealt_with


@given(worlds(), decisions)
def test_every_refusal_can_be_written_and_read(world: World, what: Decision) -> None:
    for refusal in world.plan(what).refusals:
        refusal.text.encode()
        assert refusal.rule
        assert refusal.text.isprintable()
        assert all(
            v is None or isinstance(v, str) or math.isfinite(v) for v in (refusal.limit, refusal.value)
        )


@given(worlds(), sensible)
def test_the_same_decision_makes_the_same_plan(world: World, what: Decision) -> None:
    assert world.plan(what) == world.plan(what)


def dollars(plan: Plan) -> float:
    return sum(buy.value for buy in plan.buys)


# Not where positions may be added to: a buy that finds no slot leaves its place in the scan to one that needs none,
# which may be dearer. Nor for the unclassified, whose class has the totals as its limits.
@given(worlds(CAPS[:3]), sensible, fractions, st.integers(0, 6), st.integers(0, 6))
def test_tighter_totals_never_approve_more_dollars(
    world: World, what: Decision, exposure: float, positions: int, buys: int
) -> None:
    loose = replace(world.limits, add_to_positions=False)
    for tighter in (
        replace(loose, max_exposure=min(loose.max_exposure, exposure)),
        replace(loose, max_positions=min(loose.max_positions, positions)),
        replace(loose, max_buys_per_scan=min(loose.max_buys_per_scan, buys)),
    ):
        assert (
            dollars(replace(world, limits=tighter).plan(what))
            <= dollars(replace(world, limits=loose).plan(what)) + CENT
        )


@given(worlds(), st.sampled_from(SYMBOLS), fractions, st.floats(0, 50_000), fractions)
def test_a_tighter_size_never_approves_more_dollars_of_a_buy(
    world: World, symbol: str, size: float, largest: float, reduce_to: float
) -> None:
    # Where any cut is allowed: a smaller order asks for less, and so can fit where a larger one is refused.
    loose = replace(world.limits, reduce_to=0.0)
    what = Decision(execution_plan=ExecutionPlan(buys=(symbol,)))
    before = dollars(replace(world, limits=loose).plan(what))
    for tighter in (
        replace(loose, position_size=min(loose.position_size, size)),
        replace(loose, max_order=largest if loose.max_order is None else min(loose.max_order, largest)),
        replace(loose, reduce_to=reduce_to),
    ):
        assert dollars(replace(world, limits=tighter).plan(what)) <= before


@given(worlds(), worlds(), sensible, st.sampled_from(["at_plan", "at_fill"]))
def test_what_is_sent_keeps_the_limits_of_its_own_moment(
    then: World, now: World, what: Decision, slots: str
) -> None:
    limits = replace(then.limits, slots=slots)
    for buy in replace(then, limits=limits).plan(what).buys:
        price = now.market.price(buy.symbol)
        sent = recheck(buy, now.portfolio, now.market, limits, price=price)
        if isinstance(sent, Refusal):
            continue
        assert limits.reduce_to * buy.asked - 1e-6 <= sent.qty <= buy.qty
        held = {position.symbol for position in now.portfolio.positions}
        waiting = [o for o in now.portfolio.open_orders if o.side == "buy"]
        committed = sum(p.value for p in now.portfolio.positions)
        committed += sum(o.qty * now.market.quotes[o.symbol].price for o in waiting)
        assert committed + sent.qty * price <= limits.max_exposure * now.portfolio.equity + CENT
        taken = held | {o.symbol for o in waiting}
        assert buy.symbol in held or len(taken) < limits.max_positions

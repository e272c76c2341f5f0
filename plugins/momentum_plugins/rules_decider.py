"""The decider of plugin `rules`: closes, buys and watches by the strategy's `decide:` section, nothing else.

Positions: CLOSE where the engine's own exits demand it, the reversal score reaches `close_reversal`, the
profit reaches `take_profit` or a `close_when` rule holds; else HOLD. Candidates, best first: BUY from
`buy_score` on where `buy_when` holds and a slot is free, up to `max_buys`; WATCH from `watch_score` on, and
what would be bought if there were a slot; else SKIP. How much money is left is the risk gate's to judge.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from momentum import CandidateAction, Decision, ExecutionPlan, PositionAction, Situation, hookimpl
from momentum.model.decision import CandidateVerb
from momentum.model.market import Candidate, Cap, MarketContext, Reading
from momentum.model.portfolio import Portfolio, Position
from momentum.model.strategy import DecideRules, Strategy
from momentum.units import format_fraction, format_money, format_price

BUY_WHEN = "buy_when"
"""The candidate's column that holds the verdict of `decide.buy_when`."""

_WATCH_CLOSELY = 3.0
_LONGEST_WATCHLIST = 5


@hookimpl
def momentum_decide(situation: Situation) -> Decision:
    """Decide by the strategy's thresholds; always answers."""
    return decide(situation)


def decide(situation: Situation) -> Decision:
    """The Decision that the strategy's rules make of a situation; the same situation, the same Decision."""
    rules = situation.strategy.decide
    readings = {reading.symbol: reading for reading in situation.readings}
    on_positions = tuple(
        _on_position(position, readings.get(position.symbol), rules)
        for position in situation.portfolio.positions
    )
    closes = tuple(action.symbol for action in on_positions if action.action == "CLOSE")
    room = _room(situation, closes)
    on_candidates = _on_candidates(situation, room)
    buys = tuple(action.symbol for action in on_candidates if action.action == "BUY")
    watched = tuple(action.symbol for action in on_candidates if action.action == "WATCH")
    return Decision(
        market_assessment=f"{_market(situation.market)} {_offer(situation)}",
        position_actions=on_positions,
        candidate_actions=on_candidates,
        execution_plan=ExecutionPlan(closes, buys, watched[:_LONGEST_WATCHLIST]),
        portfolio_summary=_summary(situation, closes, buys, room),
    )


# -- positions ----------------------------------------------------------------------------------------------


def _on_position(position: Position, reading: Reading | None, rules: DecideRules) -> PositionAction:
    """CLOSE with every reason that holds, or HOLD with what speaks for and against it."""
    profit = f"{format_fraction(position.pnl_fraction, 1)} since entry"
    reasons = _reasons_to_close(position, reading, rules)
    if reading is None:
        seen, score = "no reversal score is known", 0.0
    else:
        names = ", ".join(signal.name for signal in reading.signals)
        seen = f"reversal score {reading.score:g} of {rules.close_reversal:g}" + (
            f": {names}" if names else ""
        )
        score = reading.score
    if reasons:
        return PositionAction(position.symbol, "CLOSE", score, "; ".join((*reasons, seen, profit)))
    closely = ("watch closely",) if score >= _WATCH_CLOSELY else ()
    return PositionAction(position.symbol, "HOLD", score, "; ".join((*closely, seen, profit)))


def _reasons_to_close(position: Position, reading: Reading | None, rules: DecideRules) -> list[str]:
    reasons = []
    columns = reading.columns if reading is not None else {}
    for name, verdict in columns.items():
        kind, _, rule = name.partition(":")
        if verdict is True and kind in ("exit", "close_when"):
            reasons.append(f"{'exit signal' if kind == 'exit' else 'rule'} {rule} holds")
    if reading is not None and reading.score >= rules.close_reversal:
        reasons.append(f"reversal score reached {rules.close_reversal:g}")
    if rules.take_profit is not None and position.pnl_fraction >= rules.take_profit:
        reasons.append(f"profit reached {format_fraction(rules.take_profit)}")
    return reasons


# -- candidates ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Room:
    """The buys and slots there are at first, and those taken while candidates are gone through, best first."""

    skip_mode: bool
    buys: int
    positions: int
    by_cap: Mapping[Cap, int]
    taken: Mapping[Cap, int]

    def lacks(self, cap: Cap) -> str | None:
        """Why a candidate of this size class cannot be bought; None where it can."""
        taken = sum(self.taken.values())
        if self.skip_mode:
            return "SKIP MODE, every older position is healthy"
        if taken >= self.buys:
            return f"all {self.buys} buys of the scan are taken" if self.buys else "the scan makes no buys"
        if taken >= self.positions:
            return "no free slot"
        return f"no free {cap} slot" if self.taken.get(cap, 0) >= self.by_cap.get(cap, 0) else None

    def with_buy(self, cap: Cap) -> _Room:
        return replace(self, taken={**self.taken, cap: self.taken.get(cap, 0) + 1})


def _room(situation: Situation, closes: Sequence[str]) -> _Room:
    """What the limits left allow, with the slots that this decision's own closes free."""
    left = situation.limits_left
    freed = Counter(p.cap for p in situation.portfolio.positions if p.symbol in closes)
    return _Room(
        skip_mode=left.skip_buys,
        buys=min(left.buys, situation.strategy.decide.max_buys),
        positions=left.positions + freed.total(),
        by_cap={cap: slots + freed[cap] for cap, slots in left.by_cap.items()},
        taken={},
    )


def _on_candidates(situation: Situation, room: _Room) -> tuple[CandidateAction, ...]:
    owned = _owned(situation.portfolio)
    actions = []
    for candidate in situation.candidates:
        why = owned.get(candidate.symbol)
        if why is not None:
            actions.append(_action(candidate, "SKIP", why, situation.strategy))
            continue
        action = _on_candidate(candidate, room, situation.strategy)
        actions.append(action)
        if action.action == "BUY":
            room = room.with_buy(candidate.cap)
    return tuple(actions)


def _owned(portfolio: Portfolio) -> Mapping[str, str]:
    """What is held or about to be, with the words for it."""
    pending = {order.symbol: "a buy is already open" for order in portfolio.pending_buys}
    return pending | {position.symbol: "already held" for position in portfolio.positions}


def _on_candidate(candidate: Candidate, room: _Room, strategy: Strategy) -> CandidateAction:
    rules, cap = strategy.decide, candidate.cap
    if _qualifies(candidate, rules):
        lacks = room.lacks(cap)
        if lacks is not None:
            return _action(candidate, "WATCH", f"{_buy_when(rules)}not bought: {lacks}", strategy)
        slot = f"{cap} slot {room.taken.get(cap, 0) + 1} of {room.by_cap[cap]}"
        return _action(candidate, "BUY", f"{_buy_when(rules)}{slot}", strategy)
    if candidate.score >= rules.watch_score:
        short = "not ready" if candidate.score < rules.buy_score else f"{rules.buy_when} does not hold"
        return _action(candidate, "WATCH", short, strategy)
    return _action(candidate, "SKIP", f"weak, under {rules.watch_score:g}", strategy)


def _action(candidate: Candidate, verb: CandidateVerb, why: str, strategy: Strategy) -> CandidateAction:
    reasoning = f"score {candidate.score:g} of {strategy.decide.buy_score:g} needed; {why}"
    conviction = _conviction(candidate.score, strategy)
    return CandidateAction(candidate.symbol, verb, candidate.score, conviction, reasoning)


def _qualifies(candidate: Candidate, rules: DecideRules) -> bool:
    holds = not rules.buy_when or candidate.columns.get(BUY_WHEN) is True
    return holds and candidate.score >= rules.buy_score


def _buy_when(rules: DecideRules) -> str:
    return f"{rules.buy_when}; " if rules.buy_when else ""


def _conviction(score: float, strategy: Strategy) -> float:
    """The score as a share of the most that the strategy's own points can reach, within 0 and 1.

    A strategy that gives no points ranks, but does not weigh its candidates: one half.
    """
    most = sum(max(0.0, points.points) for points in strategy.score)
    return min(1.0, max(0.0, score / most)) if most > 0 else 0.5


# -- in words -----------------------------------------------------------------------------------------------


def _market(market: MarketContext) -> str:
    """The market in one or two sentences; what is not known is left out."""
    spy = []
    if market.spy_price is not None:
        spy.append(f"SPY at {format_price(market.spy_price)}")
    if market.spy_change is not None:
        spy.append(f"{'+' if market.spy_change >= 0 else ''}{format_fraction(market.spy_change)}")
    if market.spy_trend is not None:
        spy.append(f"trend {market.spy_trend}")
    if market.vix is not None:
        spy.append(f"VIX {market.vix:.1f}" + (" (a proxy from SPY)" if market.vix_source == "proxy" else ""))
    sentences = [", ".join(spy) + "."] if spy else []
    if market.breadth is not None:
        sentences.append(
            f"{format_fraction(market.breadth, 0)} of the symbols are above their previous close."
        )
    return " ".join(sentences) or "Nothing is known of the market."


def _offer(situation: Situation) -> str:
    """How many candidates there are, and how good they are."""
    rules, candidates = situation.strategy.decide, situation.candidates
    strong = sum(candidate.score >= rules.buy_score for candidate in candidates)
    good = sum(rules.watch_score <= candidate.score < rules.buy_score for candidate in candidates)
    named = "1 candidate" if len(candidates) == 1 else f"{len(candidates)} candidates"
    return f"{named}: {strong} with the score of {rules.buy_score:g} that a buy needs, {good} to watch."


def _summary(situation: Situation, closes: Sequence[str], buys: Sequence[str], room: _Room) -> str:
    portfolio = situation.portfolio
    exposed = format_fraction(portfolio.exposure, 1)
    cash = format_money(portfolio.cash)
    sentences = [f"{len(portfolio.positions)} held, {exposed} of equity exposed, cash {cash}."]
    if closes:
        sentences.append(f"Closing {', '.join(closes)}.")
    sentences.append(f"Buying {', '.join(buys)}." if buys else f"No buy: {_why_none(situation, room)}.")
    return " ".join(sentences)


def _why_none(situation: Situation, room: _Room) -> str:
    """Why nothing is bought, when nothing is."""
    rules = situation.strategy.decide
    if not situation.candidates:
        return "no candidate"
    owned = _owned(situation.portfolio)
    for candidate in situation.candidates:
        lacks = room.lacks(candidate.cap)
        if lacks is not None and candidate.symbol not in owned and _qualifies(candidate, rules):
            return lacks
    with_rule = f" with {rules.buy_when}" if rules.buy_when else ""
    return f"no candidate that is not held reaches score {rules.buy_score:g}{with_rule}"

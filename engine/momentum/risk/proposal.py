"""Reading a decision that nobody vouches for: what it wants to close and to buy, and where it contradicts itself.

Only symbols and texts are taken from a decision; every number of a plan is the engine's own.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import NamedTuple, TypeVar

from momentum.model.decision import CandidateAction, Decision, ExecutionPlan, PositionAction, Refusal
from momentum.model.market import Reading
from momentum.model.orders import Side

CONTRADICTION = "contradiction"
MALFORMED = "malformed"
DUPLICATE = "duplicate"

_EXIT = "exit:"
_VERBS = ("HOLD", "CLOSE", "BUY", "WATCH", "SKIP")
_LONGEST_SYMBOL = 20
_LONGEST_REASON = 500

_Action = TypeVar("_Action", PositionAction, CandidateAction)


class ExitDemand(NamedTuple):
    """A position that the engine itself wants closed, whoever decides."""

    symbol: str
    reason: str


class Wish(NamedTuple):
    """One order that is wanted, and why."""

    symbol: str
    reason: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """A decision in plain words: each symbol once, closes in symbol order, buys in the decision's order."""

    closes: tuple[Wish, ...]
    buys: tuple[Wish, ...]
    refusals: tuple[Refusal, ...]


def exit_demands(readings: Iterable[Reading]) -> tuple[ExitDemand, ...]:
    """What the strategy's `exits.signal` rules demand: one per position, by the first rule that holds."""
    demands = []
    for reading in readings:
        fired = [
            name for name, verdict in reading.columns.items() if name.startswith(_EXIT) and verdict is True
        ]
        if fired:
            demands.append(ExitDemand(reading.symbol, f"signal: {fired[0].removeprefix(_EXIT)}"))
    return tuple(demands)


def read_proposal(decision: Decision, exits: Sequence[ExitDemand] = ()) -> Proposal:
    """What a decision and the engine's exits want. Never raises, whatever stands in the decision.

    Where a decision contradicts itself, the safer side stands and the other is recorded: a close in either
    place closes, because out of the market nothing more can be lost; a buy needs the execution plan's word
    and none against it.
    """
    refusals: list[Refusal] = []
    plan = decision.execution_plan
    if not isinstance(plan, ExecutionPlan):
        refusals.append(_malformed("", "sell", "an execution plan", plan))
        plan = ExecutionPlan()
    listed = _symbols(plan.closes, "sell", refusals)
    wanted = _symbols(plan.buys, "buy", refusals)
    on_positions = _actions(decision.position_actions, PositionAction, "sell", refusals)
    on_candidates = _actions(decision.candidate_actions, CandidateAction, "buy", refusals)
    decider = plain(decision.decider) if isinstance(decision.decider, str) else ""
    otherwise = f"decided by {decider}" if decider else "decided"

    closes = {demand.symbol: demand.reason for demand in reversed(exits)}
    for symbol in dict.fromkeys((*listed, *on_positions)):
        actions = on_positions.get(symbol, ())
        if symbol not in closes and _closes(symbol, symbol in listed, actions, refusals):
            closes[symbol] = _reason(actions, otherwise)
    buys = [
        Wish(symbol, _reason(on_candidates.get(symbol, ()), otherwise))
        for symbol in wanted
        if _buys(symbol, closes, on_candidates.get(symbol, ()), refusals)
    ]
    for symbol, offered in on_candidates.items():
        if symbol not in wanted and "BUY" in map(_verb, offered):
            text = "its action says BUY, but the execution plan leaves it out: not bought"
            refusals.append(Refusal(symbol, "buy", CONTRADICTION, "not in buys", "BUY", text))
    return Proposal(tuple(Wish(*item) for item in sorted(closes.items())), tuple(buys), tuple(refusals))


def plain(text: str) -> str:
    """A text on one line that every file, database and terminal takes: no control characters, no surrogates."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _closes(symbol: str, listed: bool, actions: Sequence[PositionAction], refusals: list[Refusal]) -> bool:
    """Whether a decision closes a position; what contradicts it is recorded."""
    verbs = [_verb(action) for action in actions]
    if not listed and "CLOSE" not in verbs:
        if "HOLD" not in verbs:
            refusals.append(_malformed(symbol, "sell", "HOLD or CLOSE", actions[0].action))
        return False
    if "HOLD" in verbs:
        text = "the decision both holds and closes it: closed, the safer side"
        refusals.append(Refusal(symbol, "sell", CONTRADICTION, "HOLD", "CLOSE", text))
    elif not listed:
        text = "its action says CLOSE, but the execution plan leaves it out: closed, the safer side"
        refusals.append(Refusal(symbol, "sell", CONTRADICTION, "not in closes", "CLOSE", text))
    return True


def _buys(
    symbol: str, closes: Container[str], actions: Sequence[CandidateAction], refusals: list[Refusal]
) -> bool:
    """Whether nothing in the decision speaks against a buy of its execution plan; what does is recorded."""
    problem: Refusal | None = None
    if symbol in closes:
        text = "it is to be closed in the same plan: the close stands"
        problem = Refusal(symbol, "buy", CONTRADICTION, "close", "buy", text)
    for action in () if problem else actions:
        verb = _verb(action)
        if verb != "BUY":
            text = f"the execution plan buys it, but its action says {verb or 'something else'}: not bought"
            problem = Refusal(symbol, "buy", CONTRADICTION, verb, "BUY", text)
        elif not (_is_number(action.conviction) and 0 <= action.conviction <= 1):
            problem = _malformed(symbol, "buy", "a conviction between 0 and 1", action.conviction)
        elif not (_is_number(action.score) and -math.inf < action.score < math.inf):
            problem = _malformed(symbol, "buy", "a score", action.score)
        if problem is not None:
            break
    if problem is not None:
        refusals.append(problem)
    return problem is None


def _symbols(value: object, side: Side, refusals: list[Refusal]) -> list[str]:
    """The symbols of a list, each once; what is not one is refused."""
    if not isinstance(value, list | tuple):
        refusals.append(_malformed("", side, "a list of symbols", value))
        return []
    found: dict[str, None] = {}
    for item in value:
        if not _is_symbol(item):
            refusals.append(_malformed("", side, "a symbol", item))
        elif item in found:
            refusals.append(Refusal(item, side, DUPLICATE, 1.0, 2.0, "named more than once: counted once"))
        else:
            found[item] = None
    return list(found)


def _actions(
    value: object, kind: type[_Action], side: Side, refusals: list[Refusal]
) -> dict[str, list[_Action]]:
    """The actions of a decision by symbol; what is not an action is refused."""
    found: defaultdict[str, list[_Action]] = defaultdict(list)
    if not isinstance(value, list | tuple):
        refusals.append(_malformed("", side, f"a list of {kind.__name__}s", value))
        return found
    for item in value:
        if isinstance(item, kind) and _is_symbol(item.symbol):
            found[item.symbol].append(item)
        else:
            refusals.append(_malformed("", side, f"a {kind.__name__}", item))
    return found


def _is_symbol(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_SYMBOL and plain(value) == value


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _verb(action: PositionAction | CandidateAction) -> str:
    """What an action says; something that is not a text says nothing."""
    return action.action if isinstance(action.action, str) and action.action in _VERBS else ""


def _reason(actions: Sequence[PositionAction | CandidateAction], otherwise: str) -> str:
    texts = [action.reasoning[:_LONGEST_REASON] for action in actions if isinstance(action.reasoning, str)]
    return next((said for text in texts if (said := plain(text))), otherwise)


def _malformed(symbol: str, side: Side, what: str, value: object) -> Refusal:
    text = f"expected {what}, found {_shown(value)}"
    return Refusal(symbol, side, MALFORMED, what, _shown(value), text)


def _shown(value: object) -> str:
    """A value for a message; of what could be of any size or shape only its type."""
    if isinstance(value, str):
        return repr(plain(value[:_LONGEST_SYMBOL]))
    return f"{value:g}" if isinstance(value, float) else type(value).__name__

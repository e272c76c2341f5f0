"""What a backtest evaluates, part by part: its column, how a person is told of it, and what it is made of."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from momentum.backtest.tape import on_positions
from momentum.host.dispatch import origin_of
from momentum.rules.columns import BAR, CONTEXT
from momentum.rules.program import BUY_WHEN, Condition, Program
from momentum.settings.load import Settings

_HOOKS = {
    "filter": "momentum_filter",
    "score": "momentum_score",
    "reversal": "momentum_reversal_signal",
}
_CALLED = {
    "filter": "filter",
    "score": "score point",
    "reversal": "reversal signal",
    "exit": "exit rule",
    "close_when": "close_when rule",
}


@dataclass(frozen=True, slots=True)
class Part:
    """One column of the evaluated market. `called` names it, `from_plugin` says whether a plugin's code made it.

    `inputs` are the columns that it is made of; a feature is made of the bars.
    """

    column: str
    called: str
    inputs: frozenset[str]
    from_plugin: bool = False


def parts_of(settings: Settings, program: Program) -> tuple[Part, ...]:
    """All parts, each after those that it is made of."""
    found = [Part(name, f"the data's {name}", frozenset()) for name in BAR if name != "day_fraction"]
    found.append(Part("price", "the price", frozenset(["close"])))
    found += [Part(name, f"the market's {name}", frozenset()) for name in CONTEXT]
    found += _features(program)
    for name, expression in program.columns:
        written = settings.origins.get(f"columns.{name}", "")
        place = f" ({written})" if written else ""
        found.append(Part(name, f"column {name}{place}", frozenset(expression.meta.root_names())))
    found += [_condition(settings, "filter", f"filter:{rule.key}", rule) for rule in program.filters]
    points = [_condition(settings, "score", f"score:{point.key}", point) for point in program.score]
    found += points
    found.append(Part("score", "the score", frozenset(point.column for point in points)))
    if program.buy_when is not None:
        roots = frozenset(program.buy_when.expression.meta.root_names())
        found.append(Part(BUY_WHEN, "decide.buy_when", roots))
    found += [
        _condition(settings, name.partition(":")[0], name, condition)
        for name, condition in on_positions(program)
    ]
    return tuple(found)


def culprits(parts: Sequence[Part], changed: Collection[str]) -> tuple[Part, ...]:
    """Those of the changed parts that nothing else explains: none of their inputs changed."""
    return tuple(part for part in parts if part.column in changed and not part.inputs.intersection(changed))


def resting_on(parts: Sequence[Part], column: str) -> tuple[Part, ...]:
    """The parts that are made of a column, directly or by way of others."""
    reached = {column}
    found = []
    for part in parts:
        if part.inputs & reached:
            reached.add(part.column)
            found.append(part)
    return tuple(found)


def _features(program: Program) -> Iterable[Part]:
    for name, expression in program.features:
        lagged = program.lagged.get(name)
        roots = {lagged[0]} if lagged else set(expression.meta.root_names())
        called = f"feature {name} = {program.texts[name]} of {program.origin(name)}"
        yield Part(name, called, frozenset(roots), from_plugin=True)


def _condition(settings: Settings, kind: str, column: str, condition: Condition) -> Part:
    roots = frozenset(condition.expression.meta.root_names())
    own = condition.plugin in ("strategy", "rules")
    called = f"{_CALLED[kind]} {condition.key!r}"
    if not own:
        called += f" of {origin_of(settings.host, condition.plugin, _HOOKS[kind])}"
    return Part(column, called, roots, from_plugin=not own)

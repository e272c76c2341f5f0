"""A strategy compiled: its features, columns, rules and order as polars expressions, each with its origin."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from momentum.host.discover import place_of
from momentum.host.dispatch import Answer, call_each
from momentum.host.registry import Host
from momentum.model.strategy import FeatureCall, Limits, Points, Rule, Strategy
from momentum.rules import columns as known_columns
from momentum.rules.features import SIGNALS_BUDGET, Factory, build, factories, feature_type
from momentum.rules.language import (
    RuleError,
    compile_rule,
    compile_value,
    describe_type,
    names_in,
    result_type,
)
from momentum.rules.problem import Problem
from momentum.rules.rank import RankKey, parse_rank

BUY_WHEN = "buy_when"
"""The column that holds the verdict of `decide.buy_when`."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled rule. `text` is what a person wrote, `plugin` who brought it, `points` what it is worth.

    Several may share a name, as the bands of one thing do; `key` is unique within filters, points, or signals.
    """

    key: str
    name: str
    text: str
    expression: pl.Expr
    plugin: str
    points: float = 0.0


@dataclass(frozen=True, slots=True)
class Program:
    """What a scan evaluates. `failures` are signals of plugins that cannot be used: then there are no buys.

    `lagged` are the features that are another one some bars ago: its name and how many. `origins` says which
    plugin computes a feature, `places` where its factory stands (`my_signals.py:7`).
    """

    features: tuple[tuple[str, pl.Expr], ...]
    lagged: Mapping[str, tuple[str, int]]
    columns: tuple[tuple[str, pl.Expr], ...]
    filters: tuple[Condition, ...]
    score: tuple[Condition, ...]
    reversal: tuple[Condition, ...]
    exits: tuple[Condition, ...]
    close_when: tuple[Condition, ...]
    buy_when: Condition | None
    rank: tuple[RankKey, ...]
    types: Mapping[str, pl.DataType]
    texts: Mapping[str, str]
    origins: Mapping[str, str]
    places: Mapping[str, str]
    problems: tuple[Problem, ...]
    failures: tuple[str, ...]

    def origin(self, feature: str) -> str:
        """`plugin my_signals (my_signals.py:7)`: how a fault of a feature begins."""
        place = self.places.get(feature)
        return f"plugin {self.origins[feature]} ({place})" if place else f"plugin {self.origins[feature]}"


def check(strategy: Strategy, host: Host, limits: Limits) -> Sequence[Problem]:
    """What is wrong with a strategy's own features, columns, rules and order."""
    return compile_program(strategy, host, limits).problems


def compile_program(strategy: Strategy, host: Host, limits: Limits) -> Program:
    """Compile a strategy with the signals of the plugins listed under `signals`.

    What is wrong with the strategy itself is in `problems`, what is wrong with a plugin in `failures`;
    everything that can be compiled is.
    """
    return _Compiler(strategy, host, limits).program()


class _Compiler:
    """Collects names, types, problems and failures while a strategy is compiled from top to bottom."""

    def __init__(self, strategy: Strategy, host: Host, limits: Limits) -> None:
        self.strategy = strategy
        self.host = host
        self.reserved = known_columns.reserved(limits)
        self.known: dict[str, pl.DataType] = {k: t for k, t in self.reserved.items() if k != "score"}
        self.features: dict[str, pl.Expr] = {}
        self.columns: dict[str, pl.Expr] = {}
        self.texts: dict[str, str] = {}
        self.brought: dict[str, Factory] = {}
        self.problems: list[Problem] = []
        self.factories, failures = factories(host)
        self.failures: list[str] = list(failures)

    def program(self) -> Program:
        for call in self.strategy.features:
            self._feature(call, ("features", call.name))
        for name, text in self.strategy.columns:
            self._column(name, text)
        filters = self._signals("momentum_filter", self.strategy.filters, "filters", {})
        score = self._signals("momentum_score", self.strategy.score, "score", {})
        on_position = known_columns.POSITION
        reversal = self._signals("momentum_reversal_signal", self.strategy.reversal, "reversal", on_position)
        exits = self._own(self.strategy.exits.signal, ("exits", "signal"), on_position)
        close_when = self._own(self.strategy.decide.close_when, ("decide", "close_when"), on_position)
        buy_when = None
        if self.strategy.decide.buy_when:
            rule = Rule(BUY_WHEN, self.strategy.decide.buy_when)
            buy_when = self._condition(rule, ("decide", "buy_when"), None, {"score": pl.Float64()})
        rank = self._rank()
        return Program(
            features=tuple(self.features.items()),
            lagged=self._lagged(),
            columns=tuple(self.columns.items()),
            filters=filters,
            score=score,
            reversal=reversal,
            exits=exits,
            close_when=close_when,
            buy_when=buy_when,
            rank=rank,
            types=self.known,
            texts=self.texts,
            origins={name: factory.plugin for name, factory in self.brought.items()},
            places={name: place_of(factory.build) for name, factory in self.brought.items()},
            problems=tuple(Problem(found.path, self.host.hide(found.message)) for found in self.problems),
            failures=tuple(map(self.host.hide, self.failures)),
        )

    def _feature(self, call: FeatureCall, path: tuple[str | int, ...]) -> None:
        if not self._is_free(call.name, path):
            return
        try:
            expression = build(call, self.factories)
            factory = self.factories[call.factory]
            self.known[call.name] = feature_type(expression, f"feature {call.factory} of {factory.origin}")
            self.features[call.name] = expression
            self.brought[call.name] = factory
            self.texts[call.name] = _call_text(call)
        except RuleError as error:
            self.problems.append(Problem(path, str(error)))

    def _lagged(self) -> dict[str, tuple[str, int]]:
        """Features that are another one some bars ago: computed once and shifted, they need not be computed twice."""
        calls = [call for call in self.strategy.features if call.name in self.features]
        now = {_call_text(call): call.name for call in calls if not call.lag}
        return {
            call.name: (now[text], call.lag)
            for call in calls
            if call.lag and (text := _call_text(replace(call, lag=0))) in now
        }

    def _column(self, name: str, text: str) -> None:
        path = ("columns", name)
        if not self._is_free(name, path):
            return
        try:
            self._declare(names_in(text))
            if name in self.known:
                raise RuleError(f"names itself: {name} is also a feature; choose another name")
            expression = compile_value(text, self.known)
            found = result_type(expression, self.known)
        except RuleError as error:
            self.problems.append(Problem(path, str(error)))
            return
        self.known[name] = pl.Float64() if found.is_numeric() else found
        self.columns[name] = expression
        self.texts[name] = text

    def _is_free(self, name: str, path: tuple[str | int, ...]) -> bool:
        """Whether a feature or column may take this name; a problem is on record where it may not."""
        if not name.isidentifier():
            problem = f"{name!r} is not a name; use letters, digits and _"
        elif name in self.reserved or name in self.known or name in known_columns.FRAME:
            problem = f"{name!r} is taken; choose another name"
        else:
            return True
        self.problems.append(Problem(path, problem))
        return False

    def _declare(self, names: Iterable[str]) -> None:
        """Add those of the named columns that are features which need no declaration."""
        for name in sorted(names):
            factory: Factory | None = self.factories.get(name)
            if factory is not None and name not in self.known and factory.needs_nothing:
                self._feature(FeatureCall(name, name), ("features", name))

    def _signals(
        self, hook: str, own: Sequence[Rule | Points], section: str, extra: Mapping[str, pl.DataType]
    ) -> tuple[Condition, ...]:
        found: list[Condition] = []
        served: set[str] = set()
        every_answer_is_usable = True
        for answer in call_each(self.host, "signals", hook, budget=SIGNALS_BUDGET, strategy=self.strategy):
            if answer.error is not None or not _is_list(answer.value):
                self.failures.append(answer.error or f"{answer.origin}: {hook} must return a list")
                every_answer_is_usable = False
                continue
            for item in answer.value:
                place = next((i for i, rule in enumerate(own) if rule is item), None)
                path = (section, place) if place is not None else ()
                name = _name(item)
                if isinstance(name, str):
                    served.add(name)
                condition = self._condition(item, path, answer, extra)
                if condition is not None:
                    found.append(condition)
        if every_answer_is_usable and not served.issuperset(rule.name for rule in own):
            problem = "is declared, but no plugin under plugins.signals serves it; add rules"
            self.problems.append(Problem((section,), problem))
        return _keyed(found)

    def _own(
        self, rules: Sequence[Rule], path: tuple[str, ...], extra: Mapping[str, pl.DataType]
    ) -> tuple[Condition, ...]:
        compiled = (self._condition(rule, (*path, i), None, extra) for i, rule in enumerate(rules))
        return _keyed([condition for condition in compiled if condition is not None])

    def _condition(
        self, item: object, path: tuple[str | int, ...], by: Answer | None, extra: Mapping[str, pl.DataType]
    ) -> Condition | None:
        """Compile one rule or point of a plugin, or of the strategy itself where `by` is None.

        None, and a problem or a failure on record, where that cannot be.
        """
        try:
            name, when, points = _parts(item)
            self._declare(names_in(when))
            expression = compile_rule(when, {**self.known, **extra})
        except RuleError as error:
            if path or by is None:
                where = (*path, "when") if isinstance(item, Points) else path
                self.problems.append(Problem(where, str(error)))
            else:
                self.failures.append(f"{by.origin}: rule {_name(item)!r} {error}")
            return None
        text = when if isinstance(when, str) else str(when)
        return Condition(name, name, text, expression, by.plugin if by else "strategy", points)

    def _rank(self) -> tuple[RankKey, ...]:
        self._declare(set(re.findall(r"\w+", self.strategy.rank)))
        known = {**self.known, "score": pl.Float64()}
        try:
            keys = parse_rank(self.strategy.rank, known)
        except RuleError as error:
            self.problems.append(Problem(("rank",), str(error)))
            return ()
        for key in keys:
            if not known[key.column].is_numeric():
                kind = describe_type(known[key.column])
                self.problems.append(Problem(("rank",), f"{key.column} is {kind}; rank goes by numbers"))
        return keys


def _keyed(conditions: Sequence[Condition]) -> tuple[Condition, ...]:
    """The conditions with keys of their own: the second of a name is `NAME (2)`."""
    keyed: dict[str, Condition] = {}
    for condition in conditions:
        key, count = condition.name, 1
        while key in keyed:
            count += 1
            key = f"{condition.name} ({count})"
        keyed[key] = replace(condition, key=key)
    return tuple(keyed.values())


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _name(item: object) -> object:
    """What a rule is called in a message, of whatever shape it is."""
    return item[0] if isinstance(item, tuple | list) and item else item


def _parts(item: object) -> tuple[str, str | pl.Expr, float]:
    """Name, condition and points of what a plugin returned: Rule, Points, or a plain tuple."""
    if not isinstance(item, tuple | list) or len(item) not in (2, 3) or not isinstance(item[0], str):
        raise RuleError("must be (name, condition) or (name, condition, points)")
    points = item[2] if len(item) == 3 else 1.0
    if isinstance(points, bool) or not isinstance(points, int | float) or not math.isfinite(points):
        raise RuleError(f"is worth {points!r}, which is not a number of points")
    return item[0], item[1], float(points)


def _call_text(call: FeatureCall) -> str:
    """`rsi(14)`, `macd_diff(fast=12, slow=26), 1 bar ago`: a feature as it is explained."""
    parts = [] if call.scalar is None else [str(call.scalar)]
    parts += [f"{key}={value}" for key, value in call.keywords.items()]
    ago = f", {call.lag} bar{'s' if call.lag != 1 else ''} ago" if call.lag else ""
    return f"{call.factory}({', '.join(parts)}){ago}"

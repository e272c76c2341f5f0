"""From a strategy's `features:` to polars expressions over one symbol's bars."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches

import polars as pl
from polars.exceptions import PanicException, PolarsError

from momentum.host.discover import describe, place_of
from momentum.host.dispatch import call_each
from momentum.host.registry import Host
from momentum.model.strategy import FeatureCall
from momentum.rules.columns import BAR
from momentum.rules.language import RuleError

BROKEN: tuple[type[BaseException], ...] = (Exception, SystemExit, PanicException)
"""What computing a plugin's expression may raise: polars hands on whatever a Python function in it raises."""


SIGNALS_BUDGET = timedelta(seconds=30)
"""How long a plugin may take to name its signals; it only declares them, the engine computes."""


@dataclass(frozen=True, slots=True)
class Factory:
    """A feature that a plugin can compute."""

    name: str
    plugin: str
    build: Callable[..., pl.Expr]
    parameters: inspect.Signature

    @property
    def origin(self) -> str:
        """`plugin my_signals (my_signals.py:7)`: who brought it, and where the factory stands."""
        place = place_of(self.build)
        return f"plugin {self.plugin} ({place})" if place else f"plugin {self.plugin}"

    @property
    def needs_nothing(self) -> bool:
        """True where the feature can be named in a rule without being declared."""
        return all(
            parameter.default is not parameter.empty or parameter.kind in (parameter.VAR_KEYWORD,)
            for parameter in self.parameters.parameters.values()
        )


def factories(host: Host) -> tuple[Mapping[str, Factory], tuple[str, ...]]:
    """Every factory that the signal plugins bring, by name, and what went wrong while asking them.

    Where two plugins bring the same name, the first in the YAML's order has it.
    """
    found: dict[str, Factory] = {}
    failures: list[str] = []
    for answer in call_each(host, "signals", "momentum_features", budget=SIGNALS_BUDGET):
        if answer.error is not None:
            failures.append(answer.error)
            continue
        if not isinstance(answer.value, Mapping):
            failures.append(f"{answer.origin}: momentum_features must return a mapping of names to factories")
            continue
        for name, build in answer.value.items():
            if not callable(build) or not str(name).isidentifier():
                failures.append(f"{answer.origin}: feature {name!r} is not a named factory")
                continue
            try:
                parameters = inspect.signature(build)
            except (TypeError, ValueError):
                failures.append(
                    f"{answer.origin}: the parameters of feature {name} cannot be read; "
                    "its factory must be a Python function"
                )
                continue
            found.setdefault(name, Factory(name, answer.plugin, build, parameters))
    return found, tuple(failures)


def build(call: FeatureCall, known: Mapping[str, Factory]) -> pl.Expr:
    """The expression of a declared feature, over one symbol's bars, oldest first.

    Raises `RuleError` for an unknown factory, parameters that do not fit, and a result that is no column.
    """
    factory = known.get(call.factory)
    if factory is None:
        near = get_close_matches(call.factory, known, n=1)
        raise RuleError(
            f"unknown feature {call.factory!r}" + (f"; did you mean {near[0]!r}?" if near else "")
        )
    if isinstance(call.lag, bool) or not isinstance(call.lag, int) or call.lag < 0:
        raise RuleError(
            f"feature {call.factory}: lag is a whole number of bars ago, from 0 on, not {call.lag!r}"
        )
    arguments = _arguments(call, factory)
    try:
        expression = factory.build(**arguments)
    except (Exception, SystemExit) as error:
        reason = str(error) if isinstance(error, ValueError) else describe(error)
        raise RuleError(f"feature {call.factory} of plugin {factory.plugin}: {reason}") from error
    if not isinstance(expression, pl.Expr):
        raise RuleError(
            f"feature {call.factory} of {factory.origin} must return a polars expression, "
            f"not {type(expression).__name__}"
        )
    return expression.shift(call.lag) if call.lag else expression


def _arguments(call: FeatureCall, factory: Factory) -> dict[str, object]:
    names = [name for name, p in factory.parameters.parameters.items() if p.kind is not p.VAR_KEYWORD]
    open_ended = any(p.kind is p.VAR_KEYWORD for p in factory.parameters.parameters.values())
    arguments = dict(call.keywords)
    if call.scalar is not None:
        if not names:
            raise RuleError(f"feature {call.factory} takes no parameter")
        arguments = {names[0]: call.scalar, **arguments}
    for name in arguments:
        if name not in names and not open_ended:
            near = get_close_matches(name, names, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; it takes {', '.join(names) or 'none'}"
            raise RuleError(f"feature {call.factory} has no parameter {name!r}{hint}")
    try:
        factory.parameters.bind(**arguments)
    except TypeError as error:
        raise RuleError(f"feature {call.factory}: {error}") from error
    return arguments


def feature_type(expression: pl.Expr, origin: str) -> pl.DataType:
    """The type of a feature as rules see it: numbers are Float64. Raises `RuleError` where it is no one column."""
    try:
        frame = pl.DataFrame(schema=dict(BAR)).select(expression)
    except BROKEN as error:
        raise RuleError(f"{origin} cannot be computed: {why_broken(error)}") from error
    if frame.width != 1:
        raise RuleError(f"{origin} must be one column, not {frame.width}")
    found = frame.dtypes[0]
    if found.is_numeric():
        return pl.Float64()
    if isinstance(found, pl.Boolean | pl.String):
        return found
    raise RuleError(f"{origin} must be numbers, true or false, or text, not {found}")


def why_broken(error: BaseException) -> str:
    """One line for what computing an expression raised; polars adds the expression on further lines."""
    told = str(error.args[0]) if error.args else ""  # the text of a KeyError is quoted, line breaks and all
    text = next(iter(told.splitlines()), "")
    if isinstance(error, PolarsError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def finite(name: str, found: pl.DataType) -> pl.Expr:
    """A computed column in the form in which rules see it: Float64, NaN and infinities as null."""
    column = pl.col(name)
    if not found.is_numeric():
        return column
    number = column.cast(pl.Float64)
    return pl.when(number.is_finite()).then(number).alias(name)

"""Checks across values: what is impossible together is an error, what is likely a slip is a warning."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Literal, TypeAlias

from momentum.errors import Finding
from momentum.host.registry import Host
from momentum.model.market import CAPS
from momentum.model.strategy import Limits, Strategy
from momentum.rules.problem import Problem
from momentum.settings.documents import WORKSPACE_FILE
from momentum.settings.nodes import DEFAULT, Mark, Node, Table, at, dotted, mark_of
from momentum.settings.typed import Monitor, Schedule, factory_of
from momentum.settings.validate import Fault, clip
from momentum.units import SlotTime, format_fraction

RuleCheck: TypeAlias = Callable[[Strategy, Host, Limits], Sequence[Problem]]
"""Finds what is wrong with a strategy's features, columns, rules and order."""

_OPEN = timedelta(hours=9, minutes=30)
_CLOSE = timedelta(hours=16)
_ROUNDING = 1e-9
"""Six times 10 % is 60.000000000000006 %."""


def place_of(tree: Table, *paths: tuple[str | int, ...]) -> Mark:
    """Where the first of these values that somebody wrote stands; momentum.yaml where all are defaults."""
    for path in paths:
        mark = mark_of(tree, path)
        if at(tree, path[:1]) is not None and mark.where != DEFAULT:
            return mark
    return Mark(WORKSPACE_FILE)


def cross_checks(
    tree: Table, limits: Limits, monitor: Monitor, schedule: Schedule, *, classified: bool
) -> tuple[Finding, ...]:
    """All findings across the values of a workspace. `classified` is False where the universe is `all`."""
    found = [*_sizes(tree, limits), *_alerts(tree, monitor), *_times(tree, schedule)]
    if classified:
        found += _caps(tree, limits)
    return tuple(found)


def _at(tree: Table, message: str, *keys: str, severity: Literal["error", "warning"] = "warning") -> Finding:
    """A finding on the first key, at the place of the first that somebody wrote."""
    mark = place_of(tree, *(tuple(key.split(".")) for key in keys))
    return mark.finding(message, keys[0], severity)


def _sizes(tree: Table, limits: Limits) -> Iterator[Finding]:
    size, most = limits.position_size, limits.max_exposure
    shown = format_fraction(size), format_fraction(most)
    if size > most * (1 + _ROUNDING):
        message = f"{shown[0]} is over limits.max_exposure ({shown[1]}), so no position fits"
        yield _at(tree, message, "limits.position_size", "limits.max_exposure", severity="error")
    elif size * limits.max_positions > most * (1 + _ROUNDING):
        fit = math.floor(most / size * (1 + _ROUNDING))
        message = f"{limits.max_positions} positions of {shown[0]} are over limits.max_exposure ({shown[1]}); {fit} fit"
        yield _at(tree, message, "limits.max_positions", "limits.position_size", "limits.max_exposure")


def _caps(tree: Table, limits: Limits) -> Iterator[Finding]:
    keys = [f"caps.{cap}.max_positions" for cap in CAPS]
    total = sum(limits.for_cap(cap).max_positions for cap in CAPS)
    if total < limits.max_positions:
        message = f"{limits.max_positions} can't be reached: the size classes allow {total} together"
        yield _at(tree, message, "limits.max_positions", *keys)
    for cap, key in zip(CAPS, keys, strict=True):
        allowed = limits.for_cap(cap).max_positions
        if allowed > limits.max_positions:
            message = f"{allowed} is over limits.max_positions ({limits.max_positions}), which holds"
            yield _at(tree, message, key, "limits.max_positions")


def _alerts(tree: Table, monitor: Monitor) -> Iterator[Finding]:
    if monitor.alerts and monitor.auto_close and monitor.alert_threshold > monitor.auto_close_threshold:
        message = (
            f"{monitor.alert_threshold:g} is over monitor.auto_close_threshold "
            f"({monitor.auto_close_threshold:g}): a position is closed before it is told"
        )
        yield _at(tree, message, "monitor.alert_threshold", "monitor.auto_close_threshold")


def _times(tree: Table, schedule: Schedule) -> Iterator[Finding]:
    for name, time in schedule.scans.items():
        if not _in_session(time):
            message = f"{time} is outside the session, 09:30 to 16:00 New York"
            yield _at(tree, message, f"schedule.scans.{name}", severity="error")


def _in_session(time: SlotTime) -> bool:
    start = {"clock": timedelta(0), "open": _OPEN, "close": _CLOSE}[time.anchor]
    return _OPEN <= start + time.after <= _CLOSE


def feature_faults(features: object) -> Iterator[Fault]:
    """Declared features that name no factory."""
    for name, call in features.items() if isinstance(features, Mapping) else ():
        if isinstance(call, Mapping) and call and factory_of(call) is None:
            yield Fault(("features", name), "names no feature; write {feature: parameter}, or {feature: {}}")


def plugin_findings(tree: Table, host: Host) -> Iterator[Finding]:
    """The listed plugins that cannot be used, each where it is listed."""
    for failure in host.failures:
        path: tuple[str | int, ...] = ("plugins", failure.role)
        listed = at(tree, (*path, failure.place))
        place = path if listed is None else (*path, failure.place)
        yield place_of(tree, place).finding(failure.message, dotted(path))


def rule_findings(tree: Table, problems: Sequence[Problem], missing: frozenset[str]) -> Iterator[Finding]:
    """What is wrong with rules, each at the value in the file that holds it.

    One mistake is one finding: a rule that names what is missing, because something else is wrong with that,
    is not another.
    """
    gone = set(missing)
    for problem in problems:
        follows = any(repr(name) in problem.message for name in gone)
        if len(problem.path) > 1 and problem.path[0] in ("features", "columns"):
            gone.add(str(problem.path[1]))
        if not follows:
            path = _existing(tree, problem.path)
            yield place_of(tree, path).finding(_one_line(problem.message), clip(dotted(problem.path)))


def _existing(tree: Table, path: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """The path, into a `{name: rule}` where the rule is written so, as far as the document goes."""
    node: Node | None = at(tree, path)
    if isinstance(node, Table) and path and isinstance(path[-1], int) and len(node.entries) == 1:
        return (*path, next(iter(node.entries)))
    while node is None and path:
        path = path[:-1]
        node = at(tree, path)
    return path


def _one_line(text: str) -> str:
    return " ".join(text.split())

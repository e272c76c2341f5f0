"""Calling hooks: each implementation alone, in the YAML's order, caught, timed and named."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from queue import Empty, Queue
from typing import Any

from pluggy import HookImpl

from momentum.errors import DataError, MomentumError, PluginError
from momentum.host.discover import Plugin, describe, place_of
from momentum.host.registry import Host


@dataclass(frozen=True, slots=True)
class Answer:
    """What one implementation of a hook did: a value, or an error; `seconds` is how long it took.

    `place` is the file and line of the implementation.
    """

    plugin: str
    hook: str
    value: Any
    error: str | None
    seconds: float
    place: str = ""

    @property
    def origin(self) -> str:
        """`plugin my_signals (my_signals.py:7)`: how a fault of what was answered begins."""
        return f"plugin {self.plugin} ({self.place})" if self.place else f"plugin {self.plugin}"


def call_each(
    host: Host, role: str, hook: str, *, budget: timedelta | None = None, **arguments: object
) -> Iterator[Answer]:
    """Call a hook of every plugin under `role`, one after the other; the caller may stop when it has enough.

    With a `budget` each call runs on a worker thread; one that overruns is left behind, answered by an
    error, and its plugin is not called again in this process.
    """
    for plugin in host.listed(role):
        if hook in plugin.hooks:
            yield call(host, plugin, hook, budget=budget, **arguments)


def call(
    host: Host, plugin: Plugin, hook: str, *, budget: timedelta | None = None, **arguments: object
) -> Answer:
    """Call one plugin's implementation of a hook; whatever it does, an Answer comes back."""
    if plugin.name in host.hung:
        return Answer(plugin.name, hook, None, f"plugin {plugin.name} hung earlier; restart to use it", 0.0)
    function, chosen = _implementation(host, plugin, hook, arguments)
    place = place_of(function)
    started = time.perf_counter()
    if budget is None:
        value, error = _attempt(function, chosen)
        if isinstance(error, KeyboardInterrupt):
            raise error
    else:
        outcome = _within(budget, function, chosen)
        if outcome is None:
            host.hung.add(plugin.name)
            where = f"plugin {plugin.name} ({place})" if place else f"plugin {plugin.name}"
            text = f"{where} did not return from {hook} within {budget.total_seconds():g} s"
            return Answer(plugin.name, hook, None, text, time.perf_counter() - started, place)
        value, error = outcome
    seconds = time.perf_counter() - started
    if error is not None:
        return Answer(plugin.name, hook, None, _failure(host, plugin, hook, error), seconds, place)
    return Answer(plugin.name, hook, value, None, seconds, place)


def origin_of(host: Host, plugin: str, hook: str) -> str:
    """`plugin my_signals (my_signals.py:7)`: a plugin, and where its implementation of a hook stands."""
    found = host.plugins.get(plugin)
    if found is None or hook not in found.hooks:
        return f"plugin {plugin}"
    return f"plugin {plugin} ({place_of(_hookimpl(host, found, hook).function)})"


def only(host: Host, role: str, hook: str, **arguments: object) -> Any:
    """The answer of the one plugin that serves a role (data, broker).

    Raises `PluginError` where none is listed, whatever error of momentum the plugin itself raised, and
    `DataError` for any other failure of the plugin, an answer of None among them.
    """
    plugins = host.listed(role)
    if not plugins:
        raise PluginError(f"plugins.{role} names no plugin; see `momentum plugins`")
    plugin = plugins[0]
    function, chosen = _implementation(host, plugin, hook, arguments)
    value, error = _attempt(function, chosen)
    if error is None and value is None:
        raise DataError(f"plugin {plugin.name} ({place_of(function)}): {hook} returned nothing")
    if error is None:
        return value
    if isinstance(error, MomentumError):
        error.args = tuple(host.hide(part) if isinstance(part, str) else part for part in error.args)
    if isinstance(error, MomentumError | KeyboardInterrupt):
        raise error
    raise DataError(_failure(host, plugin, hook, error)) from error


def schemas(host: Host) -> Mapping[str, Mapping[str, Any]]:
    """The JSON Schema of each loaded plugin's own settings, by plugin name.

    Raises `PluginError` where a plugin fails to give its schema.
    """
    found: dict[str, Mapping[str, Any]] = {}
    for plugin in host.plugins.values():
        if "momentum_settings_schema" not in plugin.hooks:
            continue
        answer = call(host, plugin, "momentum_settings_schema")
        if answer.error is not None:
            raise PluginError(answer.error)
        if not isinstance(answer.value, Mapping):
            raise PluginError(f"plugin {plugin.name}: momentum_settings_schema must return a mapping")
        found[plugin.name] = answer.value
    return found


def _failure(host: Host, plugin: Plugin, hook: str, error: BaseException) -> str:
    """What went wrong in a plugin, without the secrets that its text may repeat."""
    return host.hide(f"plugin {plugin.name} failed in {hook}: {describe(error, plugin.file)}")


def _implementation(
    host: Host, plugin: Plugin, hook: str, arguments: Mapping[str, object]
) -> tuple[Any, Mapping[str, object]]:
    """A plugin's function for a hook, and those of the arguments that it takes."""
    found = _hookimpl(host, plugin, hook)
    return found.function, {name: arguments[name] for name in found.argnames}


def _hookimpl(host: Host, plugin: Plugin, hook: str) -> HookImpl:
    implementations: Sequence[HookImpl] = getattr(host.manager.hook, hook).get_hookimpls()
    return next(impl for impl in implementations if impl.plugin is plugin.implementation)


def _attempt(function: Any, arguments: Mapping[str, object]) -> tuple[Any, BaseException | None]:
    try:
        return function(**arguments), None
    except BaseException as error:  # sys.exit, and a panic inside of polars, are no `Exception`
        return None, error


def _within(
    budget: timedelta, function: Any, arguments: Mapping[str, object]
) -> tuple[Any, BaseException | None] | None:
    """Run on a daemon thread; None where the budget is over. A thread cannot be killed, so it is abandoned."""
    answers: Queue[tuple[Any, BaseException | None]] = Queue(maxsize=1)
    thread = threading.Thread(target=lambda: answers.put(_attempt(function, arguments)), daemon=True)
    thread.start()
    with suppress(Empty):
        return answers.get(timeout=budget.total_seconds())
    return None

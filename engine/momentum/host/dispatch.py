"""Calling hooks: each implementation alone, in the YAML's order, caught, timed and named."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from queue import Empty, Queue
from typing import Any

from momentum.errors import DataError, MomentumError, PluginError
from momentum.host.discover import Plugin, describe
from momentum.host.registry import Host


@dataclass(frozen=True, slots=True)
class Answer:
    """What one implementation of a hook did: a value, or an error; `seconds` is how long it took."""

    plugin: str
    hook: str
    value: Any
    error: str | None
    seconds: float


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
    started = time.perf_counter()
    if budget is None:
        value, error = _attempt(function, chosen)
        if isinstance(error, KeyboardInterrupt):
            raise error
    else:
        outcome = _within(budget, function, chosen)
        if outcome is None:
            host.hung.add(plugin.name)
            text = f"plugin {plugin.name} did not return from {hook} within {budget.total_seconds():g} s"
            return Answer(plugin.name, hook, None, text, time.perf_counter() - started)
        value, error = outcome
    seconds = time.perf_counter() - started
    if error is not None:
        text = f"plugin {plugin.name} failed in {hook}: {describe(error, plugin.file)}"
        return Answer(plugin.name, hook, None, text, seconds)
    return Answer(plugin.name, hook, value, None, seconds)


def only(host: Host, role: str, hook: str, **arguments: object) -> Any:
    """The answer of the one plugin that serves a role (data, broker).

    Raises `PluginError` where none is listed, whatever error of momentum the plugin itself raised, and
    `DataError` for any other failure of the plugin.
    """
    plugins = host.listed(role)
    if not plugins:
        raise PluginError(f"plugins.{role} names no plugin; see `momentum plugins`")
    plugin = plugins[0]
    function, chosen = _implementation(host, plugin, hook, arguments)
    value, error = _attempt(function, chosen)
    if error is None:
        return value
    if isinstance(error, MomentumError | KeyboardInterrupt):
        raise error
    raise DataError(f"plugin {plugin.name} failed in {hook}: {describe(error, plugin.file)}") from error


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


def _implementation(
    host: Host, plugin: Plugin, hook: str, arguments: Mapping[str, object]
) -> tuple[Any, Mapping[str, object]]:
    """A plugin's function for a hook, and those of the arguments that it takes."""
    found = next(
        impl
        for impl in getattr(host.manager.hook, hook).get_hookimpls()
        if impl.plugin is plugin.implementation
    )
    return found.function, {name: arguments[name] for name in found.argnames}


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

"""Finding plugins: by the entry-point group `momentum`, or by the path of a Python file.

Names are known without importing anything; a plugin is imported when it is asked for.
"""

from __future__ import annotations

import importlib.util
import inspect
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cache, partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from traceback import extract_tb
from types import ModuleType
from typing import Any

import pluggy

from momentum import hookspecs
from momentum.errors import PluginError

HOOKS: tuple[str, ...] = tuple(name for name in vars(hookspecs) if name.startswith("momentum_"))


@dataclass(frozen=True, slots=True)
class Plugin:
    """A loaded plugin: `implementation` is its module or object, `origin` says where it came from."""

    name: str
    version: str
    origin: str
    file: str
    hooks: tuple[str, ...]
    implementation: object


@cache
def installed() -> Mapping[str, EntryPoint]:
    """The plugins that installed packages offer, by name; nothing is imported."""
    return {entry.name: entry for entry in entry_points(group=hookspecs.PROJECT)}


def is_path(name: str) -> bool:
    """True where a plugin is named by its file rather than by an entry point."""
    return name.endswith(".py") or "/" in name


def plugin_name(name: str) -> str:
    """The name under which a plugin is known and its settings stand: `./my_signals.py` is `my_signals`."""
    return Path(name).stem if is_path(name) else name


def load(name: str, directory: Path) -> Plugin:
    """Import one plugin and check it against the hook specifications.

    `name` is an entry point's name or a path relative to `directory`. Raises `PluginError`, naming the
    plugin and, where its own code is at fault, the file and line.
    """
    plugin = _load_file(name, directory) if is_path(name) else _load_installed(name)
    _check_version(plugin)
    return replace(plugin, hooks=_hooks(plugin))


def _load_installed(name: str) -> Plugin:
    known = installed()
    entry = known.get(name)
    if entry is None:
        near = get_close_matches(name, known, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(sorted(known))}"
        raise PluginError(f"no plugin named {name!r}{hint}")
    try:
        implementation = entry.load()
    except (Exception, SystemExit) as error:
        raise PluginError(f"plugin {name} failed to load: {describe(error)}") from error
    package = entry.dist.name if entry.dist else "unknown package"
    version = entry.dist.version if entry.dist else ""
    return _plugin(name, version, f"{package} {version}".strip(), implementation)


def _load_file(path: str, directory: Path) -> Plugin:
    name = plugin_name(path)
    file = (directory / path).resolve()
    if not file.is_file():
        raise PluginError(f"plugin {path}: there is no such file in {directory}")
    if not re.fullmatch(r"[A-Za-z_]\w*", name):
        raise PluginError(f"plugin {path}: the file's name must be a Python identifier, like my_signals.py")
    module_name = f"momentum_local_{name}"
    spec = importlib.util.spec_from_file_location(module_name, file)
    if spec is None or spec.loader is None:
        raise PluginError(f"plugin {path}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[module_name]
        raise PluginError(f"plugin {name} failed to load: {describe(error, str(file))}") from error
    return _plugin(name, str(getattr(module, "__version__", "")), path, module)


def _plugin(name: str, version: str, origin: str, implementation: object) -> Plugin:
    module = (
        implementation
        if isinstance(implementation, ModuleType)
        else sys.modules.get(type(implementation).__module__)
    )
    file = str(getattr(module, "__file__", "") or "")
    return Plugin(name, version, origin, file, (), implementation)


def _check_version(plugin: Plugin) -> None:
    wanted = getattr(plugin.implementation, "MOMENTUM_API", hookspecs.API_VERSION)
    if not isinstance(wanted, int) or wanted > hookspecs.API_VERSION:
        raise PluginError(
            f"plugin {plugin.name} asks for plugin API {wanted}, this momentum has {hookspecs.API_VERSION}; "
            "update momentum, or use an older version of the plugin"
        )


def _hooks(plugin: Plugin) -> tuple[str, ...]:
    """The hooks that a plugin implements. Raises `PluginError` where one does not fit its specification."""
    place = f"plugin {plugin.name} ({plugin.file})"
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    for name in dir(plugin.implementation):
        marked = manager.parse_hookimpl_opts(plugin.implementation, name)
        if marked is None and name in HOOKS:
            raise PluginError(f"{place}: {name} is not marked @momentum.hookimpl")
        if marked is None:
            continue
        if (marked["specname"] or name) not in HOOKS:
            near = get_close_matches(name, HOOKS, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise PluginError(f"{place}: there is no hook {name!r}{hint}")
        if marked["wrapper"] or marked["hookwrapper"]:
            raise PluginError(f"{place}: {name} is a hook wrapper, which momentum does not call")
    try:
        manager.register(plugin.implementation, plugin.name)
    except pluggy.PluginValidationError as error:
        raise PluginError(f"{place}: {' '.join(str(error).split())}") from error
    hooks = {caller.name for caller in manager.get_hookcallers(plugin.implementation) or ()}
    if not hooks:
        raise PluginError(f"{place} has no function marked @momentum.hookimpl; a plugin needs at least one")
    return tuple(hook for hook in HOOKS if hook in hooks)


def describe(error: BaseException, file: str | None = None) -> str:
    """`ZeroDivisionError: division by zero (my_signals.py:12)`: an exception on one line, with its place.

    The place is the innermost frame within `file`, where there is one, else the innermost of all.
    """
    frames = [frame for frame in extract_tb(error.__traceback__) if not frame.filename.startswith("<frozen")]
    own = [frame for frame in frames if file is not None and frame.filename == file]
    chosen = own or frames
    frame = chosen[-1] if chosen else None
    if isinstance(error, SyntaxError) and error.filename:
        place = f" ({Path(error.filename).name}:{error.lineno})"
        return f"SyntaxError: {error.msg}{place}"
    place = f" ({Path(frame.filename).name}:{frame.lineno})" if frame else ""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}{place}" if text else f"{type(error).__name__}{place}"


def place_of(function: Any) -> str:
    """`my_signals.py:7`: where a function, or another callable's class, stands; empty where that is not Python."""
    while isinstance(function, partial):
        function = function.func
    function = inspect.unwrap(function)
    code = getattr(function, "__code__", None) or getattr(function.__call__, "__code__", None)
    return f"{Path(code.co_filename).name}:{code.co_firstlineno}" if code is not None else ""

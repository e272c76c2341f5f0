"""The plugins that a workspace lists, under the roles in which it lists them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pluggy

from momentum import hookspecs
from momentum.errors import PluginError
from momentum.host import discover
from momentum.host.discover import Plugin

ROLES: Mapping[str, tuple[str, ...]] = {
    "data": ("momentum_market_data",),
    "broker": ("momentum_broker",),
    "signals": ("momentum_features", "momentum_filter", "momentum_score", "momentum_reversal_signal"),
    "decide": ("momentum_decide",),
    "execute": ("momentum_execute",),
    "notify": ("momentum_notify",),
    "learn": ("momentum_learn",),
    "services": ("momentum_start", "momentum_stop", "momentum_commands", "momentum_jobs"),
}
"""Which hooks are called for a plugin that stands under a role."""


@dataclass(frozen=True, slots=True)
class PluginFailure:
    """A listed plugin that cannot be used, and why. `place` is its position in the role's list."""

    name: str
    role: str
    place: int
    message: str


@dataclass(frozen=True, slots=True)
class Host:
    """The loaded plugins. `roles` hold names in the order in which their hooks are called.

    `hung` collects the plugins that overran their time budget: they are not called again in this process.
    `hide` takes the secrets out of a text that comes from a plugin.
    """

    plugins: Mapping[str, Plugin]
    roles: Mapping[str, tuple[str, ...]]
    failures: tuple[PluginFailure, ...]
    manager: pluggy.PluginManager
    hung: set[str] = field(default_factory=set)
    hide: Callable[[str], str] = str

    @classmethod
    def load(
        cls,
        roles: Mapping[str, Sequence[str]],
        directory: Path,
        *,
        hide: Callable[[str], str] = str,
    ) -> Host:
        """Load every plugin that `roles` name; one that fails is in `failures`, and the others stand."""
        manager = pluggy.PluginManager(hookspecs.PROJECT)
        manager.add_hookspecs(hookspecs)
        plugins: dict[str, Plugin] = {}
        errors: dict[str, str] = {}
        origins: dict[str, Path] = {}
        usable: dict[str, tuple[str, ...]] = {}
        failures: list[PluginFailure] = []
        for role, listed in roles.items():
            names: list[str] = []
            for place, text in enumerate(listed):
                name = discover.plugin_name(text)
                if name not in origins:
                    origins[name] = Path(text)
                    try:
                        plugins[name] = _registered(discover.load(text, directory), manager)
                    except PluginError as error:
                        errors[name] = hide(str(error))
                if origins[name] != Path(text):
                    problem = f"plugins {origins[name]} and {text} are both called {name}; rename one"
                else:
                    problem = errors.get(name) or _misplaced(plugins[name], role)
                if problem:
                    failures.append(PluginFailure(name, role, place, problem))
                elif name not in names:
                    names.append(name)
            usable[role] = tuple(names)
        return cls(plugins, usable, tuple(failures), manager, hide=hide)

    def listed(self, role: str) -> tuple[Plugin, ...]:
        """The usable plugins of a role, in the order of the YAML."""
        return tuple(self.plugins[name] for name in self.roles.get(role, ()))


def _registered(plugin: Plugin, manager: pluggy.PluginManager) -> Plugin:
    known = manager.get_name(plugin.implementation)
    if known is not None:
        raise PluginError(f"plugin {plugin.name} is the same module as plugin {known}; list one of them")
    manager.register(plugin.implementation, plugin.name)
    return plugin


def _misplaced(plugin: Plugin, role: str) -> str:
    hooks = ROLES[role]
    if any(hook in plugin.hooks for hook in hooks):
        return ""
    able = roles_of(plugin)
    return f"plugin {plugin.name} cannot serve under {role}: it has none of {', '.join(hooks)}" + (
        f" (it serves {', '.join(able)})" if able else ""
    )


def roles_of(plugin: Plugin) -> tuple[str, ...]:
    """The roles in which a plugin could serve, by the hooks that it has."""
    return tuple(role for role, hooks in ROLES.items() if any(hook in plugin.hooks for hook in hooks))

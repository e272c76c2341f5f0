"""Settings and plugins on the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

import click
from rich.text import Text

from momentum.cli.render import console, table
from momentum.errors import MomentumError, PluginError, UsageError
from momentum.host import discover
from momentum.host.registry import roles_of
from momentum.settings.load import Settings, describe, load

Row = Mapping[str, object]


def chosen(settings: Settings, key: str | None) -> Mapping[str, Row]:
    """Every key's value and origin; with `key` that one, or all below it. Raises `UsageError`."""
    rows = describe(settings)
    if key is None:
        return rows
    found = {name: row for name, row in rows.items() if name == key or name.startswith(f"{key}.")}
    if not found:
        near = get_close_matches(key, rows, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise UsageError(f"no setting {key!r}{hint}")
    return found


def show_settings(rows: Mapping[str, Row]) -> None:
    """One line a setting: key, value, origin."""
    made = table("setting", "value", "from")
    for key, row in rows.items():
        made.add_row(key, Text(_written(row["value"]), style="bold"), Text(str(row["origin"]), style="dim"))
    console().print(made)


def _written(value: object) -> str:
    """A value as a person writes it in the YAML."""
    if value is None:
        return "off"
    if isinstance(value, bool):
        return "on" if value else "off"
    return ", ".join(map(str, value)) or "none" if isinstance(value, list | tuple) else str(value)


def plugin_rows(directory: Path | None, sets: tuple[str, ...], data: Path | None) -> Sequence[Row]:
    """Every plugin that is installed or listed. Raises `SettingsError` where the YAML cannot be read at all."""
    before, more = click.get_current_context().find_root().obj or (None, ())
    where = (directory or before or Path()).resolve()
    listed: dict[str, list[str]] = {}
    failed: dict[str, str] = {}
    try:
        settings = load(where, sets=(*more, *sets), data=data)
        for role, names in settings.host.roles.items():
            for name in names:
                listed.setdefault(name, []).append(role)
    except MomentumError as error:
        click.echo(str(error), err=True)
    rows = []
    for name in sorted({*discover.installed(), *listed}):
        rows.append(_row(name, where, listed.get(name, []), failed.get(name)))
    return rows


def _row(name: str, where: Path, enabled: Sequence[str], failure: str | None) -> Row:
    try:
        plugin = discover.load(name, where)
    except PluginError as error:
        return {
            "name": name,
            "version": "",
            "origin": "",
            "hooks": [],
            "roles": [],
            "enabled": [],
            "error": str(error),
        }
    return {
        "name": name,
        "version": plugin.version,
        "origin": plugin.origin,
        "hooks": list(plugin.hooks),
        "roles": list(roles_of(plugin)),
        "enabled": list(enabled),
        "error": failure,
    }


def show_plugins(rows: Sequence[Row]) -> None:
    """One line a plugin."""
    made = table("plugin", "version", "origin", "serves", "enabled as", "hooks")
    for row in rows:
        if row["error"]:
            made.add_row(str(row["name"]), "", "", "", Text("failed", style="bold red"), str(row["error"]))
            continue
        enabled = ", ".join(row["enabled"])  # type: ignore[arg-type]
        made.add_row(
            Text(str(row["name"]), style="bold"),
            str(row["version"]),
            str(row["origin"]),
            ", ".join(row["roles"]),  # type: ignore[arg-type]
            Text(enabled or "no", style="green" if enabled else "dim"),
            Text(", ".join(str(hook).removeprefix("momentum_") for hook in row["hooks"]), style="dim"),  # type: ignore[attr-defined]
        )
    console().print(made)

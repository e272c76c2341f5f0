"""Settings and plugins on the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

from rich.text import Text

from momentum.cli.render import console, table
from momentum.errors import PluginError, UsageError
from momentum.host import discover
from momentum.host.registry import roles_of
from momentum.ledger.address import exists
from momentum.ledger.store import open_ledger
from momentum.market.calendar import shown
from momentum.settings.load import Settings, complete_schema, describe, load_plugins
from momentum.settings.overrides import full_key
from momentum.settings.schema import bounds_of, schema_at

Row = Mapping[str, object]


def chosen(settings: Settings, key: str | None) -> Mapping[str, Row]:
    """Every key's value and origin; with `key` that one, or all below it.

    One key alone comes with its meaning, its bounds, whether it may be changed while running, and its last
    such change. Raises `UsageError`.
    """
    rows = describe(settings)
    if key is None:
        return rows
    key = full_key(key)
    if key in rows:
        return {key: {**rows[key], **_known(settings, key)}}
    part = schema_at(complete_schema(settings.directory), key)
    if part is not None and part.get("type") != "object":
        return {key: {"value": part.get("default"), "origin": "not set", **_known(settings, key)}}
    found = {name: row for name, row in rows.items() if name.startswith(f"{key}.")}
    if not found:
        near = get_close_matches(key, rows, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise UsageError(f"no setting {key!r}{hint}")
    return found


def _known(settings: Settings, key: str) -> Row:
    part = schema_at(complete_schema(settings.directory), key) or {}
    last = changes(settings, key)
    return {
        "description": part.get("description", ""),
        "bounds": bounds_of(part),
        "default": part.get("default"),
        "settable": bool(part.get("x-settable")),
        "changed": last[-1] if last else None,
    }


def changes(settings: Settings, key: str | None = None) -> Sequence[Row]:
    """Changes made while running, oldest first; of one key, or of all."""
    if not exists(settings.ledger):
        return []
    with open_ledger(settings.ledger, settings.directory) as ledger:
        found = ledger.override_changes(full_key(key) if key else None)
    return [{"at": c.at, "who": c.who, "key": c.key, "old": c.old, "new": c.new} for c in found]


def show_changes(rows: Sequence[Row]) -> None:
    """One line a change."""
    made = table("when", "who", "setting", "old", "new")
    for row in rows:
        new = Text(written(row["new"]), style="bold")
        made.add_row(shown(row["at"]), str(row["who"]), str(row["key"]), written(row["old"]), new)  # type: ignore[arg-type]
    console().print(made if rows else "nothing was changed while running")


def show_one(key: str, row: Row) -> None:
    """One setting, whole."""
    out = console()
    out.print(Text.assemble((f"{key}: {written(row['value'])}", "bold"), f"   from {row['origin']}"))
    if row["description"]:
        out.print(f"  {row['description']}")
    if row["bounds"]:
        out.print(f"  may be: {row['bounds']}")
    if row["default"] is not None:
        out.print(f"  default: {written(row['default'])}")
    if row["settable"]:
        out.print(f"  may be changed while running: momentum set {key} VALUE")
    if isinstance(changed := row["changed"], Mapping):
        what = f"{written(changed['old'])} -> {written(changed['new'])}"
        out.print(f"  last changed while running by {changed['who']}, {shown(changed['at'])}: {what}")


def show_settings(rows: Mapping[str, Row]) -> None:
    """One line a setting: key, value, origin."""
    made = table("setting", "value", "from")
    for key, row in rows.items():
        made.add_row(key, Text(written(row["value"]), style="bold"), Text(str(row["origin"]), style="dim"))
    console().print(made)


def written(value: object) -> str:
    """A value as a person writes it in the YAML."""
    if value is None:
        return "off"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {item}" for key, item in value.items())
    return ", ".join(map(written, value)) or "none" if isinstance(value, list | tuple) else str(value)


def plugin_rows(directory: Path, sets: tuple[str, ...], data: Path | None) -> Sequence[Row]:
    """Every plugin that is installed or listed, and why one failed to load.

    Raises `SettingsError` where there is no momentum.yaml.
    """
    host = load_plugins(directory, sets=sets, data=data)
    failures = {failure.name: failure.message for failure in host.failures}
    rows = [_row(plugin, [role for role, names in host.roles.items() if name in names], failures.pop(name, None))
            for name, plugin in host.plugins.items()]  # fmt: skip
    for name in discover.installed():
        if name not in host.plugins and name not in failures:
            try:
                rows.append(_row(discover.load(name, directory), [], None))
            except PluginError as error:
                failures[name] = str(error)
    rows += [_failed(name, message) for name, message in failures.items()]
    return sorted(rows, key=lambda row: str(row["name"]))


def _row(plugin: discover.Plugin, enabled: Sequence[str], error: str | None) -> Row:
    return {
        "name": plugin.name,
        "version": plugin.version,
        "origin": plugin.origin,
        "hooks": list(plugin.hooks),
        "roles": list(roles_of(plugin)),
        "enabled": list(enabled),
        "error": error,
    }


def _failed(name: str, message: str) -> Row:
    return {
        "name": name, "version": "", "origin": "", "hooks": [], "roles": [], "enabled": [], "error": message,
    }  # fmt: skip


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

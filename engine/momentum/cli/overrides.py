"""`momentum set` and `unset`: settings changed while running, kept in the ledger with who, when, old and new."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from pathlib import Path

import click

from momentum.cli.options import chosen_workspace, open_settings, workspace_options
from momentum.errors import SettingsError, UsageError


@click.command(name="set")
@workspace_options
@click.argument("key")
@click.argument("value")
def set_(directory: Path | None, sets: tuple[str, ...], data: Path | None, key: str, value: str) -> None:
    """Change a setting from now on, over what the files say: monitor.auto_close off, or autoclose off.

    Only keys made for it, within their bounds, and never beyond a hard limit of momentum.yaml. Short names:
    autoclose, threshold, alerts. `momentum settings --changes` lists all changes.
    """
    from momentum.context import ledger_of
    from momentum.ledger.rows import Override
    from momentum.settings.load import load, why_not
    from momentum.settings.overrides import full_key

    before = open_settings(directory, sets, data)
    where, changes = chosen_workspace(directory, sets)
    wanted = Override(full_key(key), value, _who(), datetime.now(UTC))
    problem = why_not(where, wanted)
    if problem:
        raise UsageError(f"{wanted.key}: {problem}")
    with ledger_of(before) as ledger:
        in_use = [o for o in ledger.overrides() if before.origins.get(o.key, "").startswith("override by ")]
        others = [override for override in in_use if override.key != wanted.key]
        try:
            after = load(where, sets=changes, data=data, overrides=[*others, wanted])
        except SettingsError as error:
            raise UsageError(
                f"{wanted.key}: {value} does not go with the other settings:\n{error}"
            ) from error
        old, new = before.values[wanted.key], after.values[wanted.key]
        ledger.set_override(wanted.key, value if new is None else new, wanted.who, wanted.at, was=old)
    click.echo(f"{wanted.key}: {_shown(old)} -> {_shown(new)}")
    click.echo("in force from the next command or scan on; `momentum unset " + wanted.key + "` takes it back")


@click.command()
@workspace_options
@click.argument("key")
def unset(directory: Path | None, sets: tuple[str, ...], data: Path | None, key: str) -> None:
    """Let a setting be again what the files say."""
    from momentum.context import ledger_of
    from momentum.settings.load import load
    from momentum.settings.overrides import full_key

    before = open_settings(directory, sets, data)
    name = full_key(key)
    if name not in before.values:
        raise UsageError(f"no setting {key!r}; see `momentum settings`")
    where, changes = chosen_workspace(directory, sets)
    files = load(where, sets=changes, data=data)
    with ledger_of(before) as ledger:
        changed = ledger.unset_override(name, _who(), datetime.now(UTC), becomes=files.values[name])
    if not changed:
        click.echo(
            f"{name} was not changed while running: {_shown(before.values[name])}, {before.origins[name]}"
        )
        return
    after = open_settings(directory, sets, data)
    click.echo(
        f"{name}: {_shown(before.values[name])} -> {_shown(after.values[name])} ({after.origins[name]})"
    )


def _who() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "command line"


def _shown(value: object) -> str:
    from momentum.cli.show_settings import written

    return written(value)

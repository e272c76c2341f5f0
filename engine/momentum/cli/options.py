"""What every command shares: the workspace, overrides, and JSON output."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import nullcontext, redirect_stdout
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

if TYPE_CHECKING:
    from momentum.settings.load import Settings

_F = TypeVar("_F", bound=Callable[..., Any])


def workspace_options(command: _F) -> _F:
    """Add -C, --set and --data; the command is given `directory`, `sets` and `data`."""
    for option in (
        click.option(
            "--data", type=click.Path(path_type=Path), metavar="PATH", help="Read this file of bars."
        ),
        click.option(
            "--set", "sets", multiple=True, metavar="KEY=VALUE", help="Override a setting; may be repeated."
        ),
        click.option(
            "-C", "directory", type=click.Path(path_type=Path), metavar="DIR", help="The workspace."
        ),
    ):
        command = option(command)
    return command


def json_option(command: _F) -> _F:
    """Add --json; the command is given `as_json`. What anything else prints then goes to stderr."""

    @wraps(command)
    def with_clean_output(*arguments: Any, as_json: bool, **keywords: Any) -> Any:
        aside = redirect_stdout(sys.stderr) if as_json else nullcontext()
        with aside:
            return command(*arguments, as_json=as_json, **keywords)

    option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
    return cast(_F, option(with_clean_output))


@dataclass(frozen=True, slots=True)
class InUse:
    """What the running command works with; `ledger` is the address in its settings, None where none are loaded."""

    workspace: Path
    sets: tuple[str, ...] = ()
    ledger: str | None = None


in_use: ContextVar[InUse | None] = ContextVar("in_use", default=None)
"""The workspace of the running command: its secrets are hidden in whatever error ends it, its alarms are shown."""


def chosen_workspace(directory: Path | None, sets: tuple[str, ...]) -> tuple[Path, tuple[str, ...]]:
    """The workspace and the overrides of a command: its own, else those given before its name."""
    before, more = click.get_current_context().find_root().obj or (None, ())
    used = InUse((directory or before or Path()).resolve(), (*more, *sets))
    in_use.set(used)
    return used.workspace, used.sets


def open_settings(
    directory: Path | None, sets: tuple[str, ...], data: Path | None, strategy: str | None = None
) -> Settings:
    """Load the settings in force for a command, and show warnings on stderr. Raises `SettingsError`."""
    from momentum.context import settings_in_force

    where, changes = chosen_workspace(directory, sets)
    settings = settings_in_force(where, strategy=strategy, sets=changes, data=data)
    in_use.set(InUse(where, changes, settings.ledger))
    for warning in settings.warnings:
        click.echo(f"warning: {warning}", err=True)
    return settings


def waiting(for_whom: str) -> None:
    """Say on stderr what the command waits for; Ctrl-C ends the waiting and the command."""
    click.echo(f"waiting: {for_whom}", err=True)


def print_json(value: object) -> None:
    """Print one JSON document on stdout, and nothing else."""
    from momentum.ledger.fields import to_json

    assert sys.__stdout__ is not None
    sys.__stdout__.write(to_json(value) + "\n")
    sys.__stdout__.flush()

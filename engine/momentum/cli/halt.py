"""`momentum halt` and `resume`: stopping all buys at once, and allowing them again.

Both work whatever else is broken or busy: no lock, no settings, no ledger and no plugin is needed.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from momentum.cli.options import chosen_workspace, workspace_options
from momentum.errors import UsageError

_WORKSPACE_FILE = "momentum.yaml"


@click.command()
@workspace_options
@click.argument("reason", nargs=-1)
def halt(directory: Path | None, sets: tuple[str, ...], data: Path | None, reason: tuple[str, ...]) -> None:
    """Stop all buys at once, until `momentum resume`; REASON is shown wherever a buy is refused.

    A scan that is running makes no further buy. Closes and stops go on; `momentum flatten` sells what is held.
    """
    from momentum.halt import halt as stop_buying
    from momentum.halt import halted

    where = _workspace(directory, sets)
    new = stop_buying(where, " ".join(reason), datetime.now(UTC))
    click.echo(f"{'HALTED' if new else 'halted already'}, no buys: {halted(where)}")
    click.echo("closes and stops go on; `momentum resume` allows buys again")


@click.command()
@workspace_options
def resume(directory: Path | None, sets: tuple[str, ...], data: Path | None) -> None:
    """Allow buys again, from the next scan on."""
    from momentum.halt import halted
    from momentum.halt import resume as allow_buying

    where = _workspace(directory, sets)
    was = halted(where)
    if allow_buying(where):
        click.echo("resumed: buys are allowed again from the next scan on")
        click.echo(f"it was halted: {was}")
    else:
        click.echo("trading is not halted; nothing to do")


def _workspace(directory: Path | None, sets: tuple[str, ...]) -> Path:
    """The workspace, however its settings may be. Raises `UsageError` where the directory is none."""
    where, _ = chosen_workspace(directory, sets)
    if not (where / _WORKSPACE_FILE).is_file():
        raise UsageError(
            f"{where} is no workspace: it holds no {_WORKSPACE_FILE}; pass the workspace as -C DIR "
            "(nothing was changed: trading is NOT halted by this)"
        )
    return where

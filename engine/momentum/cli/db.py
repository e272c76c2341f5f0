"""`momentum db`: copying the ledger, bringing it to the newest version, checking it, and the way back."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from momentum.cli.options import chosen_workspace, in_use, json_option, print_json, workspace_options
from momentum.errors import EXIT_FAILED, LedgerError, UsageError

if TYPE_CHECKING:
    from momentum.ledger.upkeep.verify import Verdict
    from momentum.settings.load import Settings


@click.group()
def db() -> None:
    """Back up, migrate, check and restore the ledger."""


@db.command()
@workspace_options
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
def backup(directory: Path | None, sets: tuple[str, ...], data: Path | None, file: Path | None) -> None:
    """Copy the ledger, while it may be in use, into backups/ beside it or to FILE; says where the copy is."""
    from momentum.cli.show_db import what_it_holds
    from momentum.ledger.migrations import NEWEST
    from momentum.ledger.sqlite import SqliteDatabase
    from momentum.ledger.store import open_database
    from momentum.ledger.upkeep.restore import contents
    from momentum.ledger.upkeep.verify import verify_file

    if file is not None and file.exists():
        raise UsageError(f"{file} is there already; name a file that is not (nothing was copied)")
    settings = _settings(directory, sets, data)
    _must_be_there(settings)
    database = open_database(settings.ledger, settings.directory)
    try:
        if file is None:
            made = database.backup("copy")
        elif isinstance(database, SqliteDatabase):
            made = file
            database.copy_to(file)
        else:
            made = Path(shutil.move(database.backup("copy"), file))
    except OSError as error:
        raise LedgerError(f"{file}: the copy cannot be written: {error.strerror}") from error
    finally:
        database.close()
    click.echo(f"{made}: {what_it_holds(contents(made, verify_file(made, NEWEST, still=True)))}")


@db.command()
@workspace_options
def migrate(directory: Path | None, sets: tuple[str, ...], data: Path | None) -> None:
    """Bring the ledger to the newest version, after a backup; says what was done.

    Every command that opens the ledger does the same. A database that the source system made becomes a ledger.
    """
    from momentum.context import ledger_of
    from momentum.ledger.migrations import NEWEST

    settings = _settings(directory, sets, data)
    with ledger_of(settings) as ledger:
        done = ledger.migrated or f"is of version {NEWEST}, the newest; nothing was to be done"
        click.echo(f"{ledger.name}: {done}")


@db.command()
@workspace_options
@json_option
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False, exists=True))
def verify(
    directory: Path | None, sets: tuple[str, ...], data: Path | None, as_json: bool, file: Path | None
) -> None:
    """Check that the ledger, or the backup FILE, is whole and that its books agree; nothing is changed.

    A line for each check, and each finding with the way out. Exits 1 where there is one.
    """
    from momentum.cli.show_db import show_verdict, verdict_json

    settings = _settings(directory, sets, data)
    verdict = _verdict(settings, file)
    if file is not None or verdict.kind != "ledger":
        in_use.set(None)  # what ends a command opens the ledger for its alarms, and would change this one
    print_json(verdict_json(verdict)) if as_json else show_verdict(verdict)
    if verdict.findings:
        raise click.exceptions.Exit(EXIT_FAILED)


@db.command()
@workspace_options
@click.argument("file", required=False, default="latest")
@click.option("--yes", is_flag=True, help="Do not ask.")
def restore(directory: Path | None, sets: tuple[str, ...], data: Path | None, file: str, yes: bool) -> None:
    """Put a backup in the place of the ledger: FILE, a name in backups/, or the latest one that is whole.

    The backup is checked first, and the ledger is kept as it was in backups/. Exits 3 where a command is
    trading an account of the ledger. The next command that trades brings it together with the broker.
    """
    from momentum.cli.show_db import show_backups, what_it_is
    from momentum.ledger.address import is_postgres
    from momentum.ledger.lock import every_lock
    from momentum.ledger.store import open_database
    from momentum.ledger.upkeep.backups import short
    from momentum.ledger.upkeep.restore import LATEST, chosen, contents, restore_database, restore_file

    settings = _settings(directory, sets, data)
    in_use.set(None)  # whatever comes of it, the ledger is opened by nobody before it is looked at
    place = _place(settings)
    path, verdict = chosen(place, file)
    if not yes and not sys.stdin.isatty():
        raise UsageError(
            f"restore puts {path} in the place of the ledger and has no terminal to ask on; add --yes"
        )
    click.echo(what_it_is(path, contents(path, verdict)))
    if not yes:
        if file == LATEST:
            show_backups(place, path)
        if not click.confirm(f"Put it in the place of {_name(settings)}?"):
            click.echo("nothing was changed")
            raise click.exceptions.Exit(EXIT_FAILED)
    with every_lock(settings.directory / "data" if is_postgres(settings.ledger) else place.parent):
        if is_postgres(settings.ledger):
            database = open_database(settings.ledger, settings.directory)
            try:
                kept: Path | None = restore_database(database, path, place.parent / "backups")
            finally:
                database.close()
        else:
            kept = restore_file(place, path)
    was = f"; as it was: {short(kept, place)}" if kept else ""
    click.echo(f"restored {_name(settings)} from {short(path, place)}{was}")
    click.echo(
        "the next command that trades reconciles it with the broker; `momentum status --fix` does so now"
    )


def _settings(directory: Path | None, sets: tuple[str, ...], data: Path | None) -> Settings:
    """The settings of the files and flags alone: those changed while running stand in the ledger."""
    from momentum.settings.load import load

    where, changes = chosen_workspace(directory, sets)
    return load(where, sets=changes, data=data)


def _place(settings: Settings) -> Path:
    """The ledger's file; for one on a server the name under which its backups are kept."""
    from momentum.ledger.address import is_postgres, ledger_path

    if is_postgres(settings.ledger):
        return settings.directory / "data" / "ledger.db"
    return ledger_path(settings.ledger)


def _name(settings: Settings) -> str:
    from momentum.ledger.address import is_postgres, label

    return label(settings.ledger) if is_postgres(settings.ledger) else str(_place(settings))


def _must_be_there(settings: Settings) -> None:
    from momentum.ledger.address import exists
    from momentum.ledger.upkeep.backups import backups

    if not exists(settings.ledger):
        back = (
            "`momentum db restore` puts back a copy"
            if backups(_place(settings))
            else "`momentum scan` begins one"
        )
        in_use.set(None)
        raise LedgerError(f"{_name(settings)}: there is no ledger; {back}")


def _verdict(settings: Settings, file: Path | None) -> Verdict:
    from momentum.ledger.address import is_postgres
    from momentum.ledger.migrations import NEWEST
    from momentum.ledger.store import open_database
    from momentum.ledger.upkeep.verify import verify_database, verify_file

    if file is not None:
        return verify_file(file, NEWEST, still=True)
    _must_be_there(settings)
    if not is_postgres(settings.ledger):
        return verify_file(_place(settings), NEWEST)
    database = open_database(settings.ledger, settings.directory)
    try:
        return verify_database(database, NEWEST)
    finally:
        database.close()

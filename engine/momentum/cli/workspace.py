"""`momentum init`, `check`, `settings` and `plugins`: the workspace and what steers it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from momentum.cli.options import chosen_workspace, json_option, open_settings, print_json, workspace_options
from momentum.errors import EXIT_USAGE, Finding, LedgerError, SettingsError, UsageError

if TYPE_CHECKING:
    from momentum.settings.load import Settings


@click.command()
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
def init(directory: Path) -> None:
    """Write a commented workspace into DIRECTORY: momentum.yaml, strategies/ and data/.

    Nothing that is there already is overwritten.
    """
    from momentum.settings.template import template_directory

    if (directory / "momentum.yaml").exists():
        raise UsageError(f"{directory / 'momentum.yaml'} is there already; choose another directory")
    source = template_directory()
    strategies = sorted(
        file.name for file in (source / "strategies").iterdir() if file.suffix in (".yaml", ".json")
    )
    files = ["momentum.yaml", "momentum.schema.json", *(f"strategies/{name}" for name in strategies)]
    try:
        for name in [*files, "data/universe.json"]:
            target = directory / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.exists():
                shutil.copyfile(source / name, target)
    except OSError as error:
        raise UsageError(f"cannot write into {directory}: {error.strerror or error}") from error
    click.echo(f"A workspace in {directory}: momentum.yaml, strategies/, data/universe.json")
    click.echo(f"Next: cd {directory} && momentum scan --dry-run")


@click.command()
@workspace_options
def check(directory: Path | None, sets: tuple[str, ...], data: Path | None) -> None:
    """Check momentum.yaml, every strategy, and that no feature of a plugin looks ahead."""
    findings: dict[str, Finding] = {}
    where, changes = chosen_workspace(directory, sets)
    first = _checked(where, changes, data, None, findings)
    checked = {first.strategy.name} if first else set()
    for file in sorted((where / "strategies").glob("*.yaml")):
        if file.stem not in checked:
            _checked(where, changes, data, file.stem, findings)
            checked.add(file.stem)
    if first is not None:
        findings |= {str(finding): finding for finding in _around(first)}
    for finding in findings.values():
        click.echo(str(finding) if finding.severity == "error" else f"warning: {finding}", err=True)
    if any(finding.severity == "error" for finding in findings.values()):
        raise click.exceptions.Exit(EXIT_USAGE)
    click.echo(f"in order: momentum.yaml, {', '.join(f'strategies/{name}.yaml' for name in sorted(checked))}")


def _around(settings: Settings) -> Sequence[Finding]:
    """What only opening the workspace would show: a universe that cannot be read, a ledger, a mode."""
    from momentum.context import check_mode
    from momentum.ledger.address import check as check_ledger
    from momentum.market.universe import load_universe

    found: list[Finding] = []
    try:
        if settings.universe is not None:
            load_universe(settings.universe)
    except SettingsError as error:
        found += error.findings
    try:
        check_mode(settings)
    except UsageError as error:
        found.append(Finding("momentum.yaml", str(error)))
    try:
        check_ledger(settings.ledger)
    except LedgerError as error:
        found.append(Finding("momentum.yaml", str(error), "ledger"))
    return found


def _checked(
    where: Path,
    sets: tuple[str, ...],
    data: Path | None,
    strategy: str | None,
    into: dict[str, Finding],
) -> Settings | None:
    """Load one strategy's settings and collect what is wrong, each finding once."""
    from momentum.market.lookahead import looks_ahead, trial_panel
    from momentum.rules.language import RuleError
    from momentum.rules.program import compile_program
    from momentum.settings.load import load

    try:
        settings = load(where, strategy=strategy, sets=sets, data=data)
    except SettingsError as error:
        into |= {str(finding): finding for finding in error.findings}
        return None
    into |= {str(finding): finding for finding in settings.warnings}
    program = compile_program(settings.strategy, settings.host, settings.limits)
    where_it_stands = f"strategies/{settings.strategy.name}.yaml"
    try:
        ahead = looks_ahead(program.features, trial_panel())
    except RuleError as error:
        finding = Finding(where_it_stands, settings.host.hide(str(error)), "features")
        into[str(finding)] = finding
        return settings
    for name in ahead:
        message = (
            f"{name} = {program.texts[name]} of {program.origin(name)} looks ahead: "
            "its past values change when later bars come"
        )
        finding = Finding(where_it_stands, message, f"features.{name}")
        into[str(finding)] = finding
    for failure in program.failures:
        into[failure] = Finding("plugins", failure)
    return settings


@click.command()
@workspace_options
@json_option
@click.argument("key", required=False)
@click.option("--strategy", metavar="NAME", help="A strategy of strategies/, instead of momentum.yaml's.")
@click.option("--changes", is_flag=True, help="What was changed while running: when, who, old, new.")
def settings(
    directory: Path | None,
    sets: tuple[str, ...],
    data: Path | None,
    as_json: bool,
    key: str | None,
    strategy: str | None,
    changes: bool,
) -> None:
    """Show each value in force and where it comes from; with KEY that one, or all below it.

    A single KEY is shown with what it may be, whether it may be changed while running, and who did so last.
    """
    from momentum.cli import show_settings as show

    in_force = open_settings(directory, sets, data, strategy)
    if changes:
        found = show.changes(in_force, key)
        print_json(found) if as_json else show.show_changes(found)
        return
    rows = show.chosen(in_force, key)
    if as_json:
        print_json(rows)
    elif key is not None and len(rows) == 1:
        show.show_one(*next(iter(rows.items())))
    else:
        show.show_settings(rows)


@click.command()
@workspace_options
@json_option
def plugins(directory: Path | None, sets: tuple[str, ...], data: Path | None, as_json: bool) -> None:
    """List the plugins: version, origin, hooks, roles, whether they are enabled, why one failed to load."""
    from momentum.cli.show_settings import plugin_rows, show_plugins

    where, changes = chosen_workspace(directory, sets)
    rows = plugin_rows(where, changes, data)
    if as_json:
        print_json(rows)
    else:
        show_plugins(rows)

"""`momentum data check`: what is wrong with market data, and whether it is fit to use."""

from __future__ import annotations

from pathlib import Path

import click

from momentum.cli.options import json_option, open_settings, print_json, workspace_options
from momentum.errors import EXIT_FAILED, UsageError


@click.command()
@click.argument("path", required=False, type=click.Path(path_type=Path))
@workspace_options
@json_option
@click.option("--strategy", metavar="NAME", help="Whose features' warm-up is asked for.")
@click.option("--all", "everything", is_flag=True, help="List every finding, not the worst of each kind.")
def check(
    path: Path | None,
    directory: Path | None,
    sets: tuple[str, ...],
    data: Path | None,
    as_json: bool,
    strategy: str | None,
    everything: bool,
) -> None:
    """Look for gaps, splits, other securities and further defects in the market data.

    PATH is a file of bars; without it the workspace's data source is checked. Exits 1 where the data is unfit.
    """
    if path is not None and data is not None and path != data:
        raise UsageError(f"{path} and --data {data} name two files; give one of them")
    settings = open_settings(directory, sets, path or data, strategy)
    from momentum.context import open_data
    from momentum.market.clock import RealClock
    from momentum.market.quality.check import check as look_through
    from momentum.rules.program import compile_program

    source = open_data(settings, RealClock())
    program = compile_program(settings.strategy, settings.host, settings.limits)
    report = look_through(source, program.features)
    if as_json:
        from momentum.cli.show_data_check import check_json

        print_json(check_json(source, report))
    else:
        from momentum.cli.show_data_check import show_check

        show_check(source, report, everything=everything)
    if report.unfit:
        raise click.exceptions.Exit(EXIT_FAILED)

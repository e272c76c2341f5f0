"""`momentum backtest`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from momentum.cli.options import chosen_workspace, json_option, print_json, workspace_options
from momentum.model.market import CAPS

if TYPE_CHECKING:
    from momentum.backtest.result import Result
    from momentum.settings.load import Settings

Span = tuple[date | None, date | None]
"""The first and the last session asked for."""

DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@workspace_options
@json_option
@click.option(
    "--strategy",
    "strategies",
    multiple=True,
    metavar="NAME",
    help="A strategy of strategies/; several are compared. By default momentum.yaml's.",
)
@click.option(
    "--from", "start", type=DAY, metavar="DATE", help="The first session; what lies before warms up."
)
@click.option("--to", "end", type=DAY, metavar="DATE", help="The last session.")
@click.option(
    "--cash", type=click.FloatRange(min=0, min_open=True), metavar="N", help="Dollars at the start."
)
@click.option(
    "--cap", type=click.Choice([*CAPS, "all"]), default="all", show_default=True, help="A size class."
)
@click.option("--check-lookahead", is_flag=True, help="Only see whether anything in them knows later bars.")
@click.option("--check-warmup", is_flag=True, help="Only see how many bars their features need.")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Write the report there.")
def backtest(
    directory: Path | None,
    sets: tuple[str, ...],
    data: Path | None,
    as_json: bool,
    strategies: tuple[str, ...],
    start: datetime | None,
    end: datetime | None,
    cash: float | None,
    cap: str,
    check_lookahead: bool,
    check_warmup: bool,
    out: Path | None,
) -> None:
    """Run strategies over recorded bars, as they would have traded.

    On daily bars it is decided at each close and filled at the next open; stops are met inside the bar, by the
    pessimistic path: open, low, high. With --out a report is written: report.html, trades.csv, equity.csv,
    metrics.json and the settings. With --check-lookahead or --check-warmup nothing is reported but what the check
    finds: exit code 1 where something looks ahead.
    """
    where, changes = chosen_workspace(directory, sets)
    if cash is not None:
        changes = (*changes, f"backtest.cash={cash!r}")
    names = strategies or (None,)
    span = (start.date() if start else None, end.date() if end else None)
    loaded = [_load(where, changes, data, name) for name in names]
    if check_lookahead or check_warmup:
        from momentum.cli.check_backtest import check

        check(loaded, span, cap, lookahead=check_lookahead, warmup=check_warmup, as_json=as_json)
        return
    results = _remembered(loaded, [_run(settings, span, cap) for settings in loaded])
    from momentum.report.numbers import judged

    several = [judged(result, with_intervals=out is not None) for result in results]
    report = None
    if out is not None:
        from momentum.report.write import write

        report = write(out, several)[0]
    from momentum.cli.show_backtest import backtest_json, show_backtest

    print_json(backtest_json(several, report)) if as_json else show_backtest(several, report)


def _load(where: Path, changes: tuple[str, ...], data: Path | None, strategy: str | None) -> Settings:
    from momentum.settings.load import load

    settings = load(where, strategy=strategy, sets=changes, data=data, for_backtest=True)
    for warning in settings.warnings:
        click.echo(f"warning: {warning}", err=True)
    return settings


def _run(settings: Settings, span: Span, cap: str) -> Result:
    from momentum.backtest.run import backtest as run
    from momentum.cli.progress import shown_progress
    from momentum.context import open_data
    from momentum.market.clock import RealClock
    from momentum.market.universe import universe_of

    universe = universe_of(settings.universe)
    with shown_progress("sessions") as progress:
        source = open_data(settings, RealClock())
        return run(settings, source, universe, start=span[0], end=span[1], cap=cap, progress=progress)


def _remembered(loaded: Sequence[Settings], results: Sequence[Result]) -> Sequence[Result]:
    from momentum.backtest.variants import with_verdicts
    from momentum.context import ledger_of
    from momentum.market.clock import RealClock

    several = list(zip(loaded, results, strict=True))
    return with_verdicts(several, lambda: ledger_of(loaded[0]), RealClock().now())

"""`momentum replay`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from momentum.cli.backtest import DAY
from momentum.cli.options import chosen_workspace, json_option, print_json, workspace_options


@click.command()
@workspace_options
@json_option
@click.option("--strategy", metavar="NAME", help="A strategy of strategies/, instead of momentum.yaml's.")
@click.option("--from", "start", type=DAY, required=True, metavar="DATE", help="The first session.")
@click.option("--to", "end", type=DAY, required=True, metavar="DATE", help="The last session.")
def replay(
    directory: Path | None,
    sets: tuple[str, ...],
    data: Path | None,
    as_json: bool,
    strategy: str | None,
    start: datetime,
    end: datetime,
) -> None:
    """Go through recorded sessions as they were scheduled, on a simulated clock.

    The scans are the engine's own, with a paper account and a ledger of their own in data/replay/FROM_TO; look at
    them with --set ledger=sqlite:///data/replay/FROM_TO/ledger.db. It begins anew each time.
    """
    from momentum.backtest.replay import SimulatedClock, Unwatched, open_replay
    from momentum.backtest.replay import replay as run
    from momentum.backtest.run import chosen_sessions, result_of, tape_of
    from momentum.cli.progress import shown_progress
    from momentum.cli.show_backtest import backtest_json, show_backtest
    from momentum.context import open_data
    from momentum.market.clock import RealClock
    from momentum.report.numbers import judged
    from momentum.settings.load import load

    where, changes = chosen_workspace(directory, sets)
    own = (*changes, "plugins.broker=paper", "plugins.notify=[]")
    settings = load(where, strategy=strategy, sets=own, data=data, for_backtest=True)
    for warning in settings.warnings:
        click.echo(f"warning: {warning}", err=True)
    source = open_data(settings, RealClock())
    sessions = chosen_sessions(source, start.date(), end.date())
    place = where / "data" / "replay" / f"{start:%Y-%m-%d}_{end:%Y-%m-%d}"
    clock = SimulatedClock()
    context = open_replay(settings, source, place, clock)
    try:
        with shown_progress("sessions") as progress:
            ran = run(context, clock, sessions, Unwatched(), progress)
        tape = tape_of(settings, source, context.universe, sessions)
        result = result_of(settings, source, context.universe, tape, ran)
        several = [judged(result, with_intervals=False)]
    finally:
        context.close()
    print_json(backtest_json(several, None)) if as_json else show_backtest(several, None)
    if not as_json:
        click.echo(f"ledger: {place / 'ledger.db'}")

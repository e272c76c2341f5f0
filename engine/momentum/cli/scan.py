"""`momentum scan`."""

from __future__ import annotations

from pathlib import Path

import click

from momentum.cli.options import json_option, open_settings, print_json, workspace_options
from momentum.model.market import CAPS, SCAN_TYPES, ScanType


@click.command()
@workspace_options
@json_option
@click.option("--strategy", metavar="NAME", help="A strategy of strategies/, instead of momentum.yaml's.")
@click.option(
    "--cap", type=click.Choice([*CAPS, "all"]), default="all", show_default=True, help="A size class."
)
@click.option(
    "--type", "scan_type", type=click.Choice(SCAN_TYPES), help="Which scan; by default by the time."
)
@click.option("--max-buys", type=click.IntRange(min=0), metavar="N", help="Buy at most N, within the limits.")
@click.option("--dry-run", is_flag=True, help="Decide, and send nothing.")
@click.option(
    "--at",
    metavar="TIME",
    help="Scan as of this moment: 2026-11-24, '2026-11-24 15:30' (New York), or close-30m of the last session.",
)
def scan(
    directory: Path | None,
    sets: tuple[str, ...],
    data: Path | None,
    as_json: bool,
    strategy: str | None,
    cap: str,
    scan_type: ScanType | None,
    max_buys: int | None,
    dry_run: bool,
    at: str | None,
) -> None:
    """Scan the market, decide, pass the risk gate, trade.

    Closes go first, then buys, then one trailing stop over each whole position. Exits 3 at once where
    another command is writing orders for the account.
    """
    settings = open_settings(directory, sets, data, strategy)
    from momentum.cli.show_scan import Progress, Silence
    from momentum.context import open_context
    from momentum.document import candidates, document
    from momentum.market.clock import RealClock, resolve_now, scan_type_at
    from momentum.scan import ScanRequest, run

    context = open_context(settings, RealClock())
    try:
        moment = resolve_now(at, context.clock, context.data.sessions(), lived=context.broker.moment())
        chosen = scan_type or scan_type_at(
            moment.now, moment.session, settings.schedule.scans, context.data.timeframe
        )
        request = ScanRequest(moment, chosen, cap, max_buys, dry_run)
        watcher = Silence() if as_json else Progress(context, request)
        result = run(context, request, watcher)
        for problem in result.untold:
            click.echo(f"not told: {problem}", err=True)
        if as_json:
            rows = candidates(result.screen.frame, context.program)
            print_json(document(context, result) | {"candidates": rows})
    finally:
        context.close()

"""`momentum explain`."""

from __future__ import annotations

from pathlib import Path

import click

from momentum.cli.options import json_option, open_settings, print_json, workspace_options


@click.command()
@workspace_options
@json_option
@click.argument("symbol")
@click.option("--scan", "scan_id", metavar="ID", help="A scan by its id; by default the account's last one.")
def explain(
    directory: Path | None,
    sets: tuple[str, ...],
    data: Path | None,
    as_json: bool,
    symbol: str,
    scan_id: str | None,
) -> None:
    """Explain what a scan made of SYMBOL: features, rules, points, decision, gate, orders and fills."""
    from momentum.context import open_context
    from momentum.explain import explain as explained
    from momentum.explain import find_scan
    from momentum.market.clock import RealClock

    context = open_context(open_settings(directory, sets, data), RealClock())
    try:
        record = find_scan(context.ledger, scan_id, context.broker.account_id)
        found = explained(context.ledger, record, symbol.upper())
    finally:
        context.close()
    if as_json:
        print_json(found)
        return
    from momentum.cli.show_explain import show_explain

    show_explain(found)

"""`momentum close` and `flatten`: selling by hand, through the same gate as any scan."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from momentum.cli.options import json_option, open_settings, print_json, waiting, workspace_options
from momentum.errors import EXIT_FAILED, UsageError

if TYPE_CHECKING:
    from momentum.byhand import Wanted
    from momentum.context import Context

_at_option = click.option(
    "--at",
    metavar="TIME",
    help="Sell as of this moment: 2026-11-24, '2026-11-24 15:30' (New York), or close-30m of the last session.",
)


@click.command()
@workspace_options
@json_option
@click.argument("symbols", nargs=-1, required=True, metavar="SYMBOL...")
@_at_option
@click.option("--dry-run", is_flag=True, help="Show what would be sold, and send nothing.")
def close(
    directory: Path | None,
    sets: tuple[str, ...],
    data: Path | None,
    as_json: bool,
    symbols: tuple[str, ...],
    at: str | None,
    dry_run: bool,
) -> None:
    """Sell the whole position in each SYMBOL at the market.

    As a scan does, it first takes the account to Now and looks after the stops; while another command trades
    it waits. What cannot be sold keeps its stop, and the exit code is 1. What is not held is nothing to do.
    """
    from momentum.byhand import Wanted, known_symbols

    context = _open(directory, sets, data)
    try:
        _carry_out(context, Wanted("close", known_symbols(context, symbols), at, dry_run), as_json=as_json)
    finally:
        context.close()


@click.command()
@workspace_options
@json_option
@_at_option
@click.option("--dry-run", is_flag=True, help="Show what would be sold, and send nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def flatten(
    directory: Path | None,
    sets: tuple[str, ...],
    data: Path | None,
    as_json: bool,
    at: str | None,
    dry_run: bool,
    yes: bool,
) -> None:
    """Cancel every pending buy, then sell every position at the market.

    Asks first, unless --yes is given. It keeps no scan from buying again: `momentum halt` does.
    """
    from momentum.byhand import Wanted

    asks = not (yes or dry_run)
    if asks and (as_json or not sys.stdin.isatty()):
        raise UsageError(
            "flatten sells everything and has no terminal to ask on; add --yes (nothing was done)"
        )
    context = _open(directory, sets, data)
    try:
        if not asks or _is_confirmed(context):
            _carry_out(context, Wanted("flatten", None, at, dry_run), as_json=as_json)
    finally:
        context.close()


def _open(directory: Path | None, sets: tuple[str, ...], data: Path | None) -> Context:
    settings = open_settings(directory, sets, data)
    from momentum.context import open_context
    from momentum.market.clock import RealClock

    return open_context(settings, RealClock())


def _is_confirmed(context: Context) -> bool:
    """Show what there is and ask; False where there is nothing to ask about. A no ends the command."""
    from momentum.cli.show_trade import question, show_before
    from momentum.execution.account import portfolio

    view = portfolio(context.last_look())
    show_before(context, view)
    if not view.positions and not view.pending_buys:
        return False
    if not click.confirm(question(view)):
        click.echo("nothing was sold, nothing was cancelled")
        raise click.exceptions.Exit(EXIT_FAILED)
    return True


def _carry_out(context: Context, wanted: Wanted, *, as_json: bool) -> None:
    from momentum.byhand import left_over, sell

    sale = sell(context, wanted, waiting)
    for problem in sale.untold:
        click.echo(f"not told: {problem}", err=True)
    if as_json:
        from momentum.cli.show_trade import sale_json

        print_json(sale_json(context, wanted, sale))
    else:
        from momentum.cli.show_trade import show_sale

        show_sale(context, wanted, sale)
    if left_over(wanted, sale):
        raise click.exceptions.Exit(EXIT_FAILED)

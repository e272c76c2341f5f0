"""`momentum status`, `positions` and `paper`: looking at the account, and starting a paper account anew."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from momentum.cli.options import json_option, open_settings, print_json, waiting, workspace_options
from momentum.errors import EXIT_FAILED, UsageError

if TYPE_CHECKING:
    from momentum.context import Context
    from momentum.ledger.rows import Alarm
    from momentum.model.portfolio import Portfolio


@contextmanager
def _account(
    directory: Path | None, sets: tuple[str, ...], data: Path | None
) -> Iterator[tuple[Context, Portfolio]]:
    """The account as of its last moment; looking at it never moves it."""
    from momentum.context import open_context
    from momentum.execution.account import portfolio
    from momentum.market.clock import RealClock

    context = open_context(open_settings(directory, sets, data), RealClock())
    try:
        yield context, portfolio(context.last_look())
    finally:
        context.close()


@click.command()
@workspace_options
@json_option
@click.option("--fix", is_flag=True, help="First mend what can be mended.")
@click.option("--at", metavar="TIME", help="With --fix: as of this moment, as in `momentum scan --at`.")
def status(
    directory: Path | None,
    sets: tuple[str, ...],
    data: Path | None,
    as_json: bool,
    fix: bool,
    at: str | None,
) -> None:
    """Show the account as of its last moment, its alarms and its positions.

    With --fix it first takes the account to Now, as a scan does, brings ledger and broker together and every
    share under a stop, and says what it found; while another command trades it waits. It exits 1 where
    something still stands.
    """
    if at is not None and not fix:
        raise UsageError("--at goes with --fix; without it status shows the account as of its last moment")
    if not fix:
        with _account(directory, sets, data) as (context, view):
            _show_status(context, view, _alarms(context, view), as_json=as_json)
        return
    from momentum.cli.show_account import mended_json, show_mended
    from momentum.context import open_context
    from momentum.market.clock import RealClock
    from momentum.mending import mend

    context = open_context(open_settings(directory, sets, data), RealClock())
    try:
        mended = mend(context, at, waiting)
        for problem in mended.untold:
            click.echo(f"not told: {problem}", err=True)
        if not as_json:
            show_mended(context, mended)
        more = {"fixed": mended_json(mended)}
        _show_status(context, mended.after, mended.alarms, as_json=as_json, more=more)
    finally:
        context.close()
    if mended.alarms or any(position.is_naked for position in mended.after.positions):
        raise click.exceptions.Exit(EXIT_FAILED)


def _alarms(context: Context, view: Portfolio) -> tuple[Alarm, ...]:
    """What stands, and what is seen to be bare."""
    from momentum.execution.alarms import with_bare

    account = context.broker.account_id
    return with_bare(context.ledger.alarms(account), account, view)


def _show_status(
    context: Context,
    view: Portfolio,
    alarms: tuple[Alarm, ...],
    *,
    as_json: bool,
    more: Mapping[str, object] | None = None,
) -> None:
    from momentum.document import alarms_json, position_json
    from momentum.halt import halted

    halt = halted(context.settings.directory)
    if as_json:
        print_json(
            {
                "account": context.broker.account_id,
                "now": view.at,
                "equity": view.equity,
                "cash": view.cash,
                "exposure": view.exposure,
                "positions": [position_json(position) for position in view.positions],
                "open_orders": view.open_orders,
                "alarms": alarms_json(alarms),
                "halted": halt,
                **(more or {}),
            }
        )
        return
    from momentum.cli.show_account import show_status

    pending = [order for order in view.open_orders if not order.is_stop]
    show_status(context, view, alarms, pending, halt, context.broker.moment())


@click.command()
@workspace_options
@json_option
def positions(directory: Path | None, sets: tuple[str, ...], data: Path | None, as_json: bool) -> None:
    """List the positions as of the account's last moment, each with its stop."""
    from momentum.document import position_json

    with _account(directory, sets, data) as (context, view):
        if as_json:
            print_json([position_json(position) for position in view.positions])
            return
        from momentum.cli.show_account import show_positions

        show_positions(view, _alarms(context, view), context.broker.moment())


@click.group()
def paper() -> None:
    """Manage the paper account."""


@paper.command()
@workspace_options
def reset(directory: Path | None, sets: tuple[str, ...], data: Path | None) -> None:
    """Start the paper account of this market anew: its cash, positions and orders, and its rows of the ledger.

    A backup of the ledger is kept in data/backups/.
    """
    from momentum.context import open_context
    from momentum.market.clock import RealClock
    from momentum.ports import StartsAnew

    context = open_context(open_settings(directory, sets, data), RealClock())
    try:
        account = context.broker.account_id
        with context.ledger.locked(context.settings.directory, account):
            if not isinstance(context.broker, StartsAnew):
                raise UsageError(f"{account} is not a paper account; it cannot be started anew")
            kept = context.ledger.backup()
            context.broker.reset()
            context.ledger.forget_account(account)
        click.echo(f"{account} starts anew with its cash of the settings; the ledger as it was: {kept}")
    finally:
        context.close()

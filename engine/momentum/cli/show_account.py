"""The account on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.text import Text

from momentum.cli.render import account_line, console, positions_table, show_alarms
from momentum.context import Context
from momentum.ledger.rows import Alarm
from momentum.market.calendar import shown
from momentum.model.orders import Order
from momentum.model.portfolio import Portfolio
from momentum.units import format_price


def show_status(
    context: Context,
    view: Portfolio,
    alarms: Sequence[Alarm],
    pending: Sequence[Order],
    halted: str | None,
    used: datetime | None,
) -> None:
    """Alarms first, then the account, its positions and its pending orders."""
    out = console()
    limits = context.settings.limits
    show_alarms(out, alarms)
    out.print(Text.assemble((context.broker.account_id, "bold"), f"   {_as_of(used)}"))
    out.print(Text(f"data: {context.data.title}", style="yellow" if context.data.synthetic else ""))
    out.print(account_line(view, limits.max_exposure, limits.max_positions))
    if halted is not None:
        out.print(Text(f"HALTED, no buys: {halted}", style="bold yellow"))
    if view.positions:
        out.print(positions_table(view.positions))
    for order in pending:
        price = f" limit {format_price(order.limit_price)}" if order.limit_price is not None else ""
        out.print(f"pending: {order.side} {order.qty} {order.symbol} {order.type}{price}, {order.state}")
    if not alarms:
        out.print(Text("no alarms", style="green"))


def show_positions(view: Portfolio, alarms: Sequence[Alarm], used: datetime | None) -> None:
    """The positions alone."""
    out = console()
    show_alarms(out, alarms)
    out.print(_as_of(used))
    out.print(positions_table(view.positions) if view.positions else "no positions")


def _as_of(used: datetime | None) -> str:
    return "not used yet: `momentum scan` starts it" if used is None else f"as of {shown(used)}"

"""The account on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.text import Text

from momentum.cli.render import account_line, console, positions_table, show_alarms
from momentum.cli.show_reconciled import reconciled_lines
from momentum.context import Context
from momentum.document import alarms_json
from momentum.ledger.rows import Alarm
from momentum.market.calendar import shown
from momentum.mending import Mended
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


def show_mended(context: Context, mended: Mended) -> None:
    """What was found and mended, one line each."""
    out = console()
    out.print(f"mending as of {shown(mended.moment.now)} ({mended.moment.why})")
    lines = list(reconciled_lines(context.ledger, mended.reconciled))
    for done in mended.protections:
        if done.problem:
            lines.append(Text(f"{done.symbol}: NOT protected: {done.problem}", style="bold red"))
        elif done.placed:
            level = "" if done.stop_price is None else f" at {format_price(done.stop_price)}"
            lines.append(
                Text(f"{done.symbol}: a stop was placed over {done.qty} shares{level}", style="green")
            )
    for alarm in mended.cleared:
        name = alarm.symbol or alarm.account
        lines.append(
            Text(f"{name}: its alarm is cleared (it stood since {shown(alarm.raised_at)})", style="green")
        )
    for line in lines:
        out.print(Text("  ").append_text(line))
    if not lines:
        out.print("  nothing to mend")


def mended_json(mended: Mended) -> dict[str, object]:
    """The same for programs."""
    return {
        "since": mended.reconciled,
        "stops": mended.protections,
        "cleared": alarms_json(mended.cleared),
        "now_from": mended.moment.why,
    }


def show_positions(view: Portfolio, alarms: Sequence[Alarm], used: datetime | None) -> None:
    """The positions alone."""
    out = console()
    show_alarms(out, alarms)
    out.print(_as_of(used))
    out.print(positions_table(view.positions) if view.positions else "no positions")


def _as_of(used: datetime | None) -> str:
    return "not used yet: `momentum scan` starts it" if used is None else f"as of {shown(used)}"

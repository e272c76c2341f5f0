"""How things look on the terminal: in colour there, plain in a pipe."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from momentum.cli.alarms import note_shown
from momentum.ledger.rows import Alarm
from momentum.model.portfolio import Portfolio, Position
from momentum.units import format_fraction, format_money, format_price

_PIPE_WIDTH = 400
"""So wide that a record stays on its line."""


class _Lasting(Console):
    """A console whose reader may go away: what is shown must not decide whether a scan goes on."""

    def on_broken_pipe(self) -> None:
        """Say nothing more, and let the command finish its work."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def console() -> Console:
    """The terminal, or a pipe: then without colour, and wide enough not to break lines."""
    found = _Lasting(highlight=False)
    return found if found.is_terminal else _Lasting(highlight=False, width=_PIPE_WIDTH, no_color=True)


def table(*columns: str, right: Sequence[str] = (), cut: str = "") -> Table:
    """A plain table; `right` names the columns that are aligned to the right, `cut` the one that gives way.

    Without `cut` text is broken over lines; with it each row is one line, and that column ends in dots.
    """
    made = Table(box=box.SIMPLE_HEAD, header_style="bold", padding=(0, 1, 0, 0))
    for column in columns:
        aligned = column in right
        made.add_column(column, justify="right" if aligned else "left", no_wrap=aligned)
    return made


def signed(value: float, text: str) -> Text:
    """Green above 0, red below."""
    return Text(text, style="green" if value > 0 else "red" if value < 0 else "")


def account_line(view: Portfolio, max_exposure: float, max_positions: int) -> str:
    """Equity, cash, exposure and positions on one line."""
    return (
        f"equity {format_money(view.equity)}   cash {format_money(view.cash)}   "
        f"exposure {format_fraction(view.exposure, 1)} of {format_fraction(max_exposure)}   "
        f"positions {len(view.positions)} of {max_positions}"
    )


def positions_table(positions: Sequence[Position]) -> Table:
    """Positions with profit and stop; a share without a stop is shown as such."""
    made = table(
        "symbol", "qty", "entry", "price", "P/L", "P/L %", "stop", "covers", "opened", "cap",
        right=("qty", "entry", "price", "P/L", "P/L %", "stop", "covers"), cut="cap",
    )  # fmt: skip
    for position in positions:
        covers = Text(f"{position.stop_qty} of {position.qty}", style="bold red" if position.is_naked else "")
        made.add_row(
            Text(position.symbol, style="bold"),
            str(position.qty),
            format_price(position.entry_price),
            format_price(position.price),
            signed(position.pnl, format_money(position.pnl)),
            signed(position.pnl, format_fraction(position.pnl_fraction)),
            "none" if position.stop_price is None else format_price(position.stop_price),
            covers,
            str(position.opened or "unknown"),
            position.cap,
        )
    return made


def show_alarms(out: Console, alarms: Sequence[Alarm]) -> None:
    """Standing alarms, loud; the command then does not end with them once more."""
    note_shown(alarms)
    for alarm in alarms:
        out.print(Text(alarm.text, style="bold white on red"))

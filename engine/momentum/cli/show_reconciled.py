"""What was found between the last look at an account and this one, in lines for a person."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from momentum.execution.reconcile import Reconciled
from momentum.ledger.store import Ledger
from momentum.market.calendar import shown
from momentum.units import format_price


def reconciled_lines(ledger: Ledger, since: Reconciled) -> Iterator[Text]:
    """One line for each fill, lost order and position that changed without an order of ours."""
    for fill in since.fills:
        intent = ledger.intent(fill.client_id)
        why = intent.reason.replace("_", " ") if intent else "not by an order of ours"
        yield Text(
            f"since the last look: {fill.side} {fill.qty} {fill.symbol} at {format_price(fill.price)}, "
            f"{shown(fill.at)}: {why}"
        )
    for client_id in since.lost:
        yield Text(f"order {client_id} never reached the broker", style="yellow")
    for client_id in since.withdrawn:
        yield Text(f"order {client_id} was left open by a command that died; cancelled", style="yellow")
    for what, changes in (
        ("adopted", since.adopted),
        ("recorded as sold", since.gone),
        ("a split", since.split),
    ):
        for change in changes:
            text = f"{change.symbol}: {change.before} shares before, {change.after} now, by no order of ours: {what}"
            yield Text(text, style="yellow")

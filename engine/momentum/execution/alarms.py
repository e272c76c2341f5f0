"""What stands until it is mended: positions without a stop, and buys that may still bring one."""

from __future__ import annotations

from collections.abc import Container, Sequence
from contextlib import suppress

from momentum.errors import LedgerError
from momentum.execution.trading import Trading
from momentum.ledger.rows import Alarm
from momentum.model.portfolio import Portfolio

NAKED = "stop.missing"
"""The kind of alarm and event of a position that has no stop over all of its shares; '' is the whole account."""
UNSETTLED = "buy.unsettled"
"""The kind of alarm and event of a buy that may fill when nobody is there to put a stop over it."""


def let_stand(trading: Trading, kind: str, symbol: str, text: str) -> None:
    """Let an alarm stand. Where the ledger cannot take it, the `LedgerError` that says so says the alarm too."""
    try:
        trading.ledger.raise_alarm(trading.account, kind, symbol, text, trading.now)
    except LedgerError as error:
        raise LedgerError(f"{text} (This alarm cannot be written down: {error})") from error


def clear(trading: Trading, kind: str, symbol: str) -> None:
    """Say that it is mended. Where the ledger cannot take that, the alarm stands on: nothing is the worse for it."""
    with suppress(LedgerError):
        trading.ledger.clear_alarm(trading.account, kind, symbol, trading.now)


def clear_others(trading: Trading, kind: str, symbols: Container[str]) -> None:
    """Clear the alarms of a kind but those of these symbols."""
    with suppress(LedgerError):
        for symbol in standing(trading, kind):
            if symbol not in symbols:
                clear(trading, kind, symbol)


def standing(trading: Trading, kind: str) -> tuple[str, ...]:
    """The symbols of the alarms of a kind that stand."""
    alarms = trading.ledger.alarms(trading.account)
    return tuple(alarm.symbol for alarm in alarms if alarm.kind == kind)


def with_bare(alarms: Sequence[Alarm], account: str, view: Portfolio) -> tuple[Alarm, ...]:
    """The alarms that stand, and one for each position that is seen to be bare and has none yet.

    As after a death between a buy and its stop: nobody was left to let an alarm stand.
    """
    told = {alarm.symbol for alarm in alarms if alarm.kind == NAKED}
    selling = {o.symbol for o in view.open_orders if o.side == "sell" and o.type == "market"}
    seen = [p for p in view.positions if p.is_naked and p.symbol not in told and p.symbol not in selling]
    found = (
        Alarm(
            account,
            NAKED,
            position.symbol,
            f"CRITICAL: Position {position.symbol} has a stop over {position.stop_qty} of its {position.qty} "
            "shares only; `momentum status --fix` mends it, as every scan does",
            view.at,
        )
        for position in seen
    )
    return (*alarms, *found)


def bare(trading: Trading) -> str | None:
    """Why nothing may be bought while a position is naked, or None: who can't protect one opens no other."""
    symbols = [symbol or "the account" for symbol in standing(trading, NAKED)]
    return f"no stop over all of {', '.join(symbols)}: nothing is bought until there is" if symbols else None

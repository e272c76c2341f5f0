"""What stands until it is mended: positions without a stop, and buys that may still bring one."""

from __future__ import annotations

from collections.abc import Container
from contextlib import suppress

from momentum.errors import LedgerError
from momentum.execution.trading import Trading

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


def bare(trading: Trading) -> str | None:
    """Why nothing may be bought while a position is naked, or None: who can't protect one opens no other."""
    symbols = [symbol or "the account" for symbol in standing(trading, NAKED)]
    return f"no stop over all of {', '.join(symbols)}: nothing is bought until there is" if symbols else None

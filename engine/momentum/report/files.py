"""The files of a backtest that other programs read: trades and equity as CSV, and text that is written whole."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from momentum.backtest.result import Result
from momentum.errors import UsageError
from momentum.ledger.rows import Trade

TRADES = ("symbol", "entry_date", "entry_price", "qty", "exit_date", "exit_price", "reason")
EQUITY = ("date", "equity")
_STOPS = ("stop", "trailing_stop")


def trades_csv(result: Result) -> str:
    """The closed trades, by exit session, entry session and symbol; prices unrounded, dates as ISO."""
    return _csv(TRADES, (_trade(trade) for trade in result.closed))


def equity_csv(result: Result) -> str:
    """The account's equity at each session's close, in dollars, unrounded."""
    return _csv(EQUITY, ((day.day.isoformat(), repr(float(day.equity))) for day in result.days))


def exit_word(trade: Trade) -> str:
    """Why a trade ended, in one word: `stop`, `signal` for a rule of the strategy's exits, else the ledger's word."""
    reason = trade.exit_reason or ""
    if reason in _STOPS:
        return "stop"
    if reason.startswith("signal:"):
        return "signal"
    words = reason.split()
    return words[0].rstrip(".,:;") if words else "unknown"


def write_text(file: Path, text: str) -> Path:
    """Write a text as UTF-8 with the same line ends everywhere. Raises `UsageError` where it cannot be written."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        why = error.strerror or str(error)
        raise UsageError(f"{file}: the report cannot be written: {why}; choose another --out") from error
    return file


def _trade(trade: Trade) -> tuple[str, ...]:
    assert trade.exit_date is not None
    return (
        trade.symbol,
        trade.entry_date.isoformat(),
        repr(float(trade.entry_price)),
        str(trade.entry_quantity),
        trade.exit_date.isoformat(),
        "" if trade.exit_price is None else repr(float(trade.exit_price)),
        exit_word(trade),
    )


def _csv(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return text.getvalue()

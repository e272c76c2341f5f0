"""Client order ids: readable, unique for ever, and the same when an order is sent again."""

from __future__ import annotations

import re
from datetime import date

MAX_LENGTH = 128
"""The longest client order id that Alpaca takes."""


def prefix(workspace: str, strategy: str, session: date, slot: str, symbol: str, side: str) -> str:
    """Everything of a client order id but its number, which the ledger gives.

    `side` is buy, sell or stop; `slot` names the scan or command. Only letters, digits, dots, dashes and
    underscores remain; long names are cut so that the whole fits.
    """
    fixed = f"{session:%Y%m%d}-{_plain(slot)}-{_plain(symbol)}-{_plain(side)}-"
    room = MAX_LENGTH - len(fixed) - len("999999")
    names = f"{_plain(workspace)}-{_plain(strategy)}-"
    if len(names) > room:
        names = names[: room - 1] + "-"
    return names + fixed


def _plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._]+", "_", text)

"""What a trade remembers of its entry: columns of the trade from the context of the buy's intent."""

from __future__ import annotations

import math
from collections.abc import Mapping

from momentum.ledger.rows import Trade

# The names under which a context may hold a trade's column, the first that is there wins: the column's own
# name, then the name that the default strategy gives the feature.
_NUMBERS: Mapping[str, tuple[str, ...]] = {
    "composite_score": ("composite_score", "score"),
    "spy_price": ("spy_price",),
    "spy_change": ("spy_change",),
    "vix": ("vix",),
    "breadth": ("breadth",),
    "atr": ("atr", "atr_14"),
    "rsi": ("rsi", "rsi_14"),
    "roc": ("roc", "roc_10d"),
    "rvol": ("rvol",),
    "volume_surge": ("volume_surge",),
    "gap_up": ("gap_up",),
    "intraday_strength": ("intraday_strength",),
    "sma_20": ("sma_20",),
    "cash_pct": ("cash_pct",),
    "exposure_pct": ("exposure_pct",),
    "positions_held": ("positions_held",),
    "conviction": ("conviction",),
    "reward": ("reward",),
}
_TEXTS = ("cap", "spy_trend", "scan_type", "action")
_FLAGS = ("breakout_5d",)
_JSON: Mapping[str, tuple[str, ...]] = {
    "entry_signals": ("entry_signals", "points"),
    "state_vector": ("state_vector",),
}

AT_ENTRY = tuple(
    name
    for name in (*_NUMBERS, *_TEXTS, *_FLAGS, *_JSON)
    if name not in ("composite_score", "cap", "entry_signals")
)
"""The columns that say what was known when a trade was opened."""


def entry_columns(context: Mapping[str, object]) -> dict[str, object]:
    """The columns of a trade that a context knows; None where it is silent or holds another kind of value."""
    columns: dict[str, object] = {name: number(_first(context, keys)) for name, keys in _NUMBERS.items()}
    columns |= {name: value if isinstance(value := context.get(name), str) else None for name in _TEXTS}
    columns |= {name: value if isinstance(value := context.get(name), bool) else None for name in _FLAGS}
    columns |= {name: _first(context, keys) for name, keys in _JSON.items()}
    return columns


def extended(trade: Trade, qty: int, price: float, commission: float) -> dict[str, object]:
    """The columns of an open trade that change where so many shares are bought more, at the average price."""
    quantity = trade.entry_quantity + qty
    average = (trade.entry_price * trade.entry_quantity + price * qty) / quantity
    return {"entry_price": average, "entry_quantity": quantity, "commission": trade.commission + commission}


def _first(context: Mapping[str, object], keys: tuple[str, ...]) -> object:
    return next((context[key] for key in keys if context.get(key) is not None), None)


def number(value: object) -> float | None:
    """A finite number as it is, anything else as None."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)

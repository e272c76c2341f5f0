"""The columns that a rule may name besides the strategy's own features and columns, and their types."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from momentum.model.strategy import Limits

BAR: Mapping[str, pl.DataType] = {
    name: pl.Float64() for name in ("open", "high", "low", "close", "volume", "day_fraction")
}
"""One bar. `day_fraction` is the share of a day's volume that is usual by the bar's moment: 1 once complete."""

ROW: Mapping[str, pl.DataType] = {"symbol": pl.String(), "cap": pl.String(), "price": pl.Float64()}
"""What else every row has; `price` is the latest close."""

CONTEXT: Mapping[str, pl.DataType] = {
    "spy_price": pl.Float64(),
    "spy_change": pl.Float64(),
    "spy_sma_20": pl.Float64(),
    "spy_trend": pl.String(),
    "vix": pl.Float64(),
    "breadth": pl.Float64(),
}
"""The market around the scan, the same on every row (see `model.market.MarketContext`)."""

POSITION: Mapping[str, pl.DataType] = {
    f"position.{field}": pl.Float64() for field in ("pnl", "days", "peak", "entry_price", "qty")
}
"""Only for rules on a held position: profit as a fraction of the entry price, sessions held, the highest
price since entry, the average entry fill, shares."""


FRAME: frozenset[str] = frozenset(["ts", "member", "rejected_by", "buy_when"])
"""Names that stand on each row beside those above, which no rule may use and no feature or column may take."""


def thresholds(limits: Limits) -> tuple[str, ...]:
    """The numeric keys of the size classes, which stand on each row with the value of its class."""
    return tuple(sorted({key for cap in limits.caps.values() for key in cap.thresholds}))


def reserved(limits: Limits) -> Mapping[str, pl.DataType]:
    """Every name that a feature or a column of a strategy may not take."""
    return {
        **BAR,
        **ROW,
        **CONTEXT,
        "score": pl.Float64(),
        **{key: pl.Float64() for key in thresholds(limits)},
    }

"""How many bars a strategy's features need, and how many symbols have them."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from momentum.market.lookahead import trial_bars
from momentum.market.panel import HISTORY
from momentum.market.quality.findings import WarmUp
from momentum.rules.features import feature_type, finite

Features = Sequence[tuple[str, pl.Expr]]


def bars_needed(features: Features) -> dict[str, int | None]:
    """How many bars each feature needs to have a value, tried on made-up ones.

    None where it has none within the year of bars that a scan looks back on.
    """
    if not features:
        return {}
    bars = trial_bars("TRIAL", HISTORY)
    computed = bars.select(expression.alias(name) for name, expression in features)
    known = computed.select(
        finite(name, feature_type(expression, name)).is_not_null().alias(name)
        for name, expression in features
    )
    return {name: _first(known[name]) for name, _ in features}


def _first(known: pl.Series) -> int | None:
    place = known.arg_max()
    return place + 1 if place is not None and known[place] else None


def warm_up(bars: pl.DataFrame, needed: dict[str, int | None]) -> WarmUp | None:
    """How many symbols fill the longest window at the last session; None without features that have a value."""
    known = {name: count for name, count in needed.items() if count is not None}
    if not known or bars.is_empty():
        return None
    slowest = max(known, key=lambda name: known[name])
    days = bars["ts"].unique().sort()
    seen = bars.filter(pl.col("ts") >= days[max(0, len(days) - HISTORY)])
    counts = seen.group_by("symbol").agg(pl.len(), last=pl.col("ts").max()).filter(pl.col("last") == days[-1])
    return WarmUp(
        bars=known[slowest],
        feature=slowest,
        alive=counts.height,
        filled=counts.filter(pl.col("len") >= known[slowest]).height,
    )

"""Features that look bars up by their exact prices: moved by a billionth, they are not found any more.

Whatever is computed from prices moves as little as they do, but for a comparison of equals here and there.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from momentum.market.lookahead import computed
from momentum.rules.columns import BAR
from momentum.rules.features import finite

NUDGE = 1 + 2.0**-30
"""What every price and volume is multiplied by."""
_MATERIAL = 1e-4
"""A number is another one where it moved by more than this share of itself, or of the feature's usual size."""
_SHARE = 0.001
"""So many of the values may be others: comparisons of what was equal but for rounding."""


def looked_up(
    features: Sequence[tuple[str, pl.Expr]], evaluated: pl.DataFrame, sample: pl.Expr
) -> dict[str, float]:
    """The share of each feature's values that are others once all bars are nudged, where it is too large.

    `evaluated` holds bars, sorted by symbol and ts, with the features as they are; those rows count in which `sample`
    holds. Raises `RuleError` for a feature that cannot be computed any more.
    """
    moved = [pl.col(name) * NUDGE for name in BAR if name != "day_fraction"]
    nudged = computed(features, evaluated.select("symbol", "ts", *moved, "day_fraction"))
    nudged = nudged.with_columns(finite(name, evaluated.schema[name]) for name, _ in features)
    after = nudged.filter(sample)
    before = evaluated.filter(sample)
    shares = {name: _share(before[name], after[name]) for name, _ in features}
    return {name: share for name, share in shares.items() if share > _SHARE}


def _share(before: pl.Series, after: pl.Series) -> float:
    if before.is_empty():
        return 0.0
    if not before.dtype.is_float():
        return before.ne_missing(after).mean() or 0.0  # type: ignore[return-value]
    both = pl.DataFrame({"b": before, "a": after})
    size = pl.max_horizontal(pl.col("b").abs(), pl.col("a").abs(), pl.col("b").abs().median())
    near = ((pl.col("a") - pl.col("b")).abs() <= _MATERIAL * size) | pl.col("a").eq_missing(pl.col("b"))
    return float(both.select((~near.fill_null(False)).mean()).item())

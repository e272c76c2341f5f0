"""Plugin `rules`: serves what the strategy's YAML declares, as signals and as a decider."""

from __future__ import annotations

from collections.abc import Sequence

from momentum import Points, Rule, Strategy, hookimpl
from momentum_plugins.rules_decider import momentum_decide

__all__ = ["momentum_decide", "momentum_filter", "momentum_reversal_signal", "momentum_score"]


@hookimpl
def momentum_filter(strategy: Strategy) -> Sequence[Rule]:
    """The strategy's `filters:`."""
    return strategy.filters


@hookimpl
def momentum_score(strategy: Strategy) -> Sequence[Points]:
    """The strategy's `score:`."""
    return strategy.score


@hookimpl
def momentum_reversal_signal(strategy: Strategy) -> Sequence[Points]:
    """The strategy's `reversal:`."""
    return strategy.reversal

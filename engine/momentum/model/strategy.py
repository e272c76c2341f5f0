"""A strategy as the engine reads it, and the limits it trades within: settings that are checked and typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from momentum.model.market import Cap

if TYPE_CHECKING:
    import polars as pl


class Rule(NamedTuple):
    """A named condition over the columns of one row, as SQL text or as a polars expression."""

    name: str
    when: str | pl.Expr


class Points(NamedTuple):
    """A named condition that is worth points where it holds."""

    name: str
    when: str | pl.Expr
    points: float = 1.0


@dataclass(frozen=True, slots=True)
class FeatureCall:
    """A feature that a strategy asks for: `roc_10d: {roc: 10}` is name roc_10d, factory roc, scalar 10.

    `scalar` goes to the factory's first parameter; `lag` is how many bars ago the value is taken.
    """

    name: str
    factory: str
    scalar: object = None
    keywords: Mapping[str, object] = field(default_factory=dict)
    lag: int = 0


@dataclass(frozen=True, slots=True)
class DecideRules:
    """What the rules decider goes by, and what Claude is told. Scores in points, profit as a fraction.

    `take_profit` None means never; `close_when` are rules on a held position that call for a close.
    """

    buy_score: float
    buy_when: str
    watch_score: float
    take_profit: float | None
    close_reversal: float
    max_buys: int
    close_when: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class Exits:
    """The engine's own exits. `trailing_stop` is a fraction below the peak; `signal` rules sell when they hold."""

    trailing_stop: float
    signal: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class Strategy:
    """One strategy, whole: what `strategies/NAME.yaml` says after `extends:` and the layers above it.

    `columns` map a name to SQL text, in the order in which they may use each other.
    `sections` are the checked settings of the plugins, by plugin name.
    """

    name: str
    description: str
    features: tuple[FeatureCall, ...]
    columns: tuple[tuple[str, str], ...]
    filters: tuple[Rule, ...]
    score: tuple[Points, ...]
    reversal: tuple[Points, ...]
    rank: str
    decide: DecideRules
    exits: Exits
    sections: Mapping[str, Mapping[str, object]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CapLimits:
    """What holds for one size class; `thresholds` are its numeric keys, which rules may name."""

    max_positions: int
    max_buys_per_scan: int
    thresholds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Limits:
    """The hard limits of the account. Sizes and exposure are fractions of equity.

    `slots`: at_plan counts positions when the plan is made, at_fill leaves the count to the moment of each
    order. `reduce_to` is the least share of its asked size to which an order may be cut to fit. `ignored` are
    symbols that are somebody else's at the broker.
    """

    max_positions: int
    max_buys_per_scan: int
    position_size: float
    max_exposure: float
    reduce_to: float
    slots: str
    add_to_positions: bool
    max_price_age: timedelta
    max_order: float | None
    caps: Mapping[Cap, CapLimits]
    ignored: frozenset[str] = frozenset()

    def for_cap(self, cap: Cap) -> CapLimits:
        """The limits of a size class; what is unclassified takes the totals and the large caps' thresholds."""
        found = self.caps.get(cap)
        if found is not None:
            return found
        large = self.caps.get("large")
        return CapLimits(self.max_positions, self.max_buys_per_scan, large.thresholds if large else {})

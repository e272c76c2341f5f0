"""Plugin `sample`: a synthetic market over the shipped universe, so that everything runs without data or a key.

No price in it was ever traded. The same seed is the same market, to the minute, on any day it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from momentum import hookimpl

if TYPE_CHECKING:
    from momentum.ports import MarketData, Workspace

DEFAULT_SEED, DEFAULT_YEARS = 7, 2


@hookimpl
def momentum_market_data(workspace: Workspace) -> MarketData:
    """Open the market up to the workspace's clock."""
    from momentum_plugins.sample.market import open_market  # numpy and polars are for those who read data

    return open_market(workspace)


@hookimpl
def momentum_settings_schema() -> Mapping[str, Any]:
    """The plugin's own settings: which market, and how much of its past."""
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "seed": {
                "type": "integer",
                "minimum": 0,
                "default": DEFAULT_SEED,
                "description": "the same seed is the same market",
            },
            "years": {
                "type": "integer",
                "minimum": 1,
                "maximum": 20,
                "default": DEFAULT_YEARS,
                "description": "how many years of sessions it reaches back",
            },
        },
    }

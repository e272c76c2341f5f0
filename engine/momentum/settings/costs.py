"""The settings of what trading costs: the same keys in a strategy's `backtest:` and under `paper:`."""

from __future__ import annotations

from typing import Any

from momentum.settings.parts import fraction, number, section

SLIPPAGE = "5bps"
_MOST_DOLLARS = 1e6


def cost_properties() -> dict[str, Any]:
    """The keys; all but the slippage are off where they are not written."""
    return {
        "slippage": fraction(
            "Paid on every market and stop fill, e.g. 5bps.", SLIPPAGE, minimum=0, exclusiveMaximum=1
        ),
        "slippage_by_volume": _share(
            "Paid besides: this x the square of the share that is taken of the bar's volume; e.g. 10%. Or off.",
            exclusiveMaximum=1,
        ),
        "max_volume_share": _share(
            "Of a bar's volume, the most that orders fill with in it; the rest stays open. Or off."
        ),
        "commission": _dollars("Dollars per order, paid with its first fill."),
        "commission_per_share": _dollars("Dollars per share, besides."),
        "commission_minimum": _dollars("Dollars, the least that an order pays."),
        "commission_maximum": _share("Of an order's value, the most that it pays; over the minimum. Or off."),
        "sell_fees": section(
            "What regulators take of sales.",
            {
                "per_million": _dollars("Dollars per million of proceeds, as the SEC's fee."),
                "per_share": _dollars("Dollars per share, as FINRA's trading activity fee."),
                "most": {
                    "type": ["number", "null"],
                    "minimum": 0,
                    "maximum": _MOST_DOLLARS,
                    "default": None,
                    "description": "Dollars, the most that per_share comes to in a fill. Or off.",
                },
            },
        ),
    }


def _dollars(description: str) -> dict[str, Any]:
    return number(description, 0, minimum=0, maximum=_MOST_DOLLARS)


def _share(description: str, **most: float) -> dict[str, Any]:
    return {
        "type": ["number", "null"],
        "x-unit": "fraction",
        "exclusiveMinimum": 0,
        **(most or {"maximum": 1}),
        "default": None,
        "description": description,
    }

"""What trading costs: the price that is paid instead of the one that is seen, commissions, and what a bar gives."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Costs:
    """The costs of an order. Raises ValueError for figures that make no sense.

    `slippage` is a fraction of the price, paid on every market and stop fill; a limit order pays its limit
    or better, so none. `commission_per_order` is dollars, paid once, with the order's first fill.
    `volume_share` is the fraction of a bar's volume that the account's orders may take, None for all they ask.
    """

    slippage: float
    commission_per_order: float = 0.0
    volume_share: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.slippage < 1:
            raise ValueError(f"slippage {self.slippage} is not a fraction from 0 up to 1")
        if not 0 <= self.commission_per_order < math.inf:
            raise ValueError(f"commission {self.commission_per_order} is not a number of dollars from 0 up")
        if self.volume_share is not None and not 0 < self.volume_share <= 1:
            raise ValueError(f"volume share {self.volume_share} is not a fraction over 0, up to 1")

    def buy_fill(self, price: float) -> float:
        """What a buy pays for a share that is seen at `price`."""
        return price * (1 + self.slippage)

    def sell_fill(self, price: float) -> float:
        """What a sale brings for a share that is seen at `price`."""
        return price * (1 - self.slippage)

    def room(self, volume: float | None) -> float:
        """How many shares a bar of that volume lets the account trade, a whole number or infinity.

        A bar of which the volume is not known gives none.
        """
        if self.volume_share is None:
            return math.inf
        if volume is None or not volume > 0:
            return 0
        # Rounded first: 29 % of 100 shares are 28.999999999999996 in floating point.
        return math.floor(round(self.volume_share * volume, 6)) if volume < math.inf else math.inf

    def commission(self, qty: int, price: float) -> float:
        """Dollars of commission on an order whose first execution is `qty` shares at the fill price `price`."""
        return self.commission_per_order

    def outlay(self, qty: int, fill: float) -> float:
        """Dollars that leave the account when `qty` shares are bought at the fill price `fill`."""
        return qty * fill + self.commission(qty, fill)

    def affordable(self, qty: int, fill: float, cash: float) -> int:
        """How many of `qty` shares `cash` pays for at the fill price `fill`: all, some, or 0."""
        if self.outlay(qty, fill) <= cash:
            return qty
        return max(0, min(qty, math.floor((cash - self.commission_per_order) / fill)))

"""What trading costs: the price that is paid instead of the one that is seen, and commissions."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Costs:
    """The costs of an order. Raises ValueError for figures that make no sense.

    `slippage` is a fraction of the price, paid on every market and stop fill; a limit order pays its limit
    or better, so none. `commission_per_order` is dollars, paid once with the fill.
    """

    slippage: float
    commission_per_order: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.slippage < 1:
            raise ValueError(f"slippage {self.slippage} is not a fraction from 0 up to 1")
        if not 0 <= self.commission_per_order < math.inf:
            raise ValueError(f"commission {self.commission_per_order} is not a number of dollars from 0 up")

    def buy_fill(self, price: float) -> float:
        """What a buy pays for a share that is seen at `price`."""
        return price * (1 + self.slippage)

    def sell_fill(self, price: float) -> float:
        """What a sale brings for a share that is seen at `price`."""
        return price * (1 - self.slippage)

    def commission(self, qty: int, price: float) -> float:
        """Dollars of commission on an execution of `qty` shares at the fill price `price`."""
        return self.commission_per_order

    def outlay(self, qty: int, fill: float) -> float:
        """Dollars that leave the account when `qty` shares are bought at the fill price `fill`."""
        return qty * fill + self.commission(qty, fill)

    def affordable(self, qty: int, fill: float, cash: float) -> int:
        """How many of `qty` shares `cash` pays for at the fill price `fill`: all, some, or 0."""
        if self.outlay(qty, fill) <= cash:
            return qty
        return max(0, min(qty, math.floor((cash - self.commission_per_order) / fill)))

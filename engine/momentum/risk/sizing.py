"""How many shares: the size that is asked for, and the size that fits into what is left."""

from __future__ import annotations

import math


def shares(dollars: float, price: float) -> int:
    """The whole shares that so many dollars buy; 0 where either is not a number that can be used."""
    if not (dollars > 0 and price > 0):
        return 0
    count = dollars / price
    return math.floor(count) if math.isfinite(count) else 0


def fitting(qty: int, asked: int, room: float, price: float, reduce_to: float) -> int:
    """The part of `qty` shares that fits into `room` dollars; 0 where too little of it would be left.

    All of it where it fits, else what the room buys, if that is at least one share and at least the
    fraction `reduce_to` of the size `asked` for: 1 never cuts an order, 0 always does.
    """
    if qty * price <= room:
        return qty
    cut = min(qty, shares(room, price))
    # A division, not a product: 7 / 100 >= 0.07 holds, 7 >= 0.07 * 100 does not.
    return cut if cut >= 1 and cut / asked >= reduce_to else 0

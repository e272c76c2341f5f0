"""What trading costs: the price that is paid instead of the one that is seen, commissions, and what a bar gives."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from momentum.model.orders import Side
from momentum.settings.costs import SLIPPAGE
from momentum.units import parse_fraction

Price = float | Callable[[int], float]
"""The fill price of a share, or that of so many shares where it depends on their number (and rises with it)."""

_MILLION = 1_000_000


def _check_dollars(name: str, value: float) -> None:
    if not 0 <= value < math.inf:
        raise ValueError(f"{name} {value} is not a number of dollars from 0 up")


class Filled(NamedTuple):
    """What an order has executed already: shares, and their value in dollars."""

    qty: int = 0
    value: float = 0.0


NOTHING = Filled()


@dataclass(frozen=True, slots=True)
class SellFees:
    """What regulators take of a sale. Raises ValueError for figures that make no sense.

    `per_million` is dollars per million of proceeds, as the SEC's fee under Section 31 of the Exchange Act;
    `per_share` is dollars per share, `most` at a time, as FINRA's trading activity fee (Schedule A to its By-Laws,
    Section 1), which counts each trade.
    """

    per_million: float = 0.0
    per_share: float = 0.0
    most: float = math.inf

    def __post_init__(self) -> None:
        _check_dollars("sell_fees.per_million", self.per_million)
        _check_dollars("sell_fees.per_share", self.per_share)
        if not self.most >= 0:
            raise ValueError(f"sell_fees.most {self.most} is not a number of dollars from 0 up")

    def of(self, qty: int, price: float) -> float:
        """Dollars that are taken of a sale of `qty` shares at the fill price `price`."""
        return self.per_million * (qty * price) / _MILLION + min(self.per_share * qty, self.most)


@dataclass(frozen=True, slots=True)
class Costs:
    """The costs of an order. Raises ValueError for figures that make no sense.

    `slippage` is a fraction of the price, paid on every market and stop fill; a limit order pays its limit
    or better, so none. `impact` is the further fraction that taking all of a bar's volume costs:
    price x (1 +- impact x share ** 2), where the share is that of the bar's volume which the account has taken when
    the fill is done, 1 at most. Source: zipline, `VolumeShareSlippage`, whose impact is 0.1.
    `volume_share` is the fraction of a bar's volume that the account's orders may take, None for all they ask.

    An order's commission is `commission_per_order` and `commission_per_share` dollars, at least
    `commission_minimum`, at most the fraction `commission_maximum` of its value, which goes before the minimum. Each
    of its fills pays what is due on the order so far and was not paid.
    """

    slippage: float
    commission_per_order: float = 0.0
    volume_share: float | None = None
    impact: float = 0.0
    commission_per_share: float = 0.0
    commission_minimum: float = 0.0
    commission_maximum: float | None = None
    sell_fees: SellFees = SellFees()

    def __post_init__(self) -> None:
        if not 0 <= self.slippage < 1:
            raise ValueError(f"slippage {self.slippage} is not a fraction from 0 up to 1")
        if not 0 <= self.impact < 1:
            raise ValueError(f"impact {self.impact} is not a fraction from 0 up to 1")
        _check_dollars("commission", self.commission_per_order)
        _check_dollars("commission_per_share", self.commission_per_share)
        _check_dollars("commission_minimum", self.commission_minimum)
        shares = {"volume share": self.volume_share, "commission_maximum": self.commission_maximum}
        for name, share in shares.items():
            if share is not None and not 0 < share <= 1:
                raise ValueError(f"{name} {share} is not a fraction over 0, up to 1")

    @property
    def by_volume(self) -> bool:
        """True where it matters how many shares a bar trades."""
        return self.volume_share is not None or self.impact > 0

    def buy_fill(self, price: float, share: float = 0.0) -> float:
        """What a buy pays for a share that is seen at `price`, where it takes that share of the volume."""
        return price * (1 + self.slippage) * (1 + self.impact * share**2)

    def sell_fill(self, price: float, share: float = 0.0) -> float:
        """What a sale brings for a share that is seen at `price`, where it takes that share of the volume."""
        return price * (1 - self.slippage) * (1 - self.impact * share**2)

    def fill(self, side: Side, price: float, volume: float | None = math.inf, taken: float = 0) -> Price:
        """The fill price of shares that are seen at `price`, in a bar of which the account took `taken` already."""
        of_side = self.buy_fill if side == "buy" else self.sell_fill
        if not self.impact:
            return of_side(price)
        return lambda qty: of_side(price, _share(taken + qty, volume))

    def room(self, volume: float | None, taken: float = 0) -> float:
        """How many more shares a bar of that volume lets the account trade, a whole number or infinity.

        A bar of which the volume is not known, or is 0, gives none where the volume matters.
        """
        if not self.by_volume:
            return math.inf
        if volume is None or not volume > 0:
            return 0
        if self.volume_share is None or volume == math.inf:
            return math.inf
        # Rounded first: 29 % of 100 shares are 28.999999999999996 in floating point.
        return max(0, math.floor(round(self.volume_share * volume, 6)) - taken)

    def commission(self, qty: int, price: float, before: Filled = NOTHING) -> float:
        """Dollars of commission on `qty` shares at the fill price `price`, of an order that had `before`."""
        due = self._commission(before.qty + qty, before.value + qty * price)
        return max(0.0, due - self._paid(before))

    def fees(self, side: Side, qty: int, price: float) -> float:
        """Dollars that regulators take of a fill."""
        return self.sell_fees.of(qty, price) if side == "sell" else 0.0

    def outlay(self, qty: int, fill: Price, before: Filled = NOTHING) -> float:
        """Dollars that leave the account when `qty` shares are bought at the fill price `fill`."""
        price = at(fill, qty)
        return qty * price + self.commission(qty, price, before)

    def price_of(self, outlay: float, qty: int, before: Filled = NOTHING) -> float:
        """The fill price at which `qty` shares take `outlay` dollars from the account."""
        paid = self._paid(before)
        due = self._commission(before.qty + qty, math.inf)
        price = (outlay - (due - paid)) / qty
        most = self.commission_maximum
        if most is not None and most * (before.value + qty * price) < due:
            return (outlay + paid - most * before.value) / (qty * (1 + most))
        return price

    def affordable(self, qty: int, fill: Price, cash: float, before: Filled = NOTHING) -> int:
        """How many of `qty` shares `cash` pays for at the fill price `fill`: all, some, or 0.

        Where slippage is all that is paid, some are floor(cash / fill).
        """
        if self.outlay(qty, fill, before) <= cash:
            return qty
        if not callable(fill) and not self._commission(qty, math.inf):
            return max(0, min(qty, math.floor(cash / fill)))
        return bisect_right(range(1, qty), cash, key=lambda count: self.outlay(count, fill, before))

    def _commission(self, qty: int, value: float) -> float:
        due = max(self.commission_per_order + self.commission_per_share * qty, self.commission_minimum)
        return due if self.commission_maximum is None else min(due, self.commission_maximum * value)

    def _paid(self, before: Filled) -> float:
        return self._commission(*before) if before.qty else 0.0


def at(fill: Price, qty: int) -> float:
    """The fill price of `qty` shares."""
    return fill(qty) if callable(fill) else fill


def costs_of(section: Mapping[str, object]) -> Costs:
    """The costs that a section of the settings names (see `momentum.settings.costs`); what is missing is off.

    Raises ValueError where a value is not one that its key takes.
    """
    fees = section.get("sell_fees") or {}
    if not isinstance(fees, Mapping):
        raise ValueError(f"sell_fees {fees!r} is not a mapping; write e.g. {{per_million: 20.60}}")
    most = fees.get("most")
    return Costs(
        slippage=parse_fraction(section.get("slippage", SLIPPAGE)),
        commission_per_order=_dollars(section, "commission"),
        volume_share=_fraction(section, "max_volume_share"),
        impact=_fraction(section, "slippage_by_volume") or 0.0,
        commission_per_share=_dollars(section, "commission_per_share"),
        commission_minimum=_dollars(section, "commission_minimum"),
        commission_maximum=_fraction(section, "commission_maximum"),
        sell_fees=SellFees(
            per_million=_dollars(fees, "per_million"),
            per_share=_dollars(fees, "per_share"),
            most=math.inf if most is None else _dollars(fees, "most"),
        ),
    )


def _fraction(section: Mapping[str, object], key: str) -> float | None:
    value = section.get(key)
    return None if value is None else parse_fraction(value)


def _dollars(section: Mapping[str, object], key: str) -> float:
    value = section.get(key, 0)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{key} {value!r} is not a number of dollars; write e.g. 1")
    return float(value)


def _share(taken: float, volume: float | None) -> float:
    return min(1.0, taken / volume) if volume is not None and volume > 0 else 1.0

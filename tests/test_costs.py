"""What trading costs."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from momentum.execution.costs import Costs

FIVE_BPS = Costs(slippage=0.0005)
prices = st.floats(min_value=0.01, max_value=10_000)


def test_a_buy_pays_slippage_over_the_price_it_sees() -> None:
    assert FIVE_BPS.buy_fill(200.0) == 200.0 * (1 + 0.0005)


def test_a_sale_brings_the_price_it_sees_less_slippage() -> None:
    assert FIVE_BPS.sell_fill(200.0) == 200.0 * (1 - 0.0005)


def test_commission_is_paid_once_for_an_order_of_any_size() -> None:
    costs = Costs(slippage=0, commission_per_order=1.5)
    assert costs.commission(1, 10) == costs.commission(1000, 10) == 1.5


def test_the_outlay_of_a_buy_includes_its_commission() -> None:
    assert Costs(slippage=0, commission_per_order=2).outlay(10, 5.0) == 52.0


def test_cash_that_pays_for_all_shares_buys_them_all() -> None:
    assert FIVE_BPS.affordable(10, 100.0, 1000.0) == 10


def test_cash_that_pays_for_some_shares_buys_whole_ones() -> None:
    assert FIVE_BPS.affordable(10, 100.0, 999.0) == 9


def test_commission_comes_out_of_the_same_cash() -> None:
    assert Costs(slippage=0, commission_per_order=1).affordable(10, 100.0, 1000.0) == 9


def test_no_cash_buys_nothing() -> None:
    assert FIVE_BPS.affordable(10, 100.0, 0.0) == 0
    assert FIVE_BPS.affordable(10, 100.0, -50.0) == 0


@given(st.integers(1, 10_000), prices, st.floats(0, 1e7), st.floats(0, 10))
def test_the_affordable_shares_cost_no_more_than_the_cash(
    qty: int, price: float, cash: float, commission: float
) -> None:
    costs = Costs(slippage=0.0005, commission_per_order=commission)
    bought = costs.affordable(qty, price, cash)
    assert 0 <= bought <= qty
    if bought:
        assert costs.outlay(bought, price) <= cash or math.isclose(costs.outlay(bought, price), cash)


@pytest.mark.parametrize("slippage", [-0.001, 1.0, math.nan])
def test_a_slippage_that_is_no_fraction_is_refused(slippage: float) -> None:
    with pytest.raises(ValueError, match="slippage"):
        Costs(slippage=slippage)


@pytest.mark.parametrize("commission", [-1.0, math.inf, math.nan])
def test_a_commission_that_is_no_amount_is_refused(commission: float) -> None:
    with pytest.raises(ValueError, match="commission"):
        Costs(slippage=0, commission_per_order=commission)


@pytest.mark.parametrize("share", [0.0, -0.1, 1.01, math.nan])
def test_a_volume_share_that_is_no_fraction_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="volume share"):
        Costs(slippage=0, volume_share=share)


@pytest.mark.parametrize(
    ("share", "volume", "room"),
    [
        (None, 0.0, math.inf),
        (None, None, math.inf),
        (0.1, 1_009.0, 100),
        (0.29, 100.0, 29),
        (0.1, 9.0, 0),
        (0.1, 0.0, 0),
        (0.1, None, 0),
        (0.1, math.nan, 0),
        (0.1, math.inf, math.inf),
    ],
)
def test_a_bar_has_room_for_the_whole_shares_of_its_volumes_share(
    share: float | None, volume: float | None, room: float
) -> None:
    assert Costs(slippage=0, volume_share=share).room(volume) == room

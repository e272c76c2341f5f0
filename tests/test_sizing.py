"""Whole shares for dollars, and what of an order fits."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from momentum.risk.sizing import fitting, shares


def test_dollars_buy_whole_shares() -> None:
    assert shares(10_000.0, 33.0) == 303
    assert shares(9.99, 10.0) == 0


@pytest.mark.parametrize("dollars", [0.0, -1.0, math.nan, math.inf])
@pytest.mark.parametrize("price", [0.0, -1.0, math.nan, math.inf, 5e-324])
def test_what_is_no_price_and_no_money_buys_nothing(dollars: float, price: float) -> None:
    assert shares(dollars, 10.0) == shares(100.0, price) == 0


def test_an_order_that_fits_is_left_as_it_is() -> None:
    assert fitting(100, 100, 1_000.0, 10.0, reduce_to=1.0) == 100


def test_an_order_is_cut_down_to_its_least_share_and_no_further() -> None:
    assert fitting(100, 100, 500.0, 10.0, reduce_to=0.5) == 50
    assert fitting(100, 100, 499.0, 10.0, reduce_to=0.5) == 0


def test_the_least_share_is_of_the_size_asked_for() -> None:
    assert fitting(60, 100, 400.0, 10.0, reduce_to=0.5) == 0


def test_seven_of_a_hundred_shares_are_seven_percent() -> None:
    assert fitting(100, 100, 70.0, 10.0, reduce_to=0.07) == 7


def test_nothing_fits_into_nothing() -> None:
    assert fitting(100, 100, 0.0, 10.0, reduce_to=0.0) == 0


@given(
    asked=st.integers(1, 10**6),
    room=st.floats(0, 1e7),
    price=st.floats(0.01, 1e5),
    reduce_to=st.floats(0, 1),
)
def test_what_fits_is_within_room_and_share_and_as_much_as_possible(
    asked: int, room: float, price: float, reduce_to: float
) -> None:
    qty = fitting(asked, asked, room, price, reduce_to)
    assert 0 <= qty <= asked
    assert qty * price <= room * (1 + 1e-12)
    if 0 < qty < asked:
        assert qty >= math.floor(reduce_to * asked)
        assert (qty + 1) * price > room
    if qty == 0:
        assert asked * price > room

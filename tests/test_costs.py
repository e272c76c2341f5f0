"""What trading costs."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from momentum.execution.costs import NOTHING, Costs, Filled, SellFees, at, costs_of

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


def test_where_slippage_is_all_that_is_paid_the_affordable_shares_are_the_quotient() -> None:
    """The reference strategy is defined so, also where the quotient was rounded up to a whole number."""
    price, cash = 167.68, math.nextafter(73 * 167.68, 0)
    assert 73 * price > cash and cash / price == 73
    assert FIVE_BPS.affordable(100, price, cash) == 73


def test_an_order_pays_by_the_share_within_its_minimum_and_maximum() -> None:
    tiered = Costs(0, commission_per_share=0.0035, commission_minimum=0.35, commission_maximum=0.01)
    assert tiered.commission(1_000, 50.0) == pytest.approx(3.50)
    assert tiered.commission(10, 50.0) == 0.35
    assert tiered.commission(10, 0.50) == pytest.approx(0.05), "the maximum goes before the minimum"


def test_a_later_fill_pays_what_is_due_on_the_order_and_was_not_paid() -> None:
    costs = Costs(0, commission_per_share=0.01, commission_minimum=1.0)
    parts, before = [], NOTHING
    for qty in (50, 100, 100):
        parts.append(costs.commission(qty, 20.0, before))
        before = Filled(before.qty + qty, before.value + qty * 20.0)
    assert parts == pytest.approx([1.0, 0.5, 1.0])


def test_sell_fees_are_taken_of_sales_alone() -> None:
    costs = Costs(0, sell_fees=SellFees(per_million=20.60, per_share=0.000195, most=9.79))
    assert costs.fees("sell", 1_000, 100.0) == pytest.approx(2.06 + 0.195)
    assert costs.fees("sell", 1_000_000, 1.0) == pytest.approx(20.60 + 9.79)
    assert costs.fees("buy", 1_000, 100.0) == 0


class TestSlippageByVolume:
    costs = Costs(slippage=0.001, impact=0.1)

    def test_it_grows_with_the_square_of_the_share_that_is_taken_of_the_bar(self) -> None:
        assert at(self.costs.fill("buy", 100.0, 1_000), 25) == pytest.approx(100.1 * (1 + 0.1 * 0.025**2))
        assert at(self.costs.fill("sell", 100.0, 1_000), 500) == pytest.approx(99.9 * (1 - 0.1 * 0.25))

    def test_what_was_taken_of_the_bar_before_counts(self) -> None:
        assert at(self.costs.fill("buy", 100.0, 1_000, 400), 100) == at(
            self.costs.fill("buy", 100.0, 1_000), 500
        )

    def test_more_than_the_bar_traded_is_the_whole_of_it(self) -> None:
        assert at(self.costs.fill("buy", 100.0, 1_000), 5_000) == pytest.approx(100.1 * 1.1)

    def test_a_bar_of_any_volume_makes_none(self) -> None:
        assert at(self.costs.fill("buy", 100.0), 5_000) == pytest.approx(100.1)

    @pytest.mark.parametrize("volume", [None, 0.0, math.nan])
    def test_a_bar_whose_volume_nobody_knows_fills_nothing(self, volume: float | None) -> None:
        assert self.costs.room(volume) == 0
        assert self.costs.room(10.0) == math.inf


dollars = st.floats(0, 20)
any_costs = st.builds(
    Costs,
    slippage=st.floats(0, 0.05),
    commission_per_order=dollars,
    impact=st.sampled_from([0.0, 0.1, 0.9]),
    commission_per_share=st.sampled_from([0.0, 0.0035, 0.5]),
    commission_minimum=dollars,
    commission_maximum=st.one_of(st.none(), st.floats(0.001, 1)),
)
orders_before = st.one_of(st.just(NOTHING), st.builds(Filled, st.integers(1, 500), st.floats(0.01, 1e5)))


@given(any_costs, st.integers(1, 10_000), prices, st.floats(0, 1e7), st.floats(1, 1e6), orders_before)
def test_the_affordable_shares_cost_no_more_than_the_cash_and_one_more_would(
    costs: Costs, qty: int, price: float, cash: float, volume: float, before: Filled
) -> None:
    fill = costs.fill("buy", price, volume)
    bought = costs.affordable(qty, fill, cash, before)
    assert 0 <= bought <= qty
    if bought:
        spent = costs.outlay(bought, fill, before)
        assert spent <= cash or (not costs.commission(1, price) and math.isclose(spent, cash))
    if bought < qty:
        over = costs.outlay(bought + 1, fill, before)
        assert over > cash or math.isclose(over, cash)


@given(any_costs, st.integers(1, 10_000), prices, orders_before)
def test_an_outlay_tells_the_price_that_it_was_reckoned_with(
    costs: Costs, qty: int, price: float, before: Filled
) -> None:
    outlay = costs.outlay(qty, price, before)
    assert costs.price_of(outlay, qty, before) == pytest.approx(price, rel=1e-6, abs=1e-6)


def test_a_section_of_the_settings_tells_the_costs() -> None:
    section = {
        "slippage": "2bps",
        "slippage_by_volume": 0.1,
        "max_volume_share": "10%",
        "commission": 1,
        "commission_per_share": 0.005,
        "commission_minimum": 1.0,
        "commission_maximum": "1%",
        "sell_fees": {"per_million": 20.60, "per_share": 0.000195, "most": 9.79},
    }
    fees = SellFees(20.60, 0.000195, 9.79)
    assert costs_of(section) == Costs(0.0002, 1.0, 0.1, 0.1, 0.005, 1.0, 0.01, fees)


def test_what_a_section_does_not_name_is_off_but_the_slippage() -> None:
    assert costs_of({}) == FIVE_BPS
    off = {"max_volume_share": None, "commission_maximum": None, "sell_fees": {"most": None}}
    assert costs_of({"slippage": 0, **off}) == Costs(0)


@pytest.mark.parametrize(
    "wrong", [{"commission": True}, {"commission_per_share": "1"}, {"sell_fees": 3}, {"slippage": "five"}]
)
def test_a_value_that_its_key_does_not_take_is_named(wrong: dict[str, object]) -> None:
    (value,) = wrong.values()
    with pytest.raises(ValueError, match=str(value)):
        costs_of(wrong)


@pytest.mark.parametrize("slippage", [-0.001, 1.0, math.nan])
def test_a_slippage_that_is_no_fraction_is_refused(slippage: float) -> None:
    with pytest.raises(ValueError, match="slippage"):
        Costs(slippage=slippage)


@pytest.mark.parametrize("commission", [-1.0, math.inf, math.nan])
def test_a_commission_that_is_no_amount_is_refused(commission: float) -> None:
    with pytest.raises(ValueError, match="commission"):
        Costs(slippage=0, commission_per_order=commission)


@pytest.mark.parametrize(
    "wrong",
    [
        {"impact": 1.0},
        {"commission_per_share": -1},
        {"commission_minimum": math.inf},
        {"commission_maximum": 0},
    ],
)
def test_a_figure_that_makes_no_sense_is_refused(wrong: dict[str, float]) -> None:
    (name,) = wrong
    with pytest.raises(ValueError, match=name):
        Costs(slippage=0, **wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [{"per_million": -1}, {"per_share": math.nan}, {"most": -0.1}])
def test_a_fee_that_is_no_amount_is_refused(wrong: dict[str, float]) -> None:
    (name,) = wrong
    with pytest.raises(ValueError, match=f"sell_fees.{name}"):
        SellFees(**wrong)


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

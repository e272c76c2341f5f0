"""What trading costs in a backtest: every fill pays what the strategy's `backtest:` says, and no dollar is missing."""

from __future__ import annotations

import math
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from momentum.backtest.result import Result
from momentum.backtest.run import backtest
from momentum.ledger.rows import Trade
from momentum.market.universe import Universe
from momentum.settings.load import Settings, load
from momentum_plugins.files.opening import open_market
from momentum_plugins.files.options import Options
from w_panels import panels
from workspace_builders import workspace

CASH = 100_000.0
FEES = {"per_million": 20.60, "per_share": 0.000195, "most": 9.79}
BROKER = {
    "commission_per_share": 0.0035,
    "commission_minimum": 0.35,
    "commission_maximum": 0.01,
    "sell_fees": FEES,
}


@pytest.fixture(scope="module")
def w(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The reference strategy on whatever the data holds."""
    directory = workspace(tmp_path_factory.mktemp("costs") / "work")
    return load(directory, strategy="reference_w", sets=["universe=all"], for_backtest=True)


def run(settings: Settings, bars: pl.DataFrame, **costs: Any) -> Result:
    """The backtest of a file of these bars, with these costs in place of the strategy's."""
    assert settings.backtest is not None
    settings = replace(settings, backtest=replace(settings.backtest, **costs))
    with tempfile.TemporaryDirectory() as directory:
        bars.write_parquet(Path(directory) / "bars.parquet")
        data = open_market(Path(directory), "bars.parquet", vix=None, options=Options())
        return backtest(settings, data, Universe.everything())


def bar_of_entry(bars: pl.DataFrame, trade: Trade) -> dict[str, Any]:
    found = bars.filter(pl.col("symbol") == trade.symbol, pl.col("date") == trade.entry_date)
    return found.row(0, named=True)


def tiered(qty: int, price: float) -> float:
    """The commission of `BROKER` on a whole order."""
    return min(max(0.0035 * qty, 0.35), 0.01 * qty * price)


def accounted(result: Result, cash: float) -> float:
    """What is in the account at the end by its trades: cash less what was bought and paid, plus what was sold."""
    for trade in result.trades:
        cash -= trade.entry_price * trade.entry_quantity + trade.commission
        cash += (trade.exit_price or 0.0) * trade.exit_quantity
    return cash


@examples(max_examples=40)
@given(bars=panels())
def test_each_trade_pays_its_two_orders_and_the_fees_of_its_sale(w: Settings, bars: pl.DataFrame) -> None:
    for trade in run(w, bars, **BROKER).closed:
        qty, sold = trade.entry_quantity, trade.exit_price
        assert sold is not None and trade.exit_quantity == qty
        fees = 20.60 * qty * sold / 1e6 + min(0.000195 * qty, 9.79)
        assert trade.commission == pytest.approx(tiered(qty, trade.entry_price) + tiered(qty, sold) + fees)
        assert trade.pnl == pytest.approx(qty * (sold - trade.entry_price) - trade.commission)


@examples(max_examples=40)
@given(bars=panels(), share=st.sampled_from([0.001, 0.1]))
def test_an_entry_takes_no_more_of_its_bar_than_the_largest_share(
    w: Settings, bars: pl.DataFrame, share: float
) -> None:
    for trade in run(w, bars, max_volume_share=share).trades:
        assert trade.entry_quantity <= share * bar_of_entry(bars, trade)["volume"] + 1e-6


@examples(max_examples=40)
@given(bars=panels())
def test_an_entry_pays_for_the_share_of_the_volume_that_it_takes(w: Settings, bars: pl.DataFrame) -> None:
    for trade in run(w, bars, slippage_by_volume=0.1).trades:
        bar = bar_of_entry(bars, trade)
        share = min(1.0, trade.entry_quantity / bar["volume"])
        assert trade.entry_price == pytest.approx(bar["open"] * 1.0005 * (1 + 0.1 * share**2))


@examples(max_examples=60)
@given(
    bars=panels(),
    cash=st.sampled_from([CASH, 3_000.0, 400.0, 60.0]),
    commission=st.sampled_from([0.0, 1.0, 30.0]),
    share=st.sampled_from([None, 0.01]),
    impact=st.sampled_from([None, 0.1, 0.9]),
)
def test_the_account_is_never_in_debt_and_every_dollar_is_accounted_for(
    w: Settings, bars: pl.DataFrame, cash: float, commission: float, share: float | None, impact: float | None
) -> None:
    result = run(
        w,
        bars,
        **BROKER,
        cash=cash,
        commission=commission,
        max_volume_share=share,
        slippage_by_volume=impact,
    )
    assert all(day.cash >= 0 for day in result.days)
    assert math.isclose(result.days[-1].cash, accounted(result, cash), abs_tol=1e-6)


def test_costs_are_off_where_a_strategy_names_none(w: Settings) -> None:
    assert w.backtest is not None
    off = (w.backtest.slippage_by_volume, w.backtest.max_volume_share, w.backtest.commission_maximum)
    assert off == (None, None, None)
    charges = (w.backtest.commission, w.backtest.commission_per_share, w.backtest.commission_minimum)
    assert charges == (0, 0, 0)
    assert w.backtest.sell_fees == {"per_million": 0, "per_share": 0, "most": None}


def test_they_are_set_from_the_command_line(tmp_path: Path) -> None:
    directory = workspace(tmp_path / "work")
    sets = ["backtest.sell_fees.most=9.79", "backtest.slippage_by_volume=10%", "backtest.max_volume_share=2%"]
    tested = load(directory, strategy="reference_w", sets=sets, for_backtest=True).backtest
    assert tested is not None
    assert (tested.sell_fees["most"], tested.slippage_by_volume, tested.max_volume_share) == (9.79, 0.1, 0.02)

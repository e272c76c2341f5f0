"""The backtest of strategies/reference_w.yaml equals the plain loop: trade for trade, and in equity every session."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from random import Random

import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

import plain_w
from momentum.backtest.run import backtest
from momentum.market.universe import Universe
from momentum.settings.load import Settings, load
from momentum_plugins.files.opening import open_market
from momentum_plugins.files.options import Options
from plain_w import CASH, Equity, Trade
from w_panels import panels
from workspace_builders import workspace

FILES = ("daily.parquet", "daily_2018.parquet")
REASONS = {"trailing_stop": "stop", "signal: close < sma_20": "signal"}
TOLERANCE = 1e-6


@pytest.fixture(scope="module")
def w(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The strategy on whatever the data holds."""
    directory = workspace(tmp_path_factory.mktemp("w") / "work")
    return load(directory, strategy="reference_w", sets=["universe=all"], for_backtest=True)


@cache
def real(path: Path) -> pl.DataFrame:
    columns = ("symbol", "date", "open", "high", "low", "close", "volume")
    return pl.read_parquet(path).select(columns).sort("symbol", "date")


def engine_w(bars: pl.DataFrame, settings: Settings, cash: float) -> tuple[list[Trade], Equity]:
    """The backtest's closed trades and equity, on a file of these bars."""
    assert settings.backtest is not None
    settings = replace(settings, backtest=replace(settings.backtest, cash=cash))
    with tempfile.TemporaryDirectory() as directory:
        bars.write_parquet(Path(directory) / "bars.parquet")
        data = open_market(Path(directory), "bars.parquet", vix=None, options=Options())
        result = backtest(settings, data, Universe.everything())
    trades = []
    for t in result.closed:
        assert t.exit_date is not None and t.exit_price is not None and t.exit_reason is not None
        assert t.exit_quantity == t.entry_quantity
        bought, sold = (t.entry_date, t.entry_price, t.entry_quantity), (t.exit_date, t.exit_price)
        trades.append(Trade(t.symbol, *bought, *sold, REASONS[t.exit_reason]))
    return trades, [(day.day, day.equity) for day in result.days]


def agrees(bars: pl.DataFrame, w: Settings, cash: float = CASH) -> list[Trade]:
    """Hold the backtest to the plain loop on these bars, and return the trades."""
    trades, equity = plain_w.run(plain_w.read(bars), cash)
    trades.sort(key=lambda trade: (trade.left, trade.entered, trade.symbol))
    found, found_equity = engine_w(bars, w, cash)
    assert [exactly(trade) for trade in found] == [exactly(trade) for trade in trades]
    for name in ("entry_fill", "exit_fill"):
        fills = [getattr(trade, name) for trade in trades]
        assert [getattr(trade, name) for trade in found] == pytest.approx(fills, rel=0, abs=TOLERANCE)
    assert [day for day, _ in found_equity] == [day for day, _ in equity]
    worth = [value for _, value in equity]
    assert [value for _, value in found_equity] == pytest.approx(worth, rel=1e-12, abs=TOLERANCE)
    return trades


def exactly(trade: Trade) -> tuple[str, date, int, date, str]:
    """What of a trade must be the same, not only near."""
    return trade.symbol, trade.entered, trade.quantity, trade.left, trade.reason


@pytest.mark.parametrize(("name", "trades"), [("daily.parquet", 216), ("daily_2018.parquet", 556)])
def test_on_every_real_bar(w: Settings, real_data: Path, name: str, trades: int) -> None:
    assert len(agrees(real(real_data / name), w)) == trades


def test_on_the_most_traded_symbols_one_of_which_closes_at_its_very_mean(
    w: Settings, real_data: Path
) -> None:
    bars = real(real_data / "daily.parquet")
    traded = bars.group_by("symbol").agg(dollars=(pl.col("close") * pl.col("volume")).sum())
    chosen = traded.sort("dollars", "symbol", descending=[True, False])["symbol"].head(500)
    trades = agrees(bars.filter(pl.col("symbol").is_in(chosen.to_list())), w)
    assert any(t.symbol == "CAG" and t.entered < date(2015, 7, 20) < t.left for t in trades)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("number", range(5))
def test_on_a_span_of_real_sessions_as_if_there_were_no_others(
    w: Settings, real_data: Path, name: str, number: int
) -> None:
    bars = real(real_data / name)
    days = bars["date"].unique().sort()
    random = Random(f"{name} {number}")
    first = random.randrange(len(days) - 60)
    last = min(first + random.randint(40, 200), len(days) - 1)
    assert agrees(bars.filter(pl.col("date").is_between(days[first], days[last])), w)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("part", [0.5, 0.5, 0.5, 0.03, 0.03, 0.01])
def test_on_some_of_the_real_symbols(
    w: Settings, real_data: Path, name: str, part: float, request: pytest.FixtureRequest
) -> None:
    bars = real(real_data / name)
    symbols = bars["symbol"].unique(maintain_order=True).to_list()
    chosen = Random(request.node.name).sample(symbols, max(int(part * len(symbols)), 3))
    agrees(bars.filter(pl.col("symbol").is_in(chosen)), w)


@examples(max_examples=150)
@given(panels(), st.sampled_from([CASH, CASH, 3_000.0, 400.0, 60.0]))
def test_on_panels_that_stand_on_every_edge(w: Settings, bars: pl.DataFrame, cash: float) -> None:
    agrees(bars, w, cash)

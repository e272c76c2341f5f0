"""The default strategy on the real market, beside a plain reading of it."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from momentum.context import open_context
from momentum.market.clock import RealClock, resolve_now
from momentum.market.context import market_context
from momentum.market.panel import load_panel
from momentum.market.screen import screen
from momentum.settings.load import load
from momentum_plugins.files.opening import open_market
from momentum_plugins.files.options import Options
from workspace_builders import workspace


@pytest.fixture(scope="module")
def plain(real_data: Path) -> pl.DataFrame:
    """Stage 1 and stage 2 for every bar, written out by hand: large caps' thresholds, complete days."""
    bars = pl.read_parquet(real_data / "daily.parquet").sort("symbol", "date")
    close, open_, high, volume = (pl.col(name) for name in ("close", "open", "high", "volume"))

    def own(expression: pl.Expr) -> pl.Expr:
        return expression.over("symbol")

    return bars.with_columns(
        change=own(close / close.shift(1) - 1),
        rvol=own(volume / volume.shift(1)),
        gap=own(open_ / close.shift(1) - 1),
        breakout=own(close > high.shift(1).rolling_max(5)),
        surge=own(volume / volume.shift(1).rolling_mean(20)),
        roc=own(close / close.shift(10) - 1),
    ).with_columns(
        stage_1=(close > 5)
        & (pl.col("change") > 0.005)
        & pl.col("rvol").is_finite()
        & (pl.col("rvol") >= 1.2),
        stage_2=(((pl.col("gap") > 0.01) & (close > open_)) | pl.col("breakout"))
        & pl.col("surge").is_finite()
        & (pl.col("surge") >= 1.3)
        & (pl.col("roc") >= 0.03),
    )


def test_the_plain_reading_passes_what_was_measured(plain: pl.DataFrame) -> None:
    """Median sessions of the 304 that have a full window: 519 symbols through stage 1, 69 through stage 2."""
    days = (
        plain.group_by("date")
        .agg(
            pl.col("stage_1").fill_null(False).sum(),
            both=(pl.col("stage_1").fill_null(False) & pl.col("stage_2").fill_null(False)).sum(),
        )
        .sort("date")[20:]
    )
    assert days["stage_1"].median() == pytest.approx(519, abs=8)
    assert days["both"].median() == pytest.approx(69, abs=3)
    assert days["both"].min() > 0  # type: ignore[operator]


def test_the_screen_equals_the_plain_reading(plain: pl.DataFrame, real_data: Path, tmp_path: Path) -> None:
    settings = load(workspace(tmp_path / "work"), data=real_data / "daily.parquet")
    context = open_context(settings, RealClock())
    sessions = context.data.sessions()
    for day in [one.day for one in sessions.days][25::37]:
        moment = resolve_now(day.isoformat(), context.clock, sessions)
        panel = load_panel(context.data, context.universe, "all", (), moment.now, moment.session)
        market = market_context(panel, context.data, moment.now)
        found = screen(context.program, panel, context.universe, settings.limits, market)
        today = plain.filter(pl.col("date") == day)
        expected = today.filter(pl.col("stage_1") & pl.col("stage_2"))["symbol"].to_list()
        assert sorted(c.symbol for c in found.candidates) == expected
        assert found.funnel[2].passed == today["stage_1"].fill_null(False).sum()
        assert found.with_data == today.height
        assert len(found.members) == found.frame.height == 6_696
    context.close()


def test_real_minutes_can_be_scanned_within_their_session(real_data: Path) -> None:
    market = open_market(real_data, "minute.parquet", vix=None, options=Options(zone="UTC"))
    session = market.sessions().days[-1]
    early = session.opens + (session.closes - session.opens) / 4
    so_far = market.daily(None, early, 5).filter(pl.col("ts") == session.day)
    whole = market.daily(None, session.closes, 5).filter(pl.col("ts") == session.day)
    both = so_far.join(whole, on="symbol", suffix="_whole")
    assert both.height > 0
    assert both.select((pl.col("volume") < pl.col("volume_whole")).all()).item()
    assert both.select((pl.col("high") <= pl.col("high_whole")).all()).item()

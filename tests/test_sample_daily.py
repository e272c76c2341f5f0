"""The sample market's days: the same whenever they are made, possible, and alive enough to trade momentum on."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from momentum.market.universe import Universe, load_universe
from momentum.settings.template import template_directory
from momentum_plugins import indicators
from momentum_plugins.sample.bursts import UNIFORMS, pushes
from momentum_plugins.sample.noise import Calendar, generator
from sample_builders import market, new_york

EVENING = new_york("2026-11-24 18:00")


@cache
def universe() -> Universe:
    return load_universe(template_directory() / "data" / "universe.json")


@cache
def two_years(seed: int = 7) -> pl.DataFrame:
    return market("2026-11-24 18:00", seed=seed).daily(None, EVENING, 1000)


def of_class(bars: pl.DataFrame, cap: str) -> pl.DataFrame:
    return bars.filter(pl.col("symbol").is_in([s for s, found in universe().caps.items() if found == cap]))


def daily_returns(bars: pl.DataFrame) -> pl.DataFrame:
    move = (pl.col("close") / pl.col("close").shift(1)).log().over("symbol")
    return bars.with_columns(move=move).drop_nulls("move")


class TestTheSameMarket:
    def test_is_made_from_the_same_seed(self) -> None:
        again = market("2026-11-24 18:00", seed=7).daily(None, EVENING, 1000)
        assert again.equals(two_years())
        assert not two_years(8)["close"].equals(two_years()["close"])

    def test_is_made_on_any_later_day(self) -> None:
        march = new_york("2026-03-02 18:00")
        then = market("2026-03-02 18:00").daily(None, march, 1000)
        common = pl.col("ts").is_between(date(2024, 11, 24), march.date())
        assert then.filter(common).equals(two_years().filter(common))
        assert then.filter(common)["ts"].n_unique() > 300

    def test_is_made_beside_any_other_symbols_and_over_any_years(self) -> None:
        other = market("2026-11-24 18:00", ["ZZZZ", "AAAA"], years=1).daily(None, EVENING, 1000)
        shared = other.filter(~pl.col("symbol").is_in(["ZZZZ", "AAAA"]))
        assert shared.equals(two_years().filter(pl.col("ts") >= date(2025, 11, 24)))
        assert other.height > shared.height

    def test_draws_the_same_for_a_date_in_any_list_of_dates(self) -> None:
        days = [date(2025, 12, 30), date(2025, 12, 31), date(2026, 1, 2), date(2026, 1, 5)]
        gauss, flat = Calendar.of(days).draw(7, "AAPL", 3, 2)
        one_gauss, one_flat = Calendar.of(days[2:]).draw(7, "AAPL", 3, 2)
        np.testing.assert_array_equal(gauss[2:], one_gauss)
        np.testing.assert_array_equal(flat[2:], one_flat)
        assert len(np.unique(gauss)) == gauss.size

    def test_never_looks_ahead_for_its_bursts(self) -> None:
        noise = generator(7, "test")
        draws, sizes = noise.random((120, 30, UNIFORMS)), noise.standard_normal((120, 30))
        whole, part = pushes(draws, sizes), pushes(draws[:70], sizes[:70])
        for name in ("overnight", "during", "log_volume"):
            np.testing.assert_array_equal(getattr(whole, name)[:70], getattr(part, name))


class TestBars:
    def test_are_possible(self) -> None:
        bars = two_years()
        assert bars.null_count().sum_horizontal()[0] == 0
        assert (bars["low"] > 0).all()
        assert bars.filter(pl.col("low") > pl.min_horizontal("open", "close")).is_empty()
        assert bars.filter(pl.col("high") < pl.max_horizontal("open", "close")).is_empty()
        assert (bars["volume"] >= 1).all()

    def test_are_in_whole_cents_and_shares(self) -> None:
        bars = two_years()
        for name in ("open", "high", "low", "close"):
            dollars = bars[name].to_numpy()
            np.testing.assert_array_equal(dollars, np.rint(dollars * 100) / 100)
        assert (bars["volume"] == bars["volume"].round()).all()

    def test_of_every_symbol_stand_on_every_session(self) -> None:
        bars = two_years()
        assert bars.group_by("symbol").len()["len"].unique().to_list() == [bars["ts"].n_unique()]
        assert bars.equals(bars.sort("symbol", "ts"))

    def test_of_half_days_have_less_volume(self) -> None:
        sessions = market("2026-11-24 18:00").sessions().days
        half = [session.day for session in sessions if session.closes - session.opens < timedelta(hours=6)]
        volume = pl.col("volume").log().mean()
        by_day = two_years().group_by(half=pl.col("ts").is_in(half)).agg(volume).sort("half")["volume"]
        assert len(half) == 5
        assert by_day[1] - by_day[0] < np.log(0.75)

    def test_differ_by_size_class(self) -> None:
        large, mid, small = (of_class(two_years(), cap) for cap in ("large", "mid", "small"))
        assert large["close"].median() > mid["close"].median() > small["close"].median()  # type: ignore[operator]
        assert large["volume"].median() > mid["volume"].median() > small["volume"].median()  # type: ignore[operator]


class TestStatistics:
    """Loose bounds around what real stocks show, so that a change which breaks the market is seen."""

    @pytest.mark.parametrize("seed", [7, 1, 42])
    def test_returns_have_fat_tails_and_come_in_clusters(self, seed: int) -> None:
        move = pl.col("move")
        by_symbol = (
            daily_returns(two_years(seed))
            .group_by("symbol")
            .agg(
                deviation=move.std(),
                kurtosis=move.kurtosis(),
                memory=pl.corr(move.abs(), move.abs().shift(1)),
            )
        )
        middle = by_symbol.select(pl.median("deviation", "kurtosis", "memory")).row(0, named=True)
        assert 0.015 < middle["deviation"] < 0.035
        assert middle["kurtosis"] > 1.5
        assert 0.05 < middle["memory"] < 0.35

    @pytest.mark.parametrize("seed", [7, 1, 42])
    def test_symbols_share_a_market_which_is_spy(self, seed: int) -> None:
        moves = daily_returns(two_years(seed)).pivot(on="symbol", index="ts", values="move").drop("ts")
        correlations = np.corrcoef(moves.to_numpy().T)
        pairs = correlations[np.triu_indices_from(correlations, 1)]
        assert 0.1 < pairs.mean() < 0.5
        average = moves.drop("SPY").mean_horizontal().to_numpy()
        assert np.corrcoef(moves["SPY"].to_numpy(), average)[0, 1] > 0.9

    def test_sectors_move_together(self) -> None:
        moves = daily_returns(two_years()).pivot(on="symbol", index="ts", values="move").drop("ts", "SPY")
        sectors = np.array([universe().sector_of(name) for name in moves.columns])
        correlations = np.corrcoef(moves.to_numpy().T)
        same = (sectors[:, None] == sectors[None, :]) & ~np.eye(len(sectors), dtype=bool)
        assert correlations[same].mean() > correlations[sectors[:, None] != sectors[None, :]].mean() + 0.02

    def test_they_lie_in_the_neighbourhood_of_real_large_companies(self, real_data: Path) -> None:
        real = pl.read_parquet(real_data / "daily.parquet").rename({"date": "ts"})
        caps = pl.read_parquet(real_data / "market_caps.parquet").filter(
            pl.col("as_of") == pl.col("as_of").min()
        )
        large = real.join(caps.filter(pl.col("market_cap") > 10e9).select("symbol"), on="symbol")
        ours, theirs = (figures(bars) for bars in (of_class(two_years(), "large"), large))
        for name, figure in ours.items():
            assert 0.5 * theirs[name] < figure < 2 * theirs[name], name


def figures(bars: pl.DataFrame) -> dict[str, float]:
    """Medians over symbols: daily deviation, share of variance overnight, days of volume over 1.3 times usual."""
    gap, day = (
        (pl.col("open") / pl.col("close").shift(1)).log().over("symbol"),
        (pl.col("close") / pl.col("open")).log(),
    )
    surge = pl.col("volume") / pl.col("volume").shift(1).rolling_mean(20).over("symbol")
    moves = daily_returns(bars).with_columns(gap=gap, day=day, surge=surge).drop_nulls()
    return (
        moves.filter(pl.col("move").abs() < 0.5)
        .group_by("symbol")
        .agg(
            deviation=pl.col("move").std(),
            overnight=pl.col("gap").var() / (pl.col("gap").var() + pl.col("day").var()),
            busy=(pl.col("surge") >= 1.3).mean(),
        )
        .select(pl.median("deviation", "overnight", "busy"))
        .row(0, named=True)
    )


class TestMomentum:
    @pytest.mark.parametrize("seed", [7, 1, 42])
    def test_most_sessions_have_some_breakouts_on_volume_but_not_many(self, seed: int) -> None:
        found = {
            name: expression.over("symbol")
            for name, expression in {
                "breakout": indicators.breakout(5),
                "roc": indicators.roc(10),
                "change": indicators.change(),
                "surge": pl.col("volume") / pl.col("volume").shift(1).rolling_mean(20),
                "rvol": pl.col("volume") / pl.col("volume").shift(1),
            }.items()
        }
        candidate = (
            pl.col("breakout")
            & (pl.col("close") > 5)
            & (pl.col("roc") >= 0.03)
            & (pl.col("change") > 0.005)
            & (pl.col("surge") >= 1.3)
            & (pl.col("rvol") >= 1.2)
        )
        counts = (
            two_years(seed).with_columns(**found).group_by("ts").agg(n=candidate.sum()).sort("ts")["n"][30:]
        )
        assert 3 <= counts.median() <= 15  # type: ignore[operator]
        assert (counts > 0).mean() > 0.9  # type: ignore[operator]

    def test_breakouts_often_fail(self) -> None:
        failed = indicators.breakout(5).shift(1) & (pl.col("close") < indicators.prior_high(5).shift(1))
        breakouts = two_years().select(
            broke=indicators.breakout(5).shift(1).over("symbol"), failed=failed.over("symbol")
        )
        assert 0.15 < breakouts["failed"].sum() / breakouts["broke"].sum() < 0.6

"""The check of market data on real markets: the defects that the data's own description states."""

from __future__ import annotations

import time
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from momentum.market.quality.check import check_bars
from momentum.market.quality.findings import DataFinding, Report


def bars_of(file: Path) -> pl.DataFrame:
    return pl.read_parquet(file).rename({"date": "ts"}).cast({"volume": pl.Float64})


@pytest.fixture(scope="module")
def bars(real_data: Path) -> pl.DataFrame:
    return bars_of(real_data / "daily.parquet")


@pytest.fixture(scope="module")
def market(bars: pl.DataFrame) -> Report:
    return check_bars(bars)


@pytest.fixture(scope="module")
def companies(real_data: Path) -> Report:
    return check_bars(bars_of(real_data / "daily_2018.parquet"))


def of(report: Report, kind: str, symbol: str = "") -> list[DataFinding]:
    return [f for f in report.findings if f.kind == kind and symbol in ("", f.symbol)]


def test_the_unadjusted_split_of_cf_is_the_worst_of_few(market: Report) -> None:
    splits = of(market, "split")
    assert (splits[0].symbol, splits[0].day) == ("CF", date(2015, 6, 18))
    assert splits[0].text.startswith("looks like an unadjusted 1 to 5 split")
    assert len(splits) < 20


@pytest.mark.parametrize(
    ("symbol", "day", "count"),
    [("VNO", date(2015, 6, 29), 1), ("NEE", date(2016, 6, 9), 1), ("TCO", date(2015, 9, 15), 7)],
)
def test_preferred_shares_under_the_common_ticker_are_found(
    market: Report, symbol: str, day: date, count: int
) -> None:
    (finding,) = of(market, "other security", symbol)
    assert (finding.day, finding.count) == (day, count)


def test_every_move_over_60_percent_above_5_dollars_is_told(market: Report, bars: pl.DataFrame) -> None:
    moved = bars.with_columns(previous=pl.col("close").shift(1).over("symbol")).filter(
        pl.max_horizontal(pl.col("close") / pl.col("previous"), pl.col("previous") / pl.col("close")) > 1.6,
        pl.max_horizontal("close", "previous") > 5,
    )
    told = {(f.symbol, f.day) for kind in ("split", "jump", "other security") for f in of(market, kind)}
    shared = {f.symbol for kind in ("other security", "spike") for f in of(market, kind)}
    untold = [
        (symbol, day)
        for symbol, day in moved.select("symbol", "ts").iter_rows()
        if (symbol, day) not in told and symbol not in shared
    ]
    assert moved.height > 390
    assert untold == []


def test_bars_without_trade_gaps_and_ends_equal_a_plain_count(market: Report, bars: pl.DataFrame) -> None:
    silent = dict(bars.filter(pl.col("volume") == 0).group_by("symbol").len().iter_rows())
    assert {f.symbol: f.count for f in of(market, "no volume")} == silent
    days = bars["ts"].unique().sort().to_list()
    place = {day: number for number, day in enumerate(days)}
    lives = bars.group_by("symbol").agg(
        pl.col("ts").min().alias("a"), pl.col("ts").max().alias("z"), pl.len()
    )
    gaps, ends = {}, {}
    for symbol, first, last, count in lives.iter_rows():
        if lacking := place[last] - place[first] + 1 - count:
            gaps[symbol] = lacking
        if (age := len(days) - 1 - place[last]) >= 5:
            ends[symbol] = age
    assert {f.symbol: f.count for f in of(market, "gap")} == gaps
    assert {f.symbol: f.count for f in of(market, "ended")} == ends


def test_the_whole_market_is_fit_and_has_every_session(market: Report) -> None:
    assert market.unfit == ()
    assert market.coverage.sessions == market.coverage.exchange_sessions == 324
    assert market.coverage.share > 0.999
    assert of(market, "survivorship") == of(market, "no benchmark") == of(market, "copied bars") == []


def test_the_whole_market_is_looked_through_in_seconds(bars: pl.DataFrame) -> None:
    started = time.process_time()
    check_bars(bars)
    assert time.process_time() - started < 20


def test_the_companies_of_2018_are_survivors_with_eight_silent_bars(companies: Report) -> None:
    assert len(of(companies, "survivorship")) == 1
    assert sum(f.count for f in of(companies, "no volume")) == 8
    assert of(companies, "split") == of(companies, "other security") == of(companies, "gap") == []


def test_the_special_dividend_of_kdp_is_the_worst_jump_of_2018(companies: Report) -> None:
    worst = of(companies, "jump")[0]
    assert (worst.symbol, worst.day) == ("KDP", date(2018, 7, 10))
    assert "-82.06%" in worst.text

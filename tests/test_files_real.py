"""The plugin `files` on real markets: the figures that the data's own description states."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

import files_builders as build
from momentum.ports import MarketData


@pytest.fixture(scope="module")
def daily(real_data: Path) -> MarketData:
    return build.open_file(real_data, "daily.parquet", vix="vix.parquet")


@pytest.fixture(scope="module")
def five_minutes(real_data: Path) -> MarketData:
    return build.open_file(real_data, "bars_5min_2024.parquet")


def rows_read(market: MarketData) -> int:
    """All rows of the file: those that are used, and those that the notes count."""
    counted = [market.title.split("(")[1], *(note.split(":", 1)[1] for note in market.notes())]
    return sum(int(match[0].replace(",", "")) for text in counted if (match := re.search(r"[\d,]+", text)))


def bars_a_session(market: MarketData, symbols: Sequence[str]) -> dict[str, int]:
    """The median, of a half bar the lower, as the description has it."""
    sessions = market.sessions().days
    bars = market.bars(symbols, sessions[0].opens, sessions[-1].closes)
    counts = bars.group_by("symbol", pl.col("ts").dt.date()).len()
    return dict(counts.group_by("symbol").agg(pl.col("len").median().floor().cast(pl.Int64)).iter_rows())


def test_the_whole_market_of_2015_is_read_without_a_complaint(daily: MarketData) -> None:
    assert daily.title == "daily.parquet (1,967,310 daily bars, 6,696 symbols, 2015-03-20 to 2016-06-30)"
    assert len(daily.sessions().days) == 324
    assert daily.notes() == ()


def test_the_last_year_of_the_whole_market_equals_the_file(daily: MarketData, real_data: Path) -> None:
    last = daily.sessions().days[-1]

    found = daily.daily(None, last.closes, 252)

    first = daily.sessions().days[-252].day
    expected = pl.read_parquet(real_data / "daily.parquet").filter(pl.col("date") >= first)
    assert found.equals(expected.rename({"date": "ts"}).cast({"volume": pl.Float64}))


def test_a_delisted_symbol_keeps_its_last_price_with_its_age(daily: MarketData) -> None:
    last = daily.sessions().days[-1]

    quotes = daily.quotes(daily.symbols(), last.closes)

    assert len(quotes) == 6696
    stale = [quote for quote in quotes.values() if quote.at < last.closes]
    assert 500 < len(stale) < 1500
    assert max(quote.at for quote in quotes.values()) == last.closes


def test_the_vix_stands_beside_the_bars(daily: MarketData) -> None:
    last = daily.sessions().days[-1]

    assert daily.vix(last.closes) == 15.63
    assert daily.vix(last.opens) == 16.64


def test_the_companies_of_2018_have_nearly_all_every_session(real_data: Path) -> None:
    market = build.open_file(real_data, "daily_2018.parquet", vix="vix_2018.parquet")

    sessions = market.sessions().days
    counts = market.daily(None, sessions[-1].closes, 10_000).group_by("symbol").len()
    assert market.title == "daily_2018.parquet (394,537 daily bars, 513 symbols, 2018-01-02 to 2021-01-29)"
    assert market.notes() == ()
    assert len(sessions) == 775
    assert counts.filter(pl.col("len") == 775).height == 504
    assert all(market.vix(session.closes) is not None for session in sessions)


def test_minute_bars_are_cut_to_regular_hours_and_the_others_counted(real_data: Path) -> None:
    market = build.open_file(real_data, "minute.parquet")

    assert rows_read(market) == 21_258
    assert len(market.symbols()) == 10
    assert re.search(r" 1m bars, .* 2008-.* to 2023-", market.title)


def test_five_minute_bars_are_as_many_a_session_as_described(five_minutes: MarketData) -> None:
    assert rows_read(five_minutes) == 108_357
    assert len(five_minutes.symbols()) == 16
    assert len(five_minutes.sessions().days) == 252
    assert bars_a_session(five_minutes, ["SOXL", "TQQQ", "SPXL", "FAS", "AMZU"]) == {
        "SOXL": 78,
        "TQQQ": 78,
        "SPXL": 42,
        "FAS": 12,
        "AMZU": 11,
    }


def test_a_running_session_of_five_minute_bars_equals_a_plain_sum_of_the_file(
    five_minutes: MarketData, real_data: Path
) -> None:
    at = datetime(2024, 7, 1, 15, 2, tzinfo=UTC)

    found = five_minutes.daily(["TQQQ"], at, 1).row(0, named=True)

    opened = datetime(2024, 7, 1, 13, 30, tzinfo=UTC)
    bars = pl.read_parquet(real_data / "bars_5min_2024.parquet").filter(
        pl.col("symbol") == "TQQQ", pl.col("ts") >= opened, pl.col("ts") + timedelta(minutes=5) <= at
    )
    assert found == {
        "symbol": "TQQQ",
        "ts": date(2024, 7, 1),
        "open": bars["open"][0],
        "high": bars["high"].max(),
        "low": bars["low"].min(),
        "close": bars["close"][-1],
        "volume": float(bars["volume"].sum()),
    }

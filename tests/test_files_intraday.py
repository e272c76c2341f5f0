"""An intraday file as a market: regular hours only, bars known at their end, days made of their bars."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import files_builders as build
from files_builders import MONDAY, WEEK, bar, moment, session_bars
from momentum.errors import DataError
from momentum.model.market import Quote
from momentum.ports import MarketData

TUESDAY = WEEK[1]
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def market(tmp_path: Path) -> MarketData:
    """Two whole sessions of AAA in bars of five minutes; BBB has three of them on Monday."""
    rows = [
        *session_bars("AAA", MONDAY),
        *session_bars("AAA", TUESDAY),
        *session_bars("BBB", MONDAY, count=3),
    ]
    return build.market(tmp_path, rows, "ts")


def day_bars(market: MarketData, at: datetime, sessions: int = 9) -> list[tuple[object, ...]]:
    return market.daily(["AAA"], at, sessions).drop("symbol").rows()


def test_the_title_tells_the_length_of_a_bar(market: MarketData) -> None:
    assert market.title == "bars.parquet (159 5m bars, 2 symbols, 2024-06-03 to 2024-06-04)"
    assert market.timeframe == "minute"
    assert market.resolution == timedelta(minutes=5)


def test_a_whole_session_is_its_first_open_extremes_last_close_and_all_volume(market: MarketData) -> None:
    assert day_bars(market, moment(MONDAY, 20)) == [(MONDAY, 10.0, 88.0, 9.0, 87.0, 78_000.0)]


def test_the_running_session_is_made_of_the_bars_that_have_ended(market: MarketData) -> None:
    monday = (MONDAY, 10.0, 88.0, 9.0, 87.0, 78_000.0)

    assert day_bars(market, moment(TUESDAY, 13, 34)) == [monday]
    assert day_bars(market, moment(TUESDAY, 13, 35)) == [monday, (TUESDAY, 10.0, 11.0, 9.0, 10.0, 1000.0)]
    assert day_bars(market, moment(TUESDAY, 13, 44)) == [monday, (TUESDAY, 10.0, 12.0, 9.0, 11.0, 2000.0)]
    assert day_bars(market, moment(TUESDAY, 20))[1:] == [(TUESDAY, 10.0, 88.0, 9.0, 87.0, 78_000.0)]


def test_the_running_session_counts_among_the_sessions_asked_for(market: MarketData) -> None:
    assert [row[0] for row in day_bars(market, moment(TUESDAY, 14), 1)] == [TUESDAY]
    assert [row[0] for row in day_bars(market, moment(TUESDAY, 13, 29), 1)] == [MONDAY]


def test_days_come_symbol_by_symbol_in_order_of_time(market: MarketData) -> None:
    found = market.daily(None, moment(TUESDAY, 14), 9)

    assert found.select("symbol", "ts").rows() == [("AAA", MONDAY), ("AAA", TUESDAY), ("BBB", MONDAY)]
    assert found.schema == {"symbol": pl.String, "ts": pl.Date} | dict.fromkeys(build.NUMBERS, pl.Float64)


def test_bars_end_one_length_after_their_start(market: MarketData) -> None:
    found = market.bars(["AAA"], moment(TUESDAY, 13, 35), moment(TUESDAY, 13, 49))

    assert found.select("ts", "ends").rows() == [
        (moment(TUESDAY, 13, 35), moment(TUESDAY, 13, 40)),
        (moment(TUESDAY, 13, 40), moment(TUESDAY, 13, 45)),
    ]


def test_a_quote_is_the_close_of_the_last_bar_that_has_ended(market: MarketData) -> None:
    assert market.quotes(["AAA", "BBB", "ZZZ"], moment(TUESDAY, 13, 52)) == {
        "AAA": Quote("AAA", 13.0, moment(TUESDAY, 13, 50)),
        "BBB": Quote("BBB", 12.0, moment(MONDAY, 13, 45)),
    }


def test_bars_outside_regular_hours_are_not_used_and_this_is_said(tmp_path: Path) -> None:
    inside = session_bars("AAA", MONDAY)
    outside = [bar("AAA", moment(MONDAY, 13, 25), 99.0), bar("AAA", moment(MONDAY, 20), 99.0)]

    market = build.market(tmp_path, [outside[0], *inside, outside[1]], "ts")

    found = market.bars(["AAA"], LONG_AGO, moment(MONDAY, 23))
    assert (found["ts"].min(), found["ends"].max()) == (moment(MONDAY, 13, 30), moment(MONDAY, 20))
    assert day_bars(market, moment(MONDAY, 23))[0][2] == 88.0
    assert market.notes() == ("bars.parquet: 2 bars outside regular hours are not used",)


def test_bars_of_a_day_on_which_the_exchange_is_closed_are_not_used(tmp_path: Path) -> None:
    saturday = date(2024, 6, 8)
    market = build.market(
        tmp_path, [*session_bars("AAA", MONDAY), *session_bars("AAA", saturday, count=4)], "ts"
    )

    assert [session.day for session in market.sessions().days] == [MONDAY]
    assert market.notes() == ("bars.parquet: 4 bars outside regular hours are not used",)


def test_a_half_day_ends_at_one(tmp_path: Path) -> None:
    half = date(2024, 11, 29)
    rows = [bar("AAA", moment(half, 14, 30) + timedelta(minutes=5 * index)) for index in range(78)]

    market = build.market(tmp_path, rows, "ts")

    assert len(market.bars(["AAA"], LONG_AGO, moment(half, 23))) == 42
    assert market.sessions().days[0].closes == moment(half, 18)


@pytest.mark.parametrize("minutes", [1, 5, 15, 60])
def test_the_length_is_the_usual_gap_even_where_many_bars_are_missing(tmp_path: Path, minutes: int) -> None:
    whole = session_bars("AAA", MONDAY, minutes, count=390 // minutes)
    sparse = session_bars("BBB", MONDAY, minutes, count=390 // minutes)[::3]

    market = build.market(tmp_path, [*whole, *sparse], "ts")

    assert market.bars(["BBB"], LONG_AGO, moment(MONDAY, 20))["ends"][0] == moment(
        MONDAY, 13, 30
    ) + timedelta(minutes=minutes)


def test_the_last_bar_ends_with_its_session(tmp_path: Path) -> None:
    market = build.market(tmp_path, session_bars("AAA", MONDAY, 60, count=7), "ts")

    last = market.bars(["AAA"], LONG_AGO, moment(MONDAY, 20)).row(-1, named=True)

    assert (last["ts"], last["ends"]) == (moment(MONDAY, 19, 30), moment(MONDAY, 20))


def test_bars_whose_length_cannot_be_known_are_refused(tmp_path: Path) -> None:
    rows = [bar("AAA", moment(MONDAY, 14)), bar("AAA", moment(TUESDAY, 15))]

    with pytest.raises(DataError, match="no symbol has two bars in one session"):
        build.market(tmp_path, rows, "ts")


def test_a_file_with_bars_of_the_night_only_is_refused(tmp_path: Path) -> None:
    rows = [bar("AAA", moment(MONDAY, 2, minute)) for minute in range(5)]

    with pytest.raises(
        DataError, match=r"none of its 5 bars begins in a session's regular hours.*files\.zone"
    ):
        build.market(tmp_path, rows, "ts")


def test_a_day_without_regular_bars_is_no_session(tmp_path: Path) -> None:
    rows = [*session_bars("AAA", MONDAY), bar("AAA", moment(TUESDAY, 12))]

    assert [session.day for session in build.market(tmp_path, rows, "ts").sessions().days] == [MONDAY]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.datetimes(datetime(2024, 6, 3, 13), datetime(2024, 6, 4, 21), timezones=st.just(UTC)))
def test_nothing_is_younger_than_the_moment_and_the_day_agrees_with_its_bars(
    market: MarketData, at: datetime
) -> None:
    bars = market.bars(["AAA"], LONG_AGO, at)
    daily = market.daily(["AAA"], at, 9)
    quotes = market.quotes(["AAA"], at)

    assert all(ends <= at for ends in bars["ends"])
    assert daily["volume"].sum() == bars["volume"].sum()
    assert daily["high"].max() == bars["high"].max()
    assert [(quote.price, quote.at) for quote in quotes.values()] == bars.tail(1).select(
        "close", "ends"
    ).rows()
    assert daily.tail(1)["close"].to_list() == bars.tail(1)["close"].to_list()

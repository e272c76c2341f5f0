"""A daily file as a market: a session is known from its close on, and nothing younger than the moment is shown."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import files_builders as build
from files_builders import MONDAY, WEEK, bar, daily_bars, moment
from momentum.errors import DataError
from momentum.model.market import Quote
from momentum.ports import MarketData

FRIDAY_CLOSE = moment(WEEK[4], 20)


@pytest.fixture
def market(tmp_path: Path) -> MarketData:
    return build.market(tmp_path, daily_bars())


def days(bars: pl.DataFrame) -> list[date]:
    return bars["ts"].unique().sort().to_list()


def test_the_title_counts_what_is_held(market: MarketData) -> None:
    assert market.title == "bars.parquet (10 daily bars, 2 symbols, 2024-06-03 to 2024-06-07)"
    assert market.timeframe == "day"
    assert market.resolution == timedelta(days=1)
    assert not market.synthetic
    assert market.symbols() == ("AAA", "BBB")


def test_sessions_are_the_dates_of_the_file_in_the_exchange_s_hours(tmp_path: Path) -> None:
    winter = date(2024, 1, 2)
    market = build.market(tmp_path, [bar("AAA", winter), bar("AAA", MONDAY)])

    assert [(session.opens, session.closes) for session in market.sessions().days] == [
        (moment(winter, 14, 30), moment(winter, 21)),
        (moment(MONDAY, 13, 30), moment(MONDAY, 20)),
    ]


def test_a_half_day_closes_early(tmp_path: Path) -> None:
    after_thanksgiving = date(2024, 11, 29)
    market = build.market(tmp_path, [bar("AAA", after_thanksgiving)])

    assert market.sessions().days[0].closes == moment(after_thanksgiving, 18)


def test_a_session_is_known_from_its_close_on(market: MarketData) -> None:
    assert days(market.daily(None, FRIDAY_CLOSE, 9)) == list(WEEK)
    assert days(market.daily(None, FRIDAY_CLOSE - timedelta(microseconds=1), 9)) == list(WEEK[:4])


def test_the_last_sessions_are_counted_back_from_the_moment(market: MarketData) -> None:
    assert days(market.daily(None, FRIDAY_CLOSE, 2)) == list(WEEK[3:])
    assert days(market.daily(None, moment(WEEK[2], 21), 1)) == [WEEK[2]]
    assert market.daily(None, FRIDAY_CLOSE, 0).is_empty()


def test_before_the_first_close_there_is_nothing(market: MarketData) -> None:
    early = moment(MONDAY, 19, 59)

    assert market.daily(None, early, 5).is_empty()
    assert market.daily(None, early, 5).schema == market.daily(None, FRIDAY_CLOSE, 5).schema
    assert market.bars(["AAA"], moment(MONDAY, 0), early).is_empty()
    assert market.quotes(["AAA"], early) == {}


def test_symbols_are_chosen_in_order_once_and_unknown_ones_are_absent(market: MarketData) -> None:
    chosen = market.daily(["BBB", "ZZZ", "AAA", "BBB"], FRIDAY_CLOSE, 1)

    assert chosen["symbol"].to_list() == ["AAA", "BBB"]
    assert market.daily([], FRIDAY_CLOSE, 1).is_empty()
    assert market.daily(["ZZZ"], FRIDAY_CLOSE, 1).is_empty()


def test_many_symbols_are_found_as_few_are(tmp_path: Path) -> None:
    names = [f"S{index:04}" for index in range(1200)]
    market = build.market(tmp_path, daily_bars(names, WEEK[:2]))
    wanted = names[::2]

    found = market.daily(wanted, FRIDAY_CLOSE, 5)

    few = pl.concat([market.daily([name], FRIDAY_CLOSE, 5) for name in wanted])
    assert found.equals(few)


def test_a_bar_for_matching_lasts_from_the_open_to_the_close(market: MarketData) -> None:
    found = market.bars(["AAA"], moment(WEEK[1], 20), moment(WEEK[3], 19))

    assert found.columns == ["symbol", "ts", "ends", *build.NUMBERS]
    assert found.select("ts", "ends", "close").rows() == [
        (moment(WEEK[2], 13, 30), moment(WEEK[2], 20), 12.0)
    ]


def test_bars_come_symbol_by_symbol_in_order_of_time(market: MarketData) -> None:
    found = market.bars(["BBB", "AAA"], moment(MONDAY, 0), moment(WEEK[1], 20))

    assert found.select("symbol", "close").rows() == [
        ("AAA", 10.0),
        ("AAA", 11.0),
        ("BBB", 20.0),
        ("BBB", 21.0),
    ]


def test_a_quote_is_the_last_close_and_tells_how_old_it_is(tmp_path: Path) -> None:
    rows = [bar("AAA", WEEK[0], 10.0), bar("AAA", WEEK[1], 11.0), bar("BBB", WEEK[0], 20.0)]
    market = build.market(tmp_path, rows)

    assert market.quotes(["BBB", "AAA", "ZZZ"], moment(WEEK[4], 15)) == {
        "AAA": Quote("AAA", 11.0, moment(WEEK[1], 20)),
        "BBB": Quote("BBB", 20.0, moment(WEEK[0], 20)),
    }


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.datetimes(datetime(2024, 6, 1), datetime(2024, 6, 9), timezones=st.just(UTC)))
def test_nothing_is_younger_than_the_moment(market: MarketData, at: datetime) -> None:
    closed = [day for day in WEEK if moment(day, 20) <= at]

    assert days(market.daily(None, at, 99)) == closed
    assert market.bars(["AAA"], datetime(2024, 1, 1, tzinfo=UTC), at)["ends"].to_list() == [
        moment(day, 20) for day in closed
    ]
    assert {quote.at for quote in market.quotes(["AAA", "BBB"], at).values()} == {
        moment(day, 20) for day in closed[-1:]
    }


def test_the_source_stays_when_the_workspace_moves_and_differs_by_path(tmp_path: Path) -> None:
    sources = []
    for place in ("here/bars.csv", "there/bars.csv", "there/deep/bars.csv"):
        path = tmp_path / place
        path.parent.mkdir()
        build.write(build.frame(daily_bars()), path)
        sources.append(build.open_file(tmp_path / place.split("/")[0], path).source)

    assert sources[0] == sources[1] != sources[2]
    assert sources[0].startswith("files:bars:")


def test_a_file_outside_the_workspace_is_known_by_its_whole_path(tmp_path: Path) -> None:
    path = build.write(build.frame(daily_bars()), tmp_path / "bars.csv")
    for name in ("one", "two"):
        (tmp_path / name).mkdir()

    sources = {
        build.open_file(tmp_path / name, given).source
        for name in ("one", "two")
        for given in (path, "../bars.csv")
    }

    assert len(sources) == 1


def test_the_vix_is_that_of_the_last_session_closed(tmp_path: Path) -> None:
    build.write(build.frame(daily_bars()), tmp_path / "bars.parquet")
    build.write(pl.DataFrame({"DATE": WEEK, "CLOSE": [13.0, 14.0, 15.0, 16.0, 17.0]}), tmp_path / "vix.csv")
    market = build.open_file(tmp_path, "bars.parquet", vix="vix.csv")

    assert market.vix(FRIDAY_CLOSE) == 17.0
    assert market.vix(FRIDAY_CLOSE - timedelta(seconds=1)) == 16.0
    assert market.vix(moment(MONDAY, 14)) is None


def test_a_vix_of_long_ago_is_not_told(tmp_path: Path) -> None:
    build.write(build.frame(daily_bars()), tmp_path / "bars.parquet")
    build.write(pl.DataFrame({"date": [date(2024, 5, 28)], "close": [12.0]}), tmp_path / "vix.parquet")
    market = build.open_file(tmp_path, "bars.parquet", vix="vix.parquet")

    assert market.vix(moment(WEEK[1], 20)) == 12.0
    assert market.vix(moment(WEEK[2], 20)) is None


def test_without_a_vix_file_there_is_no_vix(market: MarketData) -> None:
    assert market.vix(FRIDAY_CLOSE) is None


def test_a_vix_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    build.write(build.frame(daily_bars()), tmp_path / "bars.parquet")
    build.write(pl.DataFrame({"date": WEEK, "value": [1.0] * 5}), tmp_path / "vix.csv")

    with pytest.raises(DataError, match=r"^vix\.csv: has no column close"):
        build.open_file(tmp_path, "bars.parquet", vix="vix.csv")
    with pytest.raises(DataError, match=r"^none\.csv: there is no such file; correct files\.vix"):
        build.open_file(tmp_path, "bars.parquet", vix="none.csv")


def test_bad_rows_of_a_vix_file_are_counted(tmp_path: Path) -> None:
    build.write(build.frame(daily_bars()), tmp_path / "bars.parquet")
    closes = [13.0, None, -1.0, float("nan"), 17.0]
    build.write(pl.DataFrame({"date": WEEK, "close": closes}), tmp_path / "vix.parquet")

    market = build.open_file(tmp_path, "bars.parquet", vix="vix.parquet")

    assert market.vix(moment(WEEK[3], 20)) == 13.0
    assert market.notes() == (
        "vix.parquet: left out 3 rows without a date or a close above zero, or of a repeated date",
    )

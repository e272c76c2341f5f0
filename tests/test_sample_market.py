"""The sample market as market data: which sessions and symbols it has, and that it never tells what is to come."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

import momentum_plugins.sample as plugin
from momentum.errors import DataError
from momentum.market.calendar import exchange_sessions
from momentum.market.universe import load_universe
from momentum.settings.template import template_directory
from sample_builders import BAR, added_up, market, new_york, on, workspace

FEW = ["AAPL", "BBAI", "SNAP", "SPY"]


class Hand:
    """A clock that is moved by hand."""

    def __init__(self, text: str) -> None:
        self.moment = new_york(text)

    def now(self) -> datetime:
        return self.moment.astimezone(UTC)


def test_it_says_that_it_is_synthetic() -> None:
    found = market("2026-11-24 12:00", seed=7)
    assert found.synthetic
    assert found.title == "sample (synthetic market, seed 7)"
    assert found.source == "sample:7"
    assert "no price in it was ever traded" in found.notes()[0]
    assert found.vix(new_york("2026-11-24 12:00")) is None


def test_the_plugin_opens_it_from_the_workspace() -> None:
    found = plugin.momentum_market_data(workspace(Hand("2026-11-24 12:00"), seed=8, years=1))
    assert found.source == "sample:8"
    assert found.sessions().days[0].day == date(2025, 11, 24)


def test_it_holds_the_shipped_universe_spy_and_what_the_workspace_names() -> None:
    shipped = load_universe(template_directory() / "data" / "universe.json").caps
    assert set(market("2026-11-24 12:00", ["AAPL", "ZZZZ"]).symbols()) == {*shipped, "SPY", "ZZZZ"}


def test_it_covers_every_session_of_two_years_up_to_the_one_that_runs() -> None:
    sessions = market("2026-11-24 12:00").sessions()
    assert sessions == exchange_sessions(date(2024, 11, 24), date(2026, 11, 24))


@pytest.mark.parametrize(
    ("now", "last"),
    [
        ("2026-11-24 09:29", date(2026, 11, 23)),
        ("2026-11-24 09:30", date(2026, 11, 24)),
        ("2026-11-24 20:00", date(2026, 11, 24)),
        ("2026-11-22 12:00", date(2026, 11, 20)),
    ],
    ids=["before the open", "at the open", "in the evening", "on a Sunday"],
)
def test_its_last_session_is_the_one_that_opened_last(now: str, last: date) -> None:
    assert market(now).sessions().days[-1].day == last


def test_it_goes_on_when_the_clock_does() -> None:
    clock = Hand("2026-11-23 12:00")
    found = plugin.momentum_market_data(workspace(clock))
    yesterday = found.daily(FEW, new_york("2026-11-23 11:00"), 3)
    clock.moment = new_york("2026-11-24 12:00")
    assert found.sessions().days[-1].day == date(2026, 11, 24)
    assert on(found.daily(FEW, clock.now(), 3), date(2026, 11, 24)).height == len(FEW)
    assert found.daily(FEW, new_york("2026-11-23 11:00"), 3).equals(yesterday)


def test_before_its_first_day_there_is_no_market() -> None:
    with pytest.raises(DataError, match="begins on 2018-01-02"):
        market("2017-06-01 12:00")


def test_a_leap_day_has_its_two_years_too() -> None:
    assert market("2024-02-29 12:00").sessions().days[0].day == date(2022, 2, 28)


class TestDaily:
    def test_has_the_last_sessions_of_each_symbol_in_order(self) -> None:
        found = market("2026-11-24 18:00")
        bars = found.daily(["SPY", "AAPL", "NOPE"], new_york("2026-11-24 18:00"), 5)
        expected = [session.day for session in found.sessions().days[-5:]]
        assert bars["symbol"].to_list() == ["AAPL"] * 5 + ["SPY"] * 5
        assert bars["ts"].to_list() == expected * 2
        assert bars.schema == {"symbol": pl.String(), "ts": pl.Date(), **dict.fromkeys(BAR, pl.Float64())}

    def test_of_no_symbols_in_particular_has_all(self) -> None:
        found = market("2026-11-24 12:00")
        assert found.daily(None, new_york("2026-11-24 12:00"), 1)["symbol"].to_list() == list(found.symbols())

    @pytest.mark.parametrize("at", ["2026-11-24 10:30", "2026-11-24 10:30:59", "2026-11-24 15:59"])
    def test_of_a_running_session_is_the_minutes_that_are_over(self, at: str) -> None:
        found = market("2026-11-24 18:00")
        minutes = found.bars(FEW, new_york("2026-11-24 09:30"), new_york(at))
        assert added_up(minutes).equals(found.daily(FEW, new_york(at), 1))

    @pytest.mark.parametrize("at", ["2026-11-24 09:30", "2026-11-24 09:30:59", "2026-11-24 08:00"])
    def test_before_the_first_minute_is_over_ends_the_session_before(self, at: str) -> None:
        bars = market("2026-11-24 18:00").daily(FEW, new_york(at), 2)
        assert bars["ts"].max() == date(2026, 11, 23)
        assert bars.height == 2 * len(FEW)

    def test_of_nothing_is_empty(self) -> None:
        found = market("2026-11-24 12:00")
        now = new_york("2026-11-24 12:00")
        assert found.daily(["NOPE"], now, 5).is_empty()
        assert found.daily(FEW, now, 0).is_empty()
        assert found.daily(FEW, new_york("2020-01-06 12:00"), 5).is_empty()


class TestBars:
    def test_end_later_than_the_one_moment_and_not_later_than_the_other(self) -> None:
        found = market("2026-11-24 18:00")
        bars = found.bars(["AAPL", "SPY"], new_york("2026-11-24 10:00"), new_york("2026-11-24 10:03:30"))
        starts = [new_york(f"2026-11-24 10:0{minute}") for minute in range(3)]
        assert bars["symbol"].to_list() == ["AAPL"] * 3 + ["SPY"] * 3
        assert bars["ts"].to_list() == starts * 2
        assert (bars["ends"] - bars["ts"] == timedelta(minutes=1)).all()

    def test_run_over_nights_half_days_and_the_change_of_the_clocks(self) -> None:
        found = market("2026-11-24 18:00")
        week = found.bars(["SPY"], new_york("2025-11-25 15:59"), new_york("2025-12-01 09:31"))
        assert week.height == 1 + 390 + 210 + 1
        spring = found.bars(["SPY"], new_york("2026-03-06 15:59"), new_york("2026-03-09 09:31"))[
            "ts"
        ].to_list()
        assert spring == [
            datetime(2026, 3, 6, 20, 59, tzinfo=UTC),
            datetime(2026, 3, 9, 13, 30, tzinfo=UTC),
        ]

    @pytest.mark.parametrize("symbols", [[], ["NOPE"]])
    def test_of_unknown_symbols_are_none(self, symbols: list[str]) -> None:
        bars = market("2026-11-24 18:00").bars(
            symbols, new_york("2026-11-23 09:30"), new_york("2026-11-24 18:00")
        )
        assert bars.is_empty()
        assert bars.columns == ["symbol", "ts", "ends", *BAR]

    def test_between_sessions_are_none(self) -> None:
        found = market("2026-11-24 18:00")
        assert found.bars(FEW, new_york("2026-11-23 16:00"), new_york("2026-11-24 09:30")).is_empty()


class TestQuotes:
    def test_are_the_close_of_the_last_minute_and_its_end(self) -> None:
        found = market("2026-11-24 18:00")
        at = new_york("2026-11-24 10:30:40")
        quotes = found.quotes(["AAPL", "SPY", "NOPE"], at)
        last = found.bars(["AAPL", "SPY"], at - timedelta(minutes=1), at)
        assert {symbol: quote.price for symbol, quote in quotes.items()} == dict(
            last.select("symbol", "close").iter_rows()
        )
        assert {quote.at for quote in quotes.values()} == {new_york("2026-11-24 10:30")}

    @pytest.mark.parametrize("at", ["2026-11-23 20:00", "2026-11-24 09:30:30"])
    def test_between_sessions_are_the_last_close(self, at: str) -> None:
        found = market("2026-11-24 18:00")
        quote = found.quotes(["SPY"], new_york(at))["SPY"]
        assert quote.at == new_york("2026-11-23 16:00")
        assert quote.price == found.daily(["SPY"], new_york("2026-11-23 16:00"), 1)["close"][0]

    def test_before_the_first_session_are_none(self) -> None:
        assert market("2026-11-24 18:00").quotes(["SPY"], new_york("2020-01-06 12:00")) == {}


class TestWhatIsToCome:
    @pytest.mark.parametrize("at", ["2026-11-24 10:30", "2025-11-28 12:59:59", "2026-11-23 15:59:30"])
    def test_no_value_is_younger_than_the_moment_asked_for(self, at: str) -> None:
        """The same answers from a market whose clock stands at that moment, which has lived no further."""
        early, late, moment = market(at), market("2026-11-24 18:00"), new_york(at)
        hour = moment - timedelta(hours=1)
        assert late.daily(None, moment, 30).equals(early.daily(None, moment, 30))
        assert late.bars(FEW, hour, moment).equals(early.bars(FEW, hour, moment))
        assert late.quotes(FEW, moment) == early.quotes(FEW, moment)

    def test_a_moment_ahead_of_the_clock_shows_no_more_than_the_clock_does(self) -> None:
        found, now, evening = (
            market("2026-11-24 10:30"),
            new_york("2026-11-24 10:30"),
            new_york("2026-11-24 18:00"),
        )
        assert found.daily(FEW, evening, 3).equals(found.daily(FEW, now, 3))
        assert found.bars(FEW, now, evening).is_empty()
        assert found.quotes(FEW, evening) == found.quotes(FEW, now)

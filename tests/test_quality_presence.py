"""The check of market data: what is there, what is not, and when it is unfit."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from momentum.errors import DataError
from momentum.market.quality.check import check_bars
from momentum.market.quality.warmup import bars_needed
from momentum.model.market import LeftOut
from quality_builders import DAYS, only, panel, walk

CLOSE = pl.col("close")


def without(symbol: str, *places: int) -> pl.DataFrame:
    """A calm symbol that lacks the bars at these places."""
    return walk(symbol, 9).filter(~pl.col("ts").is_in([DAYS[place] for place in places]))


def test_coverage_counts_symbols_sessions_and_the_share_of_expected_bars() -> None:
    extent = check_bars(panel(without("GAP", 50, 51))).coverage
    assert (extent.symbols, extent.sessions, extent.exchange_sessions) == (5, len(DAYS), len(DAYS))
    assert (extent.first, extent.last) == (DAYS[0], DAYS[-1])
    assert (extent.bars, extent.expected) == (5 * len(DAYS) - 2, 5 * len(DAYS))


def test_sessions_that_a_symbol_lacks_are_counted_with_the_longest_run() -> None:
    _, finding = only(panel(without("GAP", 10, 50, 51, 52)))
    assert (finding.kind, finding.symbol, finding.count) == ("gap", "GAP", 4)
    assert f"up to 3 in a row, before {DAYS[53]}" in finding.text


def test_a_late_listing_is_no_gap() -> None:
    assert check_bars(panel(walk("NEW", 9).tail(80))).findings == ()


def test_a_session_missing_for_everybody_is_named_and_makes_the_data_unfit() -> None:
    report, finding = only(panel().filter(pl.col("ts") != DAYS[40]))
    assert (finding.kind, finding.day, finding.severity) == ("missing session", DAYS[40], "error")
    assert "sessions of the exchange are missing" in report.unfit[0]


def test_a_day_on_which_the_exchange_was_closed_is_named() -> None:
    good_friday = date(2021, 4, 2)
    copies = panel().filter(pl.col("ts") == date(2021, 4, 1)).with_columns(ts=pl.lit(good_friday))
    report, finding = only(pl.concat([panel(), copies]).sort("symbol", "ts"))
    assert (finding.kind, finding.day) == ("closed day", good_friday)
    assert len(report.unfit) == 1


def test_bars_that_repeat_themselves_are_copies() -> None:
    copied = walk("STALE", 9).with_columns(
        pl.when(pl.int_range(pl.len()).is_between(30, 37))
        .then(pl.col(name).get(30))
        .otherwise(name)
        .alias(name)
        for name in ("open", "high", "low", "close", "volume")
    )
    _, finding = only(panel(copied))
    assert (finding.kind, finding.symbol, finding.day, finding.count) == ("copied bars", "STALE", DAYS[30], 8)


def test_a_symbol_that_stops_is_delisted_or_stale() -> None:
    _, finding = only(panel(walk("GONE", 9).head(len(DAYS) - 20)))
    assert (finding.kind, finding.symbol, finding.day, finding.count) == ("ended", "GONE", DAYS[-21], 20)


@pytest.mark.parametrize(("silent", "severity"), [(3, "note"), (100, "warning")])
def test_bars_with_volume_0_are_counted(silent: int, severity: str) -> None:
    quiet = walk("THIN", 9).with_columns(
        volume=pl.when(pl.int_range(pl.len()) < silent).then(0.0).otherwise("volume")
    )
    _, finding = only(panel(quiet))
    assert (finding.kind, finding.count, finding.severity) == ("no volume", silent, severity)


def test_many_symbols_of_which_none_ever_ends_are_survivors() -> None:
    many = panel(names=[*(f"S{n:03}" for n in range(180)), "SPY"])
    _, finding = only(many)
    assert finding.kind == "survivorship"
    one_gone = many.filter((pl.col("symbol") != "S000") | (pl.col("ts") < DAYS[-1]))
    assert check_bars(one_gone).findings == ()


def test_a_market_without_spy_gets_a_note_and_is_fit() -> None:
    report, finding = only(panel().filter(pl.col("symbol") != "SPY"))
    assert (finding.kind, finding.severity, report.unfit) == ("no benchmark", "note", ())


@pytest.mark.parametrize(("count", "fit"), [(1, False), (0, True)])
def test_impossible_rows_and_duplicates_over_a_tenth_of_a_percent_make_the_data_unfit(
    count: int, fit: bool
) -> None:
    left_out = [
        LeftOut("high below low", count, "AAA", "2021-03-01"),
        LeftOut("there twice", count, "BBB", "2021-03-02", "duplicate"),
        LeftOut("outside regular hours", 500, "BBB", "2021-03-02", "unused"),
    ]
    report = check_bars(panel(), left_out=[rows for rows in left_out if rows.count])
    kinds = [finding.kind for finding in report.findings]
    assert kinds == (["source"] if fit else ["impossible", "duplicate", "source"])
    assert len(report.unfit) == (0 if fit else 2)


def test_the_warm_up_is_that_of_the_slowest_feature() -> None:
    features = [("change", CLOSE / CLOSE.shift(1)), ("sma_50", CLOSE.rolling_mean(50))]
    assert bars_needed(features) == {"change": 2, "sma_50": 50}
    report = check_bars(panel(walk("NEW", 9).tail(49)), features=features)
    assert report.warm_up is not None
    assert (report.warm_up.bars, report.warm_up.feature) == (50, "sma_50")
    assert (report.warm_up.alive, report.warm_up.filled) == (5, 4)
    assert [finding.kind for finding in report.findings] == ["warm-up"]


def test_a_feature_that_never_has_a_value_is_an_error() -> None:
    report = check_bars(panel(), features=[("slow", CLOSE.rolling_mean(300))])
    (finding,) = report.findings
    assert (finding.kind, finding.severity) == ("warm-up", "error")
    assert "slow" in finding.text


def test_no_bars_at_all_are_refused() -> None:
    with pytest.raises(DataError, match="fetch bars"):
        check_bars(panel().clear())

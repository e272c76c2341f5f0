"""The check of market data: splits, other securities, bad prints and jumps, told from each other."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from momentum.market.quality.check import check_bars
from momentum.market.quality.thresholds import SPLIT_RATIOS
from quality_builders import DAYS, found, only, panel, scaled, split, walk

AT = 60


def test_a_calm_market_has_no_finding_and_is_fit() -> None:
    report = check_bars(panel())
    assert report.findings == ()
    assert report.unfit == ()


def test_an_unadjusted_split_is_named_with_its_ratio_and_day() -> None:
    _, finding = only(panel(split(walk("CF", 9, price=300.0), AT, 1, 5)))
    assert (finding.kind, finding.symbol, finding.day) == ("split", "CF", DAYS[AT])
    assert finding.text.startswith("looks like an unadjusted 1 to 5 split")


def test_a_reverse_split_is_named_the_other_way_round() -> None:
    _, finding = only(panel(split(walk("ABC", 9, price=2.0), AT, 10, 1)))
    assert finding.text.startswith("looks like an unadjusted 10 to 1 split")


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 10_000),
    ratio=st.sampled_from(SPLIT_RATIOS),
    reverse=st.booleans(),
    at=st.integers(10, len(DAYS) - 2),
)
def test_a_split_of_any_usual_ratio_is_found_wherever_it_is(
    seed: int, ratio: tuple[int, int], reverse: bool, at: int
) -> None:
    old, new = ratio[::-1] if reverse else ratio
    calm = walk("CF", seed, price=20.0 if reverse else 400.0)
    assert found(panel(calm), "split") == []
    (finding,) = found(panel(split(calm, at, old, new)), "split")
    assert (finding.symbol, finding.day) == ("CF", DAYS[at])
    assert f" {old} to {new} split" in finding.text


def test_a_fall_of_half_on_a_burst_of_volume_is_a_jump_and_no_split() -> None:
    news = scaled(scaled(walk("BIO", 9), AT, price=0.5), AT, AT + 2, volume=40)
    _, finding = only(panel(scaled(news, AT + 2, AT + 8, volume=6)))
    assert (finding.kind, finding.severity, finding.day) == ("jump", "note", DAYS[AT])


def test_a_jump_within_the_day_is_no_split_whatever_its_ratio() -> None:
    fallen = split(walk("BIO", 9), AT, 1, 2).with_columns(
        open=pl.when(pl.col("ts") == DAYS[AT]).then(pl.col("open") * 2).otherwise("open"),
        high=pl.when(pl.col("ts") == DAYS[AT]).then(pl.col("high") * 2).otherwise("high"),
    )
    _, finding = only(panel(fallen))
    assert finding.kind == "jump"


def test_a_crash_of_many_symbols_on_one_day_is_no_split() -> None:
    crash = [split(walk(f"OIL{n}", 20 + n), AT, 2, 3) for n in range(6)]
    report = check_bars(panel(*crash))
    assert {finding.kind for finding in report.findings} == {"jump"}


def test_one_bar_of_a_preferred_share_is_another_security() -> None:
    _, finding = only(panel(scaled(walk("VNO", 9, price=96.0), AT, AT + 1, price=0.25, volume=0.01)))
    assert (finding.kind, finding.symbol, finding.day) == ("other security", "VNO", DAYS[AT])
    assert "for 1 bar" in finding.text


def test_a_price_that_is_driven_up_within_a_day_and_falls_again_is_two_jumps() -> None:
    driven = scaled(walk("KBSF", 9), AT, AT + 1, price=2.5, volume=20).with_columns(
        pl.when(pl.col("ts") == DAYS[AT]).then(pl.col(name) / 2.5).otherwise(name).alias(name)
        for name in ("open", "low")
    )
    report = check_bars(panel(driven))
    assert [(finding.kind, finding.day) for finding in report.findings] == [
        ("jump", DAYS[AT]),
        ("jump", DAYS[AT + 1]),
    ]


def test_a_ticker_that_goes_over_for_good_is_another_security_though_the_price_fits_a_split() -> None:
    _, finding = only(panel(scaled(walk("NEE", 9, price=125.0), AT, price=0.2, volume=0.2)))
    assert (finding.kind, finding.day) == ("other security", DAYS[AT])
    assert "from here on" in finding.text


def test_two_securities_that_take_turns_are_told_once() -> None:
    turns = walk("TCO", 9, price=70.0)
    for first in (20, 60, 100):
        turns = scaled(turns, first, first + 15, price=0.36, volume=0.01)
    _, finding = only(panel(turns))
    assert (finding.kind, finding.day, finding.count) == ("other security", DAYS[20], 6)


def test_another_company_after_a_long_gap_is_another_security() -> None:
    old = scaled(walk("HERO", 9), AT, price=0.3)
    report = check_bars(panel(pl.concat([old.head(AT - 30), old.tail(len(DAYS) - AT)])))
    other, gap = report.findings
    assert (other.kind, other.day) == ("other security", DAYS[AT])
    assert (gap.kind, gap.count) == ("gap", 30)


def test_a_price_whose_decimal_point_slipped_is_a_spike() -> None:
    _, finding = only(panel(scaled(walk("SHAK", 9), AT, AT + 1, price=0.1)))
    assert (finding.kind, finding.symbol, finding.day) == ("spike", "SHAK", DAYS[AT])


def test_bars_before_a_listing_are_not_the_companys() -> None:
    early = scaled(walk("SHOP", 9, price=25.0), 0, 2, price=16.0, volume=0.0)
    _, finding = only(panel(early.with_columns(volume=pl.col("volume").clip(1))))
    assert (finding.kind, finding.day) == ("other security", DAYS[2])


@pytest.mark.parametrize("price", [0.05, 0.2])
def test_moves_of_cents_are_not_told(price: float) -> None:
    assert check_bars(panel(scaled(walk("PNY", 9, price=price), AT, price=1.6, volume=30))).findings == ()

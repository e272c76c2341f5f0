"""The sample market lies in its stated ranges, as real ones do, and docs/sample-market.md tells what is computed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from make_sample_market import PAGE, PICTURES, beside, known_real, page_with, tables
from market_portraits import (
    CLASSES,
    EVENING,
    MARKS,
    SEEDS,
    Portrait,
    real_market,
    sample_days,
    sample_market,
    sample_minutes,
)
from market_statistics import DAILY, INTRADAY, Statistic

EVERY_DAILY = pytest.mark.parametrize("statistic", DAILY, ids=lambda statistic: statistic.key)
EVERY_INTRADAY = pytest.mark.parametrize("statistic", INTRADAY, ids=lambda statistic: statistic.key)
BARS = ("1 minute", "5 minutes")


@cache
def days(seed: int) -> dict[str, Portrait]:
    return sample_days(seed)


@cache
def minutes() -> dict[str, Portrait]:
    return sample_minutes(SEEDS[0])


def outside(statistic: Statistic, portraits: Mapping[str, Portrait]) -> dict[str, float]:
    """The figures that leave the statistic's range, by whose they are."""
    figures = {whose: portrait["figures"][statistic.key] for whose, portrait in portraits.items()}
    return {whose: at for whose, at in figures.items() if not statistic.low <= at <= statistic.high}


@EVERY_DAILY
@pytest.mark.parametrize("seed", SEEDS)
def test_the_samples_days_lie_in_their_ranges(statistic: Statistic, seed: int) -> None:
    assert not outside(statistic, days(seed))


@EVERY_DAILY
@pytest.mark.parametrize("cap", CLASSES)
def test_the_ranges_of_days_hold_what_is_real(statistic: Statistic, cap: str) -> None:
    assert not outside(statistic, known_real()["daily"][cap])


@EVERY_INTRADAY
def test_the_samples_minutes_and_the_real_ones_lie_in_their_ranges(statistic: Statistic) -> None:
    assert not outside(statistic, minutes())
    assert not outside(statistic, known_real()["intraday"])


def test_volume_arrives_along_the_real_curve() -> None:
    ours, real = (found["1 minute"]["curves"]["volume"] for found in (minutes(), known_real()["intraday"]))
    assert len(ours) == len(MARKS)
    assert max(abs(one - other) for one, other in zip(ours, real, strict=True)) < 0.015


@pytest.mark.parametrize("bars", BARS)
def test_bars_widen_and_narrow_through_the_day_as_real_ones_do(bars: str) -> None:
    ours, real = (found[bars]["curves"]["widths"] for found in (minutes(), known_real()["intraday"]))
    assert max(abs(one - other) for one, other in zip(ours, real, strict=True)) < 0.4


def test_a_breakout_pays_in_no_class_under_every_seed() -> None:
    for cap in CLASSES:
        assert min(days(seed)[cap]["figures"]["followed"] for seed in SEEDS) < 0, cap


@pytest.mark.parametrize("seed", SEEDS)
def test_the_market_falls_by_a_tenth_or_so_and_does_not_crash(seed: int) -> None:
    close = sample_market(seed).daily(["SPY"], EVENING, 10_000)["close"]
    deepest = (close / close.cum_max() - 1).min()
    assert -0.13 < deepest < -0.07  # type: ignore[operator]


def test_the_page_tells_what_the_statistics_say() -> None:
    page = PAGE.read_text(encoding="utf-8")
    made = page_with(page, tables({seed: days(seed) for seed in SEEDS}, minutes(), known_real()))
    assert page == made, "docs/sample-market.md is not of this market: run python docs/make_sample_market.py"
    assert page.count("seed 7 beside the real |") == len(CLASSES) + len(BARS)


def test_the_page_shows_pictures_that_are_there_and_small() -> None:
    shown = re.findall(r"!\[[^]]+\]\(img/([^)]+)\)", PAGE.read_text(encoding="utf-8"))
    assert sorted(shown) == sorted(path.name for path in PICTURES.glob("sample-*.png"))
    assert len(shown) == 6
    for name in shown:
        content = (PICTURES / name).read_bytes()
        assert content.startswith(b"\x89PNG")
        assert len(content) < 100_000, name


@pytest.mark.parametrize(
    ("figure", "real", "said"),
    [
        (0.2, [0.1, 0.3], "within"),
        (0.45, [0.1, 0.3], "50 % above"),
        (0.05, [0.1, 0.3], "50 % below"),
        (0.3004, [0.1, 0.3], "alike"),
        (0.01, [-0.05, -0.02], "0.03 above"),
    ],
)
def test_a_figure_is_set_beside_the_nearest_real_one(figure: float, real: list[float], said: str) -> None:
    assert beside(figure, real, Statistic("any", "any", -1, 1, lambda _: figure)) == said


def test_the_real_figures_are_those_of_the_real_data(real_data: Path) -> None:
    found, kept = dict(flat(real_market(real_data))), dict(flat(known_real()))
    assert found.keys() == kept.keys()
    for name, figure in kept.items():
        assert found[name] == pytest.approx(figure, rel=1e-4, abs=1e-6), name


def flat(value: Any, name: str = "") -> Iterator[tuple[str, float]]:
    """Every number of nested mappings and lists, with its way there."""
    if isinstance(value, int | float):
        yield name, value
        return
    for key, part in value.items() if isinstance(value, Mapping) else enumerate(value):
        yield from flat(part, f"{name}/{key}")

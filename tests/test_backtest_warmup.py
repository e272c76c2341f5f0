"""How many bars features need before they settle, and what is said where the data has fewer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from momentum.backtest.run import backtest, chosen_sessions
from momentum.backtest.survivorship import SPAN, survivorship
from momentum.backtest.warmup import Need, needs_of, unsettled_note, warm_up
from momentum.market.lookahead import trial_bars
from momentum.market.universe import Universe
from momentum.model.market import Session, Sessions
from momentum_plugins import indicators
from trust_builders import market, moving_market, trusted
from workspace_builders import momentum, sessions, workspace

CLOSE = pl.col("close")
BARS = trial_bars("A", 300)
SMOOTH = CLOSE.ewm_mean(alpha=0.1, adjust=False)


@pytest.mark.parametrize(
    ("expression", "first", "settled"),
    [
        (CLOSE, 1, 1),
        (CLOSE.shift(3), 4, 4),
        (CLOSE.rolling_mean(20), 20, 20),
        (pl.lit(1.0), 1, 1),
        (CLOSE.cum_sum(), 1, None),
        (CLOSE.first(), 1, None),
        (CLOSE.shift(400), None, None),
        (CLOSE > CLOSE.shift(1), 2, 2),
    ],
)
def test_what_a_feature_needs(expression: pl.Expr, first: int | None, settled: int | None) -> None:
    assert needs_of([("x", expression)], BARS) == (Need("x", first, settled),)


def test_an_average_that_forgets_slowly_settles_when_what_it_forgot_is_a_millionth() -> None:
    (need,) = needs_of([("smooth", SMOOTH)], BARS)
    assert need.first == 1 and need.moves
    assert need.settled is not None and 100 < need.settled < 150  # 0.9 ** 131 is a millionth
    short = BARS.tail(need.settled).select(SMOOTH).to_series()[-1]
    assert short == pytest.approx(BARS.select(SMOOTH).to_series()[-1], rel=1e-6)


def test_features_that_move_before_they_settle_are_noted_where_too_few_sessions_come_before() -> None:
    features = [("sma_20", CLOSE.rolling_mean(20)), ("smooth", SMOOTH), ("total", CLOSE.cum_sum())]
    note = unsettled_note(features, 10)
    assert note is not None
    assert note.startswith(
        "not settled at the first session: smooth, total (total needs more than 252 bars, "
    )
    assert "the data has 10 sessions before it" in note
    assert unsettled_note(features, 252) is None
    assert unsettled_note(features[:1], 0) is None
    assert unsettled_note(features[:2], 200) is None
    assert unsettled_note([], 0) is None


def test_every_built_in_feature_settles_within_the_year_that_a_scan_looks_back_on() -> None:
    features = [(name, build()) for name, build in indicators.momentum_features().items()]
    assert [need.feature for need in needs_of(features, trial_bars("A", 252)) if need.settled is None] == []


def test_the_longest_histories_are_tried_and_the_sessions_before_the_span_counted(tmp_path: Path) -> None:
    data = market(moving_market(tmp_path))
    features = [("sma_20", CLOSE.rolling_mean(20)), ("last", CLOSE)]
    start = sessions()[12]
    found = warm_up(features, data, Universe.everything(), chosen_sessions(data, start, None))
    assert (found.symbols, found.tried) == (("AAA", "BBB", "CCC"), 60)
    assert (found.before, found.start) == (12, start)
    assert found.needs == (Need("sma_20", 20, 20), Need("last", 1, 1))
    assert [need.feature for need in found.unsettled] == ["sma_20"]


def test_a_backtest_notes_what_is_not_settled_and_the_check_says_it_of_every_feature(tmp_path: Path) -> None:
    bars = moving_market(tmp_path)
    work = workspace(tmp_path / "work")
    result = backtest(trusted(work), market(bars), Universe.everything())
    (note,) = (note for note in result.notes if "settled" in note)
    assert note.startswith("not settled at the first session: rsi_14 (rsi_14 needs about ")
    words = ("backtest", "-C", work, "--data", bars, "--strategy", "trusted", "--set", "universe=all")
    run = momentum(*words, "--check-warmup")
    assert run.code == 0, run.err
    assert "0 sessions of the data before 2026-03-02: not enough for 3 of 3 features to settle" in run.out


def span(count: int) -> Sessions:
    opens = [datetime(2024, 1, 1, 14, 30, tzinfo=UTC) + timedelta(days=number) for number in range(count)]
    return Sessions(tuple(Session(at.date(), at, at + timedelta(hours=6.5)) for at in opens))


@pytest.mark.parametrize(
    ("length", "ends", "noted"),
    [
        (SPAN + 50, {"A": 0, "B": 0}, True),
        (SPAN + 50, {"A": 0, "B": 60}, False),
        (SPAN + 50, {"A": 0, "B": 3}, True),
        (SPAN, {"A": 0, "B": 0}, False),
        (SPAN + 50, {}, False),
    ],
)
def test_that_no_symbol_ends_is_noted_over_more_than_half_a_year(
    length: int, ends: dict[str, int], noted: bool
) -> None:
    days = span(length)
    last_bars = {symbol: days.days[-1 - before].day for symbol, before in ends.items()}
    note = survivorship(last_bars, days)
    assert (note is not None) == noted
    if note:
        assert note.startswith("the data holds no delisted symbol: all of its 2 symbols live to the end")

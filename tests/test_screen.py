"""The screen on small panels: what a rule, an unknown number and a plugin's fault make of a symbol."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from momentum.market.panel import Panel
from momentum.market.screen import Screen, readings, screen
from momentum.market.universe import Universe
from momentum.model.market import EarnedPoints, MarketContext
from momentum.model.portfolio import Position
from momentum.model.strategy import FeatureCall, Points, Rule
from momentum.rules.program import Program
from plugin_builders import LIMITS, compiled, plugin_file

FIRST = date(2026, 1, 5)
LAST = date(2026, 1, 7)

PEEK = """
    def raises(series): raise KeyError("no such thing")

    @hookimpl
    def momentum_features():
        return {
            "nextday": lambda: pl.col("close").map_batches(
                lambda s: raises(s) if len(s) else s, return_dtype=pl.Float64),
            "words": lambda: pl.col("close").map_batches(
                lambda s: pl.Series(["?"] * len(s)) if len(s) else s, return_dtype=pl.Float64),
            "twice": lambda: pl.col("close") * 2,
        }
"""


def panel(**closes: Sequence[float | None]) -> Panel:
    """Symbols with these closes; the last is that of the session, and a shorter row ends before it."""
    longest = max(map(len, closes.values()))
    rows = [
        {"symbol": symbol, "ts": LAST - timedelta(days=longest - 1 - number), "close": close}
        for symbol, row in closes.items()
        for number, close in enumerate(row)
    ]
    bars = pl.DataFrame(rows, schema={"symbol": pl.String, "ts": pl.Date, "close": pl.Float64})
    same = [pl.col("close").alias(name) for name in ("open", "high", "low")]
    bars = bars.with_columns(*same, volume=1000.0, day_fraction=1.0)
    return Panel(bars.sort("symbol", "ts"), LAST, tuple(sorted(closes)))


def screened(program: Program, shown: Panel, held: Sequence[str] = ()) -> Screen:
    return screen(program, shown, Universe.everything(), LIMITS, MarketContext(), held)


def position(symbol: str) -> Position:
    return Position(symbol, qty=10, entry_price=100.0, price=100.0)


def by_symbol(found: Screen, column: str) -> dict[str, Any]:
    return dict(found.frame.select("symbol", column).iter_rows())


def test_the_funnel_counts_who_passes_each_filter_and_all_before_it(tmp_path: Path) -> None:
    filters = [Rule("over 5", "close > 5"), Rule("under 20", "close < 20"), Rule("over 9", "close > 9")]
    found = screened(compiled(tmp_path, filters=filters), panel(A=[4], B=[8], C=[10], D=[30]))
    assert [(step.rule, step.passed) for step in found.funnel] == [
        ("over 5", 3),
        ("under 20", 2),
        ("over 9", 1),
    ]
    assert by_symbol(found, "rejected_by") == {"A": "over 5", "B": "over 9", "C": None, "D": "under 20"}
    assert [candidate.symbol for candidate in found.candidates] == ["C"]


def test_candidates_are_ranked_and_say_what_earned_their_points(tmp_path: Path) -> None:
    score = [
        Points("price", "close > 5", 2),
        Points("price", "close > 8", 3),
        Points("cheap", "close < 8", 1),
    ]
    program = compiled(tmp_path, score=score, buy_when="close > 8")
    first, second = screened(program, panel(A=[6], B=[9])).candidates
    assert (first.symbol, first.rank, first.score) == ("B", 1, 5)
    assert first.points == (EarnedPoints("price", 5), EarnedPoints("cheap", 0))
    assert (second.symbol, second.rank, second.score) == ("A", 2, 3)
    assert [candidate.columns["buy_when"] for candidate in (first, second)] == [True, False]


def test_a_candidates_columns_are_named_by_names_and_not_by_the_text_of_a_rule(tmp_path: Path) -> None:
    (candidate,) = screened(compiled(tmp_path, buy_when="close > 8"), panel(A=[9])).candidates
    assert "close > 8" not in candidate.columns


@pytest.mark.parametrize("name", ["no data", f"no bar on {LAST}", "no gap", "no "])
def test_no_name_of_a_filter_is_taken_for_missing_data(name: str, tmp_path: Path) -> None:
    filters = [Rule(name, "close > 5"), Rule("last", "close > 8")]
    program = compiled(tmp_path, filters=filters, reversal=[Points("low", "close < 5", 3)])
    shown = panel(GONE=[9, 9], LOW=[6, 6, 4], MID=[6, 6, 6], TOP=[9, 9, 9])
    shown = Panel(
        shown.bars.filter((pl.col("symbol") != "GONE") | (pl.col("ts") != LAST)), LAST, shown.members
    )
    found = screened(program, shown)
    assert [(step.rule, step.passed) for step in found.funnel] == [(name, 2), ("last", 1)]
    assert found.with_data == 3
    (low,) = readings(program, found, [position("LOW")])
    assert low.score == 3


def test_a_symbol_without_a_bar_of_the_session_is_no_candidate(tmp_path: Path) -> None:
    shown = panel(A=[9, 9], B=[9, 9])
    bars = shown.bars.filter((pl.col("symbol") != "A") | (pl.col("ts") < LAST))
    found = screened(compiled(tmp_path), Panel(bars, LAST, ("A", "B", "C")))
    assert by_symbol(found, "rejected_by") == {"A": f"no bar on {LAST}", "B": None, "C": "no data"}
    assert found.with_data == 1


def test_a_held_symbol_without_a_price_of_the_session_has_no_reading(tmp_path: Path) -> None:
    program = compiled(tmp_path, reversal=[Points("high", "close > 5", 2)])
    shown = panel(A=[9, 9], B=[9, 9], C=[9, None], D=[4, 4])
    shown = Panel(shown.bars.filter((pl.col("symbol") != "A") | (pl.col("ts") < LAST)), LAST, ("B",))
    found = screened(program, shown, held=["A", "B", "C", "D", "E"])
    signs = readings(program, found, [position(symbol) for symbol in "DCEBA"])
    assert [(sign.symbol, sign.score) for sign in signs] == [("B", 2), ("D", 0)]


def test_a_reading_shows_what_every_reversal_signal_earned(tmp_path: Path) -> None:
    reversal = [Points("high", "close > 5", 2), Points("high", "close > 8", 1), Points("low", "close < 5", 4)]
    program = compiled(tmp_path, reversal=reversal, exits=[Rule("out", "close < 10")])
    found = screened(program, panel(A=[9]))
    (sign,) = readings(program, found, [position("A")])
    earned = {name: value for name, value in sign.columns.items() if name.startswith("reversal:")}
    assert earned == {"reversal:high": 2, "reversal:high (2)": 1, "reversal:low": 0}
    assert sign.signals == (EarnedPoints("high", 3),)
    assert sign.columns["exit:out"] is True


def test_a_feature_that_cannot_be_computed_is_unknown_and_names_its_plugin(tmp_path: Path) -> None:
    mine = plugin_file(tmp_path, "peek", PEEK)
    program = compiled(
        tmp_path,
        signals=["rules", "momentum", mine],
        features=[FeatureCall("words", "words")],
        filters=[Rule("price", "close > 5 AND twice > 10")],
        score=[Points("tomorrow", "nextday > 1", 5), Points("today", "twice > 1", 2)],
    )
    assert program.failures == ()
    assert {name: program.origins[name] for name in ("nextday", "twice")} == {
        "nextday": "peek",
        "twice": "peek",
    }
    found = screened(program, panel(A=[9, 9], B=[4, 4]))
    words, nextday = found.failures
    assert words.startswith(
        "plugin peek (peek.py:11): feature words cannot be computed: expected output type"
    )
    assert nextday == "plugin peek (peek.py:9): feature nextday cannot be computed: KeyError: 'no such thing'"
    assert by_symbol(found, "nextday") == {"A": None, "B": None}
    assert by_symbol(found, "twice") == {"A": 18, "B": 8}
    assert [(candidate.symbol, candidate.score) for candidate in found.candidates] == [("A", 2)]


def test_nothing_fails_where_every_feature_can_be_computed(tmp_path: Path) -> None:
    program = compiled(tmp_path, filters=[Rule("up", "change > 0")])
    found = screened(program, panel(A=[8, 9]))
    assert found.failures == ()
    assert program.origins == {"change": "momentum"}
    assert math.isclose(by_symbol(found, "change")["A"], 1 / 8)

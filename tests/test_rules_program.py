"""A strategy compiles to features, columns, rules and an order; what is wrong is said by its place."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from momentum.model.strategy import FeatureCall, Points, Rule
from plugin_builders import compiled, messages, plugin_file


def feature(name: str, factory: str, scalar: object = None, **more: Any) -> FeatureCall:
    return FeatureCall(name, factory, scalar, **more)


def test_a_feature_without_parameters_needs_no_declaration(tmp_path: Path) -> None:
    program = compiled(
        tmp_path,
        columns=[("momentum_breakout", "gap_up > min_gap_up AND follow_through")],
        filters=[Rule("surge", "volume_surge >= 1.3"), Rule("breakout", "momentum_breakout OR breakout_5d")],
        reversal=[Points("distribution", "change <= -0.002 AND rvol > 1", 2)],
        rank="intraday_strength DESC",
    )
    assert messages(program) == []
    assert program.failures == ()
    names = {name for name, _ in program.features}
    assert names == {
        *("gap_up", "follow_through", "volume_surge", "breakout_5d", "change", "rvol", "intraday_strength")
    }
    assert program.types["breakout_5d"] == pl.Boolean
    assert program.types["gap_up"] == pl.Float64
    assert program.texts["gap_up"] == "gap_up()"


def test_only_the_features_that_are_named_are_computed(tmp_path: Path) -> None:
    program = compiled(tmp_path, filters=[Rule("price", "price > 5")])
    assert program.features == ()


def test_declared_features_take_a_scalar_keywords_and_a_lag(tmp_path: Path) -> None:
    program = compiled(
        tmp_path,
        signals=["rules", "momentum", "ta"],
        features=[
            feature("roc_10d", "roc", 10),
            feature("macd_diff_1", "macd_diff", keywords={"fast": 3, "slow": 6, "signal": 2}, lag=1),
            feature("stoch", "ta", "momentum.stoch", keywords={"window": 5}),
            feature("up_1", "follow_through", lag=1),
        ],
        filters=[Rule("all", "roc_10d > 0.03 AND macd_diff_1 < 0 AND stoch > 80 AND up_1")],
    )
    assert messages(program) == []
    assert [name for name, _ in program.features] == ["roc_10d", "macd_diff_1", "stoch", "up_1"]
    assert program.texts["roc_10d"] == "roc(10)"
    assert program.texts["macd_diff_1"] == "macd_diff(fast=3, slow=6, signal=2), 1 bar ago"
    assert program.texts["stoch"] == "ta(momentum.stoch, window=5)"
    assert program.types["up_1"] == pl.Boolean


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (feature("x", "rocc", 10), "unknown feature 'rocc'; did you mean 'roc'?"),
        (feature("x", "xyzzy"), "unknown feature 'xyzzy'"),
        (
            feature("x", "roc", keywords={"windw": 10}),
            "feature roc has no parameter 'windw'; did you mean 'window'?",
        ),
        (feature("x", "roc", keywords={"zzz": 1}), "feature roc has no parameter 'zzz'; it takes window"),
        (feature("x", "gap_up", 5), "feature gap_up takes no parameter"),
        (feature("x", "gap_up", keywords={"zzz": 1}), "feature gap_up has no parameter 'zzz'; it takes none"),
        (feature("x", "ta"), "feature ta: missing a required argument: 'indicator'"),
        (
            feature("x", "roc", 0),
            "feature roc of plugin momentum: a window is a whole number of bars",
        ),
        (feature("x", "roc", "10"), "a window is a whole number of bars, at least 1, not '10'"),
        (
            feature("x", "roc", 10, lag=-1),
            "feature roc: lag is a whole number of bars ago, from 0 on, not -1",
        ),
        (feature("x", "ta", "trend.kst"), "feature ta of plugin ta: trend.kst looks ahead"),
        (
            feature("x", "ta", "momentum.stock"),
            "no indicator 'momentum.stock' in ta; did you mean 'momentum.stoch'?",
        ),
    ],
)
def test_a_feature_that_cannot_be_built_is_a_problem_at_its_place(
    call: FeatureCall, message: str, tmp_path: Path
) -> None:
    program = compiled(tmp_path, signals=["rules", "momentum", "ta"], features=[call])
    (found,) = messages(program)
    assert found.startswith("features.x: ")
    assert message in found
    assert program.features == ()


@pytest.mark.parametrize(
    "name",
    ["close", "price", "cap", "spy_change", "min_gap_up", "score", "ts", "member", "rejected_by", "buy_when"],
)
def test_a_taken_name_is_refused_for_features_and_columns(name: str, tmp_path: Path) -> None:
    program = compiled(tmp_path, features=[feature(name, "roc", 10)], columns=[(name, "open + 1")])
    taken = f"{name!r} is taken; choose another name"
    assert messages(program) == [f"features.{name}: {taken}", f"columns.{name}: {taken}"]


def test_two_of_one_name_are_refused(tmp_path: Path) -> None:
    program = compiled(
        tmp_path,
        features=[feature("x", "roc", 10), feature("x", "rsi", 14)],
        columns=[("x", "close"), ("y", "close"), ("y", "open")],
    )
    assert messages(program) == [
        "features.x: 'x' is taken; choose another name",
        "columns.x: 'x' is taken; choose another name",
        "columns.y: 'y' is taken; choose another name",
    ]


@pytest.mark.parametrize("name", ["", "10d", "roc 10", "position.pnl", "a-b", "filter:x"])
def test_what_is_no_name_is_refused(name: str, tmp_path: Path) -> None:
    program = compiled(tmp_path, features=[feature(name, "roc", 10)], columns=[(name, "close")])
    assert [problem.message for problem in program.problems] == [
        f"{name!r} is not a name; use letters, digits and _"
    ] * 2


def test_columns_may_use_those_before_them_and_none_after(tmp_path: Path) -> None:
    program = compiled(
        tmp_path,
        columns=[
            ("twice", "close * 2"),
            ("thrice", "twice + close"),
            ("early", "late + 1"),
            ("late", "close"),
        ],
    )
    assert messages(program) == ["columns.early: unknown column 'late'"]
    frame = pl.DataFrame({"close": [2.0]})
    for name, expression in program.columns[:2]:
        frame = frame.with_columns(expression.alias(name))
    assert frame["thrice"].to_list() == [6.0]


def test_a_column_may_take_the_place_of_a_feature_but_not_be_made_of_it(tmp_path: Path) -> None:
    replaced = compiled(
        tmp_path, columns=[("change", "close / open - 1")], filters=[Rule("up", "change > 0")]
    )
    assert messages(replaced) == []
    assert replaced.features == ()
    circular = compiled(tmp_path, columns=[("change", "change * 100")])
    assert messages(circular) == [
        "columns.change: names itself: change is also a feature; choose another name"
    ]


@pytest.mark.parametrize(
    ("parts", "found"),
    [
        ({"filters": [Rule("a", "open > 1"), Rule("b", "cloze")]}, "filters.1: unknown column 'cloze'; did you mean"),
        ({"score": [Points("p", "close", 1)]}, "score.0.when: is not a condition: its result is a number"),
        ({"reversal": [Points("p", "SUM(close) > 1", 1)]}, "reversal.0.when: SUM is not allowed"),
        ({"exits": [Rule("e", "close > 'x'")]}, "exits.signal.0: does not fit its columns"),
        ({"close_when": (Rule("c", "nosuch"),)}, "decide.close_when.0: unknown column 'nosuch'"),
        ({"buy_when": "close + 1"}, "decide.buy_when: is not a condition: its result is a number"),
        ({"rank": "scor DESC"}, "rank: unknown column 'scor'; did you mean 'score'?"),
        ({"rank": "cap DESC"}, "rank: cap is text; rank goes by numbers"),
        ({"columns": [("c", "close >")]}, "columns.c: cannot be read"),
        ({"filters": [Rule("f", "position.pnl > 0")]}, "filters.0: unknown column 'position.pnl'"),
        ({"score": [Points("p", "position.pnl > 0", 1)]}, "score.0.when: unknown column 'position.pnl'"),
        ({"columns": [("c", "position.pnl")]}, "columns.c: unknown column 'position.pnl'"),
        ({"buy_when": "position.pnl > 0"}, "decide.buy_when: unknown column 'position.pnl'"),
        ({"filters": [Rule("f", "score > 5")]}, "filters.0: unknown column 'score'"),
    ],
)  # fmt: skip
def test_a_wrong_rule_is_a_problem_at_its_place(parts: dict[str, Any], found: str, tmp_path: Path) -> None:
    (message,) = messages(compiled(tmp_path, **parts))
    assert message.startswith(found)


def test_the_position_is_known_where_a_held_one_is_judged(tmp_path: Path) -> None:
    program = compiled(
        tmp_path,
        reversal=[Points("loss", "position.pnl < 0 AND position.days > 3", 2)],
        exits=[Rule("fallen", "close < position.peak * 0.9")],
        close_when=(Rule("target", "position.pnl >= 0.15 OR close > position.entry_price * 2"),),
    )
    assert messages(program) == []
    assert [point.points for point in program.reversal] == [2.0]


def test_the_score_is_known_to_buy_when(tmp_path: Path) -> None:
    program = compiled(tmp_path, buy_when="score >= 12 AND gap_up > 0")
    assert messages(program) == []
    assert program.buy_when is not None
    assert program.buy_when.text == "score >= 12 AND gap_up > 0"


def test_all_that_is_wrong_is_found_at_once_and_the_rest_is_compiled(tmp_path: Path) -> None:
    program = compiled(
        tmp_path,
        features=[feature("x", "rocc", 10), feature("roc_10d", "roc", 10)],
        filters=[Rule("a", "nosuch > 1"), Rule("b", "roc_10d > 0")],
        score=[Points("c", "closed > 1", 1), Points("d", "roc_10d > 0.1", 3)],
        rank="nosuch",
    )
    assert len(messages(program)) == 4
    assert [name for name, _ in program.features] == ["roc_10d"]
    assert [rule.name for rule in program.filters] == ["b"]
    assert [(point.name, point.points) for point in program.score] == [("d", 3.0)]


def test_rules_of_one_name_keep_it_and_can_be_told_apart(tmp_path: Path) -> None:
    names = ["band", "band", "band (2)", "band"]
    program = compiled(tmp_path, score=[Points(name, f"close > {n}", n) for n, name in enumerate(names, 1)])
    assert [point.name for point in program.score] == names
    assert [point.points for point in program.score] == [1, 2, 3, 4]
    keys = [point.key for point in program.score]
    assert keys[:2] == ["band", "band (2)"]
    assert len(set(keys)) == 4


@pytest.mark.parametrize(
    ("declared", "section"),
    [
        ({"filters": [Rule("price", "close > 5")]}, "filters"),
        ({"score": [Points("price", "close > 5", 2)]}, "score"),
        ({"reversal": [Points("price", "close < 5", 2)]}, "reversal"),
    ],
)
def test_what_is_declared_must_be_served_by_a_plugin(
    declared: Mapping[str, Any], section: str, tmp_path: Path
) -> None:
    problem = f"{section}: is declared, but no plugin under plugins.signals serves it; add rules"
    assert messages(compiled(tmp_path, signals=["momentum", "ta"], **declared)) == [problem]
    assert messages(compiled(tmp_path, signals=["momentum", "rules"], **declared)) == []


def test_a_plugin_of_ones_own_may_serve_what_is_declared(tmp_path: Path) -> None:
    body = """
        @hookimpl
        def momentum_score(strategy): return [(p.name, p.when, 2 * p.points) for p in strategy.score]
    """
    score = [Points("price", "close > 5", 2), Points("size", "close > 9", 1)]
    program = compiled(tmp_path, signals=[plugin_file(tmp_path, "double", body)], score=score)
    assert messages(program) == []
    assert [point.points for point in program.score] == [4, 2]


def test_rules_of_a_plugin_that_failed_are_not_called_unserved(tmp_path: Path) -> None:
    body = "@hookimpl\ndef momentum_filter(strategy): 1 / 0"
    filters = [Rule("price", "close > 5")]
    program = compiled(tmp_path, signals=[plugin_file(tmp_path, "bad", body)], filters=filters)
    assert messages(program) == []
    assert len(program.failures) == 1

"""Signals of other people's plugins: plain tuples do, and what is wrong with one names plugin and rule."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from momentum.model.strategy import FeatureCall, Points, Rule
from plugin_builders import compiled, messages, plugin_file


def test_plain_tuples_are_rules_and_points(tmp_path: Path) -> None:
    body = """
        @hookimpl
        def momentum_filter():
            return [("liquid", "volume > 100000"), ("up", pl.col("close") > pl.col("open"))]

        @hookimpl
        def momentum_score(strategy):
            small = Points("small", "cap = 'small'", 0.5)
            return (("gap", "gap_up > 0.02"), ("big gap", pl.col("gap_up") > 0.05, 2), small)

        @hookimpl
        def momentum_reversal_signal(strategy):
            return [["loss", "position.pnl < -0.02", 3]]
    """
    program = compiled(
        tmp_path,
        signals=["rules", "momentum", plugin_file(tmp_path, "mine", body)],
        filters=[Rule("price", "price > 5")],
    )
    assert program.failures == ()
    assert messages(program) == []
    assert [(rule.name, rule.plugin) for rule in program.filters] == [
        ("price", "rules"),
        ("liquid", "mine"),
        ("up", "mine"),
    ]
    assert [(point.name, point.points) for point in program.score] == [
        ("gap", 1),
        ("big gap", 2),
        ("small", 0.5),
    ]
    assert program.reversal[0].text == "position.pnl < -0.02"
    assert "gap_up" in dict(program.features)


def test_signals_come_in_the_order_of_the_yaml(tmp_path: Path) -> None:
    mine = plugin_file(tmp_path, "mine", "@hookimpl\ndef momentum_filter(): return [('mine', 'close > 1')]")
    own = [Rule("own", "price > 5")]
    first = compiled(tmp_path, signals=[mine, "rules"], filters=own)
    last = compiled(tmp_path, signals=["rules", mine], filters=own)
    assert [rule.name for rule in first.filters] == ["mine", "own"]
    assert [rule.name for rule in last.filters] == ["own", "mine"]


@pytest.mark.parametrize(
    ("returned", "failure"),
    [
        (
            '[("price", "close + 1")]',
            "plugin bad (bad.py:4): rule 'price' is not a condition: its result is a number",
        ),
        ('[("price", pl.col("close"))]', "plugin bad (bad.py:4): rule 'price' is not a condition"),
        ('[("lag", pl.col("close").shift(1) > 1)]', "plugin bad (bad.py:4): rule 'lag' Shift is not allowed"),
        ('[("lost", "nosuch > 1")]', "plugin bad (bad.py:4): rule 'lost' unknown column 'nosuch'"),
        (
            '[("held", "position.pnl > 1")]',
            "plugin bad (bad.py:4): rule 'held' unknown column 'position.pnl'",
        ),
        (
            '[("none", None)]',
            "plugin bad (bad.py:4): rule 'none' must be SQL text or a polars expression, not NoneType",
        ),
        (
            '["close > 1"]',
            "plugin bad (bad.py:4): rule 'close > 1' must be (name, condition) or (name, condition, points)",
        ),
        ('[("a", "close > 1", 1, 2)]', "plugin bad (bad.py:4): rule 'a' must be (name, condition)"),
        (
            '[("a", "close > 1", "3")]',
            "plugin bad (bad.py:4): rule 'a' is worth '3', which is not a number of points",
        ),
        (
            '[("a", "close > 1", float("inf"))]',
            "plugin bad (bad.py:4): rule 'a' is worth inf, which is not a number of points",
        ),
        ('[("a", "close > 1", float("nan"))]', "plugin bad (bad.py:4): rule 'a' is worth nan"),
        ('[("a", "close > 1", True)]', "plugin bad (bad.py:4): rule 'a' is worth True"),
        ("[(5, 'close > 1')]", "plugin bad (bad.py:4): rule 5 must be (name, condition)"),
        ("[()]", "plugin bad (bad.py:4): rule () must be (name, condition)"),
        ("None", "plugin bad (bad.py:4): momentum_score must return a list"),
        ("'close > 1'", "plugin bad (bad.py:4): momentum_score must return a list"),
        ("5", "plugin bad (bad.py:4): momentum_score must return a list"),
        ("1 / 0", "plugin bad failed in momentum_score: ZeroDivisionError: division by zero (bad.py:5)"),
    ],
)
def test_a_signal_that_cannot_be_used_is_a_failure_that_names_plugin_and_rule(
    returned: str, failure: str, tmp_path: Path
) -> None:
    bad = plugin_file(tmp_path, "bad", f"\n@hookimpl\ndef momentum_score(strategy): return {returned}")
    good = plugin_file(tmp_path, "good", "@hookimpl\ndef momentum_score(): return [('good', 'close > 1')]")
    program = compiled(tmp_path, signals=["rules", bad, good], score=[Points("own", "close > 2", 2)])
    (found,) = program.failures
    assert found.startswith(failure)
    assert messages(program) == []
    assert [point.name for point in program.score] == ["own", "good"]


def test_the_right_rules_of_a_plugin_count_beside_its_wrong_one(tmp_path: Path) -> None:
    body = (
        "@hookimpl\ndef momentum_filter(): return [('a', 'close > 1'), ('b', 'nosuch'), ('c', 'close > 2')]"
    )
    program = compiled(tmp_path, signals=[plugin_file(tmp_path, "mixed", body)])
    assert [rule.name for rule in program.filters] == ["a", "c"]
    assert len(program.failures) == 1


def test_a_plugin_may_bring_features_for_the_yaml_and_for_its_own_rules(tmp_path: Path) -> None:
    body = """
        def spread(factor=1.0): return (pl.col("high") - pl.col("low")) * factor

        class Wide:
            def __call__(self, least): return pl.col("high") > pl.col("low") + least

        @hookimpl
        def momentum_features(): return {"spread": spread, "wide": Wide(), "bars": lambda: pl.int_range(pl.len())}

        @hookimpl
        def momentum_score(): return [("spread", "spread > 1"), ("new", "bars < 5")]
    """
    program = compiled(
        tmp_path,
        signals=["rules", plugin_file(tmp_path, "mine", body)],
        features=[FeatureCall("wide_2", "wide", 2.0), FeatureCall("spread_2", "spread", None, {"factor": 2})],
        filters=[Rule("wide", "wide_2 AND spread_2 > 1")],
    )
    assert program.failures == ()
    assert messages(program) == []
    assert program.types["bars"] == pl.Float64
    assert set(dict(program.features)) == {"wide_2", "spread_2", "spread", "bars"}


def test_a_feature_that_needs_a_parameter_is_unknown_until_declared(tmp_path: Path) -> None:
    body = "@hookimpl\ndef momentum_features(): return {'wide': lambda least: pl.col('high') > least}"
    program = compiled(
        tmp_path, signals=["rules", plugin_file(tmp_path, "mine", body)], filters=[Rule("wide", "wide")]
    )
    assert messages(program) == ["filters.0: unknown column 'wide'"]


def test_the_first_plugin_in_the_yaml_has_a_name_that_two_bring(tmp_path: Path) -> None:
    mine = plugin_file(
        tmp_path,
        "mine",
        "@hookimpl\ndef momentum_features(): return {'change': lambda: pl.col('close') * 0 + 7}",
    )
    frame = pl.DataFrame({"close": [1.0, 2.0]})
    own = [Rule("up", "change > 0")]
    first = dict(compiled(tmp_path, signals=["rules", mine, "momentum"], filters=own).features)
    second = dict(compiled(tmp_path, signals=["rules", "momentum", mine], filters=own).features)
    assert frame.select(first["change"].alias("x"))["x"].to_list() == [7.0, 7.0]
    assert frame.select(second["change"].alias("x"))["x"].to_list() == [None, 1.0]


@pytest.mark.parametrize(
    ("features", "failure"),
    [
        ("['roc']", "plugin bad (bad.py:3): momentum_features must return a mapping of names to factories"),
        (
            "{'roc 2': lambda: pl.col('close')}",
            "plugin bad (bad.py:3): feature 'roc 2' is not a named factory",
        ),
        ("{'roc2': pl.col('close')}", "plugin bad (bad.py:3): feature 'roc2' is not a named factory"),
        ("{5: lambda: pl.col('close')}", "plugin bad (bad.py:3): feature 5 is not a named factory"),
        ("{'most': max}", "plugin bad (bad.py:3): the parameters of feature most cannot be read"),
        ("1 / 0", "plugin bad failed in momentum_features: ZeroDivisionError"),
    ],
)
def test_features_that_cannot_be_used_are_a_failure(features: str, failure: str, tmp_path: Path) -> None:
    bad = plugin_file(tmp_path, "bad", f"@hookimpl\ndef momentum_features(): return {features}")
    program = compiled(tmp_path, signals=[bad, "rules", "momentum"], filters=[Rule("up", "change > 0")])
    (found,) = program.failures
    assert found.startswith(failure)
    assert [name for name, _ in program.features] == ["change"]


@pytest.mark.parametrize(
    ("built", "message"),
    [
        ("5", "feature f of plugin bad (bad.py:4) must return a polars expression, not int"),
        (
            "pl.col('vwap')",
            'feature f of plugin bad (bad.py:4) cannot be computed: unable to find column "vwap"',
        ),
        ("pl.col('open', 'close')", "feature f of plugin bad (bad.py:4) must be one column, not 2"),
        (
            "pl.col('close').implode()",
            "feature f of plugin bad (bad.py:4) must be numbers, true or false, or text, not List",
        ),
        ("1 / 0", "feature f of plugin bad: ZeroDivisionError: division by zero (bad.py:4)"),
        ("exit()", "feature f of plugin bad: SystemExit"),
        (
            "pl.col('close').map_batches(lambda s: {}['key'], return_dtype=pl.Float64)",
            "feature f of plugin bad (bad.py:4) cannot be computed: KeyError: 'key'",
        ),
    ],
)
def test_a_factory_that_builds_no_feature_is_a_problem(built: str, message: str, tmp_path: Path) -> None:
    body = f"def f(): return {built}\n@hookimpl\ndef momentum_features(): return {{'f': f}}"
    program = compiled(
        tmp_path,
        signals=["rules", plugin_file(tmp_path, "bad", "\n" + body)],
        features=[FeatureCall("mine", "f")],
    )
    (found,) = messages(program)
    assert found.startswith(f"features.mine: {message}")

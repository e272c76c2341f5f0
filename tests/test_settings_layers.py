"""Which value is in force, and where it comes from."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from momentum.model.strategy import Points, Rule
from momentum.settings.load import describe
from settings_builders import (
    PLAIN_STRATEGY,
    Change,
    finding,
    findings,
    loaded,
    origins,
    shipped,
    workspace,
)


def test_an_almost_empty_file_takes_every_default(tmp_path: Path) -> None:
    settings = loaded(workspace(tmp_path / "my desk", "mode: paper\n"))
    assert settings.name == "my_desk"
    assert settings.limits.max_positions == 6
    assert settings.limits.max_price_age == timedelta(minutes=15)
    assert settings.stops.retry_delay == timedelta(seconds=1)
    assert settings.limits.for_cap("small").thresholds["min_roc_10d"] == 0.05
    assert settings.strategy.decide.take_profit == 0.15
    assert origins(settings, "limits.max_positions", "mode") == {
        "limits.max_positions": "default",
        "mode": "momentum.yaml:1",
    }


def test_the_shipped_file_says_what_the_defaults_say(tmp_path: Path) -> None:
    stated = loaded(shipped(tmp_path / "shipped"))
    default = loaded(workspace(tmp_path / "bare", "mode: paper\n"))
    for part in ("mode", "limits", "stops", "monitor", "schedule", "timeouts", "plugins", "sections"):
        assert getattr(stated, part) == getattr(default, part), part
    assert stated.strategy.decide == replace(default.strategy.decide, buy_when="momentum_breakout")
    assert stated.strategy.exits == default.strategy.exits


def test_each_layer_wins_over_those_below_it(tmp_path: Path) -> None:
    desk = workspace(
        tmp_path,
        "strategy: mine\ndecide: {buy_score: 13, watch_score: 7}\n",
        mine=f"{PLAIN_STRATEGY}decide: {{buy_score: 11, watch_score: 6, take_profit: 20%}}\n",
    )
    changes = [Change("decide.buy_score", 14)]
    settings = loaded(desk, overrides=changes, sets=["decide.max_buys=1"])
    assert settings.strategy.decide.buy_score == 14
    assert settings.strategy.decide.watch_score == 7
    assert settings.strategy.decide.take_profit == 0.2
    keys = ("buy_score", "watch_score", "take_profit", "max_buys", "buy_when")
    assert origins(settings, *(f"decide.{key}" for key in keys)) == {
        "decide.buy_score": "override by ann",
        "decide.watch_score": "momentum.yaml:2",
        "decide.take_profit": "strategies/mine.yaml:2",
        "decide.max_buys": "--set",
        "decide.buy_when": "default",
    }
    flagged = loaded(desk, overrides=changes, sets=["decide.buy_score=15", "decide.buy_score=16"])
    assert flagged.strategy.decide.buy_score == 16


def test_values_are_shown_as_they_were_written(tmp_path: Path) -> None:
    text = (
        "limits: {max_exposure: 0.5, max_order: off}\n"
        "monitor: {every: 90m, alerts: no}\n"
        "schedule: {scans: {midday: 12:30}}\n"
    )
    settings = loaded(workspace(tmp_path, text), sets=["limits.position_size=500bps"])
    shown = {key: row["value"] for key, row in describe(settings).items()}
    assert shown["limits.max_exposure"] == 0.5
    assert shown["limits.position_size"] == "500bps"
    assert shown["limits.max_order"] is None
    assert shown["monitor.every"] == "90m"
    assert shown["monitor.alerts"] is False
    assert shown["schedule.scans.midday"] == "12:30"
    assert shown["stops.trailing"] == "5%"
    assert settings.limits.position_size == 0.05


def test_a_null_gives_a_key_back_to_its_default_but_off_is_a_value(tmp_path: Path) -> None:
    desk = workspace(
        tmp_path,
        "decide: {buy_score: null}\nmonitor:\nlimits: {max_order: 500}\n",
        momentum_breakout=f"{PLAIN_STRATEGY}decide: {{buy_score: 3, take_profit: 9%}}\n",
    )
    settings = loaded(desk, sets=["decide.take_profit=off", "limits.max_order=null"])
    assert settings.strategy.decide.buy_score == 12
    assert settings.strategy.decide.take_profit is None
    assert settings.limits.max_order is None
    assert settings.monitor.auto_close_threshold == 5


def test_a_strategy_extends_another(tmp_path: Path) -> None:
    desk = workspace(
        tmp_path,
        "strategy: child\n",
        base=(
            "features: {roc_10d: {roc: 10}, rsi: {rsi: 14}, stoch: {ta: momentum.stoch, window: 14}}\n"
            "filters: [price > 5, rvol > 1]\n"
            "score: [{points: 2, when: price > 9}]\n"
        ),
        middle="extends: base\nfeatures: {rsi: null}\nrank: price DESC\n",
        child="extends: middle\nfeatures: {stoch: {window: 20}}\nfilters: [{cheap: price < 9}]\n",
    )
    settings = loaded(desk)
    strategy = settings.strategy
    assert strategy.name == "child"
    assert [(call.name, call.factory, call.scalar, dict(call.keywords)) for call in strategy.features] == [
        ("roc_10d", "roc", 10, {}),
        ("stoch", "ta", "momentum.stoch", {"window": 20}),
    ]
    assert strategy.filters == (Rule("cheap", "price < 9"),)
    assert strategy.score == (Points("price > 9", "price > 9", 2.0),)
    assert origins(settings, "features.stoch.window", "features.stoch.ta", "rank") == {
        "features.stoch.window": "strategies/child.yaml:2",
        "features.stoch.ta": "strategies/base.yaml:1",
        "rank": "strategies/middle.yaml:3",
    }


@pytest.mark.parametrize(
    ("strategies", "expected"),
    [
        (
            {"momentum_breakout": "extends: other\n", "other": "extends: momentum_breakout\n"},
            (
                "strategies/other.yaml:1:10: extends: momentum_breakout extends other extends momentum_breakout: "
                "a circle; remove one `extends:`"
            ),
        ),
        (
            {"momentum_breakout": "rank: price DESC\nextends: momentum_breakot\n"},
            (
                "strategies/momentum_breakout.yaml:2:10: extends: there is no file strategies/momentum_breakot.yaml; "
                "did you mean 'momentum_breakout'?"
            ),
        ),
        (
            {"momentum_breakout": "extends: [a, b]\n"},
            "strategies/momentum_breakout.yaml:1:10: extends: must be the name of one strategy, not a list",
        ),
        (
            {"momentum_breakout": "extends: ../../secret\n"},
            (
                "strategies/momentum_breakout.yaml:1:10: extends: there is no file strategies/../../secret.yaml; "
                "known are momentum_breakout"
            ),
        ),
    ],
)
def test_extends_that_leads_nowhere_is_a_finding(
    strategies: dict[str, str], expected: str, tmp_path: Path
) -> None:
    assert finding(workspace(tmp_path, "mode: paper\n", **strategies)) == expected


def test_a_key_that_nobody_sets_follows_another(tmp_path: Path) -> None:
    text = "stops: {trailing: 7%}\nmonitor: {auto_close_threshold: 6}\n"
    settings = loaded(workspace(tmp_path, text), sets=["limits.max_buys_per_scan=1"])
    assert settings.strategy.exits.trailing_stop == 0.07
    assert settings.strategy.decide.close_reversal == 6
    assert settings.strategy.decide.max_buys == 1
    keys = ("exits.trailing_stop", "decide.close_reversal", "decide.max_buys")
    assert origins(settings, *keys) == {
        "exits.trailing_stop": "stops.trailing (momentum.yaml:1)",
        "decide.close_reversal": "monitor.auto_close_threshold (momentum.yaml:2)",
        "decide.max_buys": "limits.max_buys_per_scan (--set)",
    }
    own = loaded(workspace(tmp_path, f"{text}exits: {{trailing_stop: 4%}}\n"))
    assert (own.strategy.exits.trailing_stop, own.stops.trailing) == (0.04, 0.07)


def test_a_backtest_lays_its_section_over_the_workspace_and_ignores_changes_while_running(
    tmp_path: Path,
) -> None:
    desk = workspace(
        tmp_path,
        "limits: {max_exposure: 50%, max_positions: 5}\ncaps: {large: {max_positions: 1}}\n",
        momentum_breakout=(
            f"{PLAIN_STRATEGY}backtest:\n  cash: 5000\n  limits: {{max_exposure: 100%, max_positions: 4}}\n"
            "  decide: {take_profit: off}\n"
        ),
    )
    changes = [Change("limits.max_exposure", "20%")]
    live = loaded(desk, overrides=changes)
    assert (live.limits.max_exposure, live.backtest, live.strategy.decide.take_profit) == (0.2, None, 0.15)
    tested = loaded(desk, overrides=changes, for_backtest=True, sets=["limits.max_positions=3"])
    assert (tested.limits.max_exposure, tested.limits.max_positions) == (1.0, 3)
    assert tested.strategy.decide.take_profit is None
    assert tested.backtest is not None
    assert (tested.backtest.cash, tested.backtest.slippage) == (5000.0, 0.0005)
    assert tested.origins["limits.max_exposure"] == "strategies/momentum_breakout.yaml:4"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (Change("limits.max_positions", 9), "9 would widen the limit of 4 (momentum.yaml:1); it is not used"),
        (
            Change("limits.max_order", 900),
            "900 would widen the limit of 500 (momentum.yaml:1); it is not used",
        ),
        (Change("threshold", 11), "11 is over 10; it is not used"),
        (Change("monitor.alerts", "perhaps"), "must be on or off, not perhaps; it is not used"),
        (
            Change("mode", "live"),
            "cannot be changed while running; change it in momentum.yaml; it is not used",
        ),
        (
            Change("monitor.alert", False),
            "there is no such setting; did you mean 'monitor.alerts'?; it is not used",
        ),
    ],
)
def test_a_change_while_running_that_cannot_be_used_is_told_and_the_files_hold(
    change: Change, expected: str, tmp_path: Path
) -> None:
    desk = workspace(tmp_path, "limits: {max_positions: 4, max_order: 500}\n")
    settings = loaded(desk, overrides=[change])
    assert expected in [warning.message for warning in settings.warnings]
    assert settings.limits.max_positions == 4
    assert settings.limits.max_order == 500


def test_changes_while_running_may_tighten_and_take_short_names(tmp_path: Path) -> None:
    desk = workspace(tmp_path, "limits: {max_positions: 6}\n")
    changes = [Change("autoclose", "off"), Change("threshold", 4), Change("limits.max_order", 100)]
    settings = loaded(desk, overrides=changes)
    assert (settings.monitor.auto_close, settings.monitor.auto_close_threshold) == (False, 4)
    assert settings.limits.max_order == 100
    assert settings.origins["monitor.auto_close"] == "override by ann"


def test_flags_that_cannot_be_read_are_findings(tmp_path: Path) -> None:
    desk = workspace(tmp_path, "mode: paper\n")
    assert findings(desk, sets=["limits", "a..b=1", "limits.max_positions=[1", "universe=*x"]) == [
        "--set: 'limits' is not KEY=VALUE, like limits.max_positions=4",
        "--set: 'a..b=1' is not KEY=VALUE, like limits.max_positions=4",
        "--set: limits.max_positions: this [ is never closed, or a comma is missing in it",
        "--set: universe: *x refers to nothing: there is no &x above",
    ]


def test_a_flag_may_hold_any_yaml(tmp_path: Path) -> None:
    desk = workspace(tmp_path, "mode: paper\n")
    settings = loaded(desk, sets=["filters=[price > 5, {liquid: volume > 1}]", "score=[]", "mode=", "name=x"])
    assert settings.strategy.filters == (Rule("price > 5", "price > 5"), Rule("liquid", "volume > 1"))
    assert (settings.mode, settings.name) == ("paper", "x")


def test_data_is_short_for_the_files_plugin_on_that_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = loaded(workspace(tmp_path / "desk", "mode: paper\n"), data=Path("bars.parquet"))
    assert settings.plugins["data"] == ("files",)
    assert settings.sections["files"]["path"] == str(tmp_path / "bars.parquet")
    assert settings.universe is None
    assert settings.origins["universe"] == "--data"

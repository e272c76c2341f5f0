"""What is wrong with settings: each mistake one line, at its place, all in one go."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from momentum.errors import SettingsError
from momentum.host.registry import Host
from momentum.model.strategy import Limits, Strategy
from momentum.rules.problem import Problem
from momentum.settings.load import load
from settings_builders import finding, findings, loaded, replaced, shipped, workspace


def test_the_shipped_workspace_has_no_findings(tmp_path: Path) -> None:
    assert load(shipped(tmp_path)).warnings == ()


MISTAKES = [
    ("mode: paper ", "mode: papr ", "7: mode: 'papr' is none of paper, live; did you mean 'paper'?"),
    ("data: sample ", "data: sampel ", "9: plugins.data: no plugin named 'sampel'; did you mean 'sample'?"),
    ("momentum, ta]", "momentum, tta]", "30: plugins.signals: no plugin named 'tta'; did you mean 'ta'?"),
    ("data: sample ", "data: paper ", "9: plugins.data: plugin paper cannot serve under data: "),
    ("[console]", "console", "11: plugins.notify: must be a list, not console"),
    ("position_size: 10%", "position_size: 0%", "18: limits.position_size: 0% must be over 0%"),
    ("max_exposure: 60%", "max_exposure: 130%", "17: limits.max_exposure: 130% is over 100%"),
    ("max_exposure: 60%", "max_exposure: 1.3", "17: limits.max_exposure: 1.3 is over 100%"),
    (
        "max_exposure: 60%",
        "max_exposure: lots",
        "17: limits.max_exposure: 'lots' is not a percent; write 10%",
    ),
    (
        "max_exposure: 60%",
        "max_exposre: 60%",
        "3: limits.max_exposre: unknown key 'max_exposre'; did you mean",
    ),
    ("max_exposure: 60%", "max_exposure: [1]", "17: limits.max_exposure: must be a number, not a list"),
    (
        "  max_positions: 6",
        "  max_positions: 6.5",
        "18: limits.max_positions: must be a whole number, not 6.5",
    ),
    ("max_order: off", "max_order: .nan", "14: limits.max_order: .nan is not a number that can be used"),
    ("slots: at_plan", "slots: at_once", "10: limits.slots: 'at_once' is none of at_plan, at_fill"),
    ("max_price_age: 15m", "max_price_age: 0s", "18: limits.max_price_age: 0ms is under 1s"),
    (
        "add_to_positions: off",
        "add_to_positions: maybe",
        "21: limits.add_to_positions: must be on or off, not maybe",
    ),
    ("trailing: 5%", "trailing: 0", "13: stops.trailing: 0 must be over 0%"),
    ("every: 30m", "every: 30", "10: monitor.every: '30' is not a duration; write 30m, 1s, 2h or 90d"),
    ("auto_close_threshold: 5", "auto_close_threshold: 2", "25: monitor.auto_close_threshold: 2 is under 3"),
    (
        "open: 09:35",
        "open: 09:29",
        "11: schedule.scans.open: 09:29 is outside the session, 09:30 to 16:00 New York",
    ),
    ("open: 09:35", "open: open-5m", "11: schedule.scans.open: open-5m is outside the session"),
    ("close: 15:30", "close: close+1m", "12: schedule.scans.close: close+1m is outside the session"),
    (
        "open: 09:35",
        "open: 25:00",
        "11: schedule.scans.open: '25:00' is not a time; write 09:35, open+5m or close-30m",
    ),
    ("seed: 7", "api_key: 7", "3: sample.api_key: a secret does not belong in YAML; put it in .env"),
    ("cash: 100000", "cash: -1", "9: paper.cash: -1 must be over 0"),
    ("cash: 100000", "csh: 100000", "3: paper.csh: unknown key 'csh'; did you mean 'cash'?"),
    (
        "ledger: sqlite:///",
        "ledger: mysql:///",
        "9: ledger: 'mysql:///data/ledger.db' is not the address of a ledger",
    ),
    (
        "strategy: momentum_breakout ",
        "strategy: momentum_brakeout ",
        "11: strategy: there is no file strategies/",
    ),
    ("monitor:\n", "monitr:\n", "1: monitr: unknown key 'monitr'; did you mean 'monitor'?"),
]


@pytest.mark.parametrize(("old", "new", "expected"), MISTAKES, ids=[new.strip() for _, new, _ in MISTAKES])
def test_a_mistake_is_one_line_at_its_place(old: str, new: str, expected: str, tmp_path: Path) -> None:
    line = replaced(shipped(tmp_path), old, new)
    assert finding(tmp_path).startswith(f"momentum.yaml:{line}:{expected}")


def test_six_mistakes_are_six_lines(tmp_path: Path) -> None:
    desk = shipped(tmp_path)
    for old, new in [
        ("mode: paper ", "mode: papr "),
        ("data: sample ", "data: sampel "),
        ("max_exposure: 60%", "max_exposure: 130%"),
        ("every: 30m", "every: 30"),
        ("open: 09:35", "open: 08:35"),
    ]:
        replaced(desk, old, new)
    replaced(desk, "rank: score DESC,", "rank: scor DESC,", "strategies/momentum_breakout.yaml")
    with pytest.raises(SettingsError) as caught:
        load(desk)
    places = [str(found).split(": ")[:2] for found in caught.value.findings]
    assert [key for _, key in places] == [
        "mode",
        "plugins.data",
        "limits.max_exposure",
        "monitor.every",
        "schedule.scans.open",
        "rank",
    ]
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "when: close > sma_20,",
            "when: close > sma_2,",
            "score[9].when: unknown column 'sma_2'; did you mean",
        ),
        ("price > 5", "price + 5", "filters[0]: is not a condition"),
        (
            "roc_10d: {roc: 10}",
            "roc_10d: {rox: 10}",
            "features.roc_10d: unknown feature 'rox'; did you mean 'roc'?",
        ),
        ("roc_10d DESC", "roc_10d DOWN", "rank: 'roc_10d DOWN' is not `COLUMN ASC` or `COLUMN DESC`"),
        (
            "roc_10d: {roc: 10}",
            "roc_10d: {lag: 1}",
            "features.roc_10d: names no feature; write {feature: parameter}",
        ),
        ("{points: 2, when: close < low_1,", "{points: 2,", "reversal[1]: misses when"),
        (
            "{points: 2, when: close < low_1,",
            "{points: x, when: close < low_1,",
            "reversal[1].points: must be a number",
        ),
        ("  atr_14:", "  atr-14:", "features.atr-14: atr-14 is not a name that a rule could use"),
    ],
)
def test_a_mistake_in_a_strategy_is_one_line_at_its_place(
    old: str, new: str, expected: str, tmp_path: Path
) -> None:
    file = "strategies/momentum_breakout.yaml"
    line = replaced(shipped(tmp_path), old, new, file)
    with pytest.raises(SettingsError) as caught:
        load(tmp_path)
    (found,) = caught.value.findings
    assert (found.where, found.line) == (file, line)
    assert f"{found.key}: {found.message}".startswith(expected)


def test_rules_are_checked_with_the_strategy_in_force_and_placed_where_they_are_written(
    tmp_path: Path,
) -> None:
    seen: list[Strategy] = []

    def check(strategy: Strategy, host: Host, limits: Limits) -> Sequence[Problem]:
        seen.append(strategy)
        return [Problem(("filters", 1), "is odd\nindeed"), Problem(("features", "rvol"), "is not there")]

    desk = workspace(tmp_path, "decide: {buy_score: 9}\nfilters:\n  - price > 5\n  - odd: a > b\n")
    assert findings(desk, rule_check=check) == [
        "momentum.yaml: features.rvol: is not there",
        "momentum.yaml:4:10: filters[1]: is odd indeed",
    ]
    assert seen[0].decide.buy_score == 9


def test_what_belongs_in_momentum_yaml_is_refused_in_a_strategy(tmp_path: Path) -> None:
    desk = workspace(
        tmp_path, "mode: paper\n", momentum_breakout="rank: price\nlimits: {max_positions: 99}\n"
    )
    assert finding(desk) == (
        "strategies/momentum_breakout.yaml:2:1: limits: belongs in momentum.yaml or under backtest:, not in a strategy"
    )


WARNINGS = [
    (
        "caps: {large: {max_positions: 1}}\n",
        "momentum.yaml:1:31: limits.max_positions: 6 can't be reached: the size classes allow 5 together",
    ),
    (
        "caps: {large: {max_positions: 7}}\n",
        "momentum.yaml:1:31: caps.large.max_positions: 7 is over limits.max_positions (6), which holds",
    ),
    (
        "limits: {position_size: 25%}\n",
        "momentum.yaml:1:25: limits.max_positions: 6 positions of 25% are over limits.max_exposure (60%); 2 fit",
    ),
    (
        "monitor: {alert_threshold: 6}\n",
        (
            "momentum.yaml:1:28: monitor.alert_threshold: 6 is over monitor.auto_close_threshold (5): "
            "a position is closed before it is told"
        ),
    ),
]


@pytest.mark.parametrize(("text", "expected"), WARNINGS, ids=[text.strip() for text, _ in WARNINGS])
def test_a_likely_slip_is_a_warning_and_stops_nothing(text: str, expected: str, tmp_path: Path) -> None:
    settings = loaded(workspace(tmp_path, text))
    assert [str(warning) for warning in settings.warnings] == [expected]


def test_size_classes_do_not_bind_a_universe_without_them(tmp_path: Path) -> None:
    desk = workspace(tmp_path, "universe: all\ncaps: {large: {max_positions: 1}}\n")
    assert loaded(desk).warnings == ()


def test_a_position_that_never_fits_is_an_error(tmp_path: Path) -> None:
    desk = workspace(tmp_path, "limits: {position_size: 70%}\n")
    assert finding(desk) == (
        "momentum.yaml:1:25: limits.position_size: 70% is over limits.max_exposure (60%), so no position fits"
    )

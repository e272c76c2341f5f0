"""From a directory to settings that can be used: plugins' sections, secrets, and whatever a file may hold."""

from __future__ import annotations

import random
import re
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from momentum.errors import SettingsError
from momentum.settings.load import describe, load
from momentum.units import SlotTime
from settings_builders import PLAIN_STRATEGY, as_yaml, finding, findings, loaded, shipped, workspace

PLUGIN = """
import momentum

@momentum.hookimpl
def momentum_notify(event):
    pass

@momentum.hookimpl
def momentum_settings_schema():
    return {schema}
"""

UNITS = {
    "type": "object",
    "additionalProperties": False,
    "required": ["wait"],
    "properties": {
        "share": {"type": "number", "x-unit": "fraction", "maximum": 1, "default": "10%"},
        "wait": {"type": "string", "x-unit": "duration"},
        "at": {"type": "string", "x-unit": "time", "default": "close-5m"},
        "file": {"type": "string", "x-unit": "path"},
        "tickers": {"type": "array", "items": {"type": "string"}},
        "loud": {"type": "boolean", "default": False},
        "feed": {"enum": ["iex", "sip"], "default": "iex"},
        "most": {"type": ["integer", "null"], "default": None},
    },
}

LOCAL = "plugins: {notify: [./local.py]}\n"


def with_plugin(directory: Path, section: str, schema: object = UNITS, head: str = LOCAL) -> Path:
    """A workspace that lists ./local.py, whose settings have this schema, with this section for it."""
    return workspace(directory, head + section, plugin=PLUGIN.format(schema=schema))


def test_a_plugins_section_is_parsed_as_its_schema_asks(tmp_path: Path) -> None:
    section = "local: {share: 5bps, wait: 30s, file: data/x.csv, tickers: [ON, NO, TRUE, 010], loud: on, most: off}\n"
    desk = with_plugin(tmp_path, section)
    assert loaded(desk).sections["local"] == {
        "share": 0.0005,
        "wait": timedelta(seconds=30),
        "at": SlotTime("close", timedelta(minutes=-5)),
        "file": str(tmp_path / "data/x.csv"),
        "tickers": ["ON", "NO", "TRUE", "010"],
        "loud": True,
        "feed": "iex",
        "most": None,
    }


def test_a_plugins_schema_finds_what_is_wrong_in_its_section(tmp_path: Path) -> None:
    desk = with_plugin(
        tmp_path, "local:\n  share: 120%\n  wit: 3s\n  feed: iexx\n  most: 1.5\n  tickers: [[A]]\n"
    )
    assert findings(desk) == [
        "momentum.yaml:2:1: local: misses wait",
        "momentum.yaml:3:10: local.share: 120% is over 100%",
        "momentum.yaml:4:3: local.wit: unknown key 'wit'; did you mean 'wait'?",
        "momentum.yaml:5:9: local.feed: 'iexx' is none of iex, sip; did you mean 'iex'?",
        "momentum.yaml:6:9: local.most: must be a whole number or off, not 1.5",
        "momentum.yaml:7:13: local.tickers[0]: must be text, not a list",
    ]


def test_a_section_of_a_plugin_that_is_not_listed_is_left_alone_but_an_unknown_one_is_not(
    tmp_path: Path,
) -> None:
    desk = workspace(tmp_path, "files: {anything: 1}\nsample:\nmarket: {x: 1}\nfils: {path: x}\n")
    assert findings(desk) == [
        "momentum.yaml:3:1: market: plugin market has no settings",
        "momentum.yaml:4:1: fils: unknown key 'fils'; did you mean 'files'?",
    ]


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (
            "1 / 0",
            "plugins: plugin local failed in momentum_settings_schema: ZeroDivisionError: division by zero",
        ),
        ("[]", "plugins: plugin local: momentum_settings_schema must return a mapping"),
        ("{'type': 'wrong'}", "momentum.yaml:2:8: local: the schema of plugin local cannot be used: "),
    ],
)
def test_a_plugin_whose_schema_is_wrong_is_named(schema: str, expected: str, tmp_path: Path) -> None:
    assert expected in finding(with_plugin(tmp_path, "local: {wait: 1s}\n", schema))


def test_a_plugin_file_that_fails_is_a_finding_where_it_is_listed(tmp_path: Path) -> None:
    desk = workspace(tmp_path, "plugins:\n  notify: [console, ./local.py]\n", plugin="1 / 0\n")
    assert finding(desk) == (
        "momentum.yaml:2:21: plugins.notify: plugin local failed to load: "
        "ZeroDivisionError: division by zero (local.py:1)"
    )


def test_no_workspace_is_one_line_that_says_what_to_do(tmp_path: Path) -> None:
    assert finding(tmp_path) == (
        f"momentum.yaml: there is none in {tmp_path}; run `momentum init DIR`, or pass -C DIR"
    )


def test_the_ledger_and_the_universe_are_of_the_workspace(tmp_path: Path) -> None:
    settings = loaded(workspace(tmp_path, "universe: lists/mine.json\n"))
    assert settings.universe == tmp_path / "lists/mine.json"
    assert settings.ledger == f"sqlite:///{tmp_path}/data/ledger.db"
    elsewhere = loaded(tmp_path, sets=["ledger=sqlite:////var/x.db", "universe=all"])
    assert (elsewhere.ledger, elsewhere.universe) == ("sqlite:////var/x.db", None)


def test_every_shipped_value_has_an_origin_and_reads_back_as_it_is_shown(tmp_path: Path) -> None:
    desk = shipped(tmp_path)
    first = describe(load(desk))
    assert all(row["origin"] for row in first.values())
    flags = [f"{key}={as_yaml(row['value'])}" for key, row in first.items() if row["origin"] != "default"]
    again = describe(load(desk, sets=flags))
    assert {key: row["value"] for key, row in again.items()} == {
        key: row["value"] for key, row in first.items()
    }


def mutated(text: str, seed: int) -> str:
    """The text with one to four wounds: lines lost, doubled, moved or indented, words swapped, cut or replaced."""
    chance = random.Random(seed)
    lines = text.splitlines()
    words = re.findall(r"[\w%.:]+", text)
    strange = [
        "[",
        "{",
        "*x",
        "&a",
        "\t",
        "~",
        "on",
        "1e999",
        "-1",
        "9" * 400,
        "'",
        "{}",
        "[]",
        "0x",
        ".nan",
        "!",
        "|",
    ]
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(lines))
        line = lines[place]
        wound = chance.randrange(7)
        if wound == 0 and len(lines) > 1:
            del lines[place]
        elif wound == 1:
            lines.insert(place, chance.choice(lines))
        elif wound == 2:
            lines[place] = " " * chance.randint(0, 6) + line.lstrip()
        elif wound == 3:
            lines[place] = line[: chance.randint(0, len(line))]
        else:
            old = chance.choice(re.findall(r"[\w%.:]+", line) or [""])
            lines[place] = line.replace(old, chance.choice(chance.choice([words, strange])), 1)
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shipped workspace for tests that write its files anew each time."""
    return shipped(tmp_path_factory.mktemp("desk"))


@pytest.mark.parametrize("file", ["momentum.yaml", "strategies/momentum_breakout.yaml"])
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_a_mutated_file_ends_in_findings_or_in_settings_never_in_another_exception(
    file: str, seed: int, desk: Path
) -> None:
    path = desk / file
    whole = path.read_text()
    try:
        path.write_text(mutated(whole, seed))
        load(desk)
    except SettingsError as error:
        assert error.findings
        assert all("\n" not in str(found) and len(str(found)) < 400 for found in error.findings)
    finally:
        path.write_text(whole)


JSON_LIKE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["10%", "5m", "on"]),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=5), below, max_size=3),
    max_leaves=5,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_value_for_any_key_ends_in_findings_or_in_settings(data: st.DataObject, desk: Path) -> None:
    keys = sorted({key.rpartition(".")[0] for key in KEYS} | set(KEYS))
    flag = f"{data.draw(st.sampled_from(keys))}={as_yaml(data.draw(JSON_LIKE))}"
    try:
        assert load(desk, sets=[flag]).limits.max_exposure <= 1
    except SettingsError as error:
        assert all(found.where in ("--set", "momentum.yaml") or found.key for found in error.findings)


KEYS = (
    "mode",
    "plugins.data",
    "plugins.signals",
    "universe",
    "caps.large.max_positions",
    "caps.small.own_threshold",
    "limits.max_exposure",
    "limits.max_order",
    "stops.retry_delay",
    "monitor.every",
    "schedule.scans.open",
    "ledger",
    "sample.seed",
    "features.roc_10d.roc",
    "columns.momentum_breakout",
    "filters",
    "score",
    "rank",
    "decide.close_when",
    "decide.take_profit",
    "exits.signal",
    "backtest.limits.max_exposure",
    "extends",
    "name",
    "strategy",
)


def test_a_file_of_quite_another_kind_is_a_hundred_findings_at_most(tmp_path: Path) -> None:
    desk = workspace(tmp_path, "".join(f"key_{number}x: {number}\n" for number in range(3000)))
    lines = findings(desk)
    assert len(lines) == 101
    assert lines[-1] == "momentum.yaml: there is more to correct; begin with these"


def test_a_strategy_of_the_command_line_wins(tmp_path: Path) -> None:
    desk = workspace(tmp_path, "strategy: momentum_breakout\n", other=f"{PLAIN_STRATEGY}rank: price DESC\n")
    assert loaded(desk, strategy="other").strategy.rank == "price DESC"
    assert finding(desk, strategy="othr") == (
        "--strategy: strategy: there is no file strategies/othr.yaml; did you mean 'other'?"
    )

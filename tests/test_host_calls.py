"""Hooks are called one at a time, in the YAML's order; whatever a plugin does, an answer comes back."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest

from momentum.errors import BrokerError, DataError, PluginError
from momentum.host.dispatch import Answer, call_each, only, schemas
from momentum.host.registry import Host
from plugin_builders import host_of, plugin_file

SHORT = timedelta(milliseconds=50)
LONG = timedelta(seconds=30)
EVENT = object()


def plugins(directory: Path, **bodies: str) -> list[str]:
    """One local plugin per keyword; the text is the body of its `momentum_notify(event)`."""
    for name, body in bodies.items():
        plugin_file(directory, name, f"import sys, time\n@hookimpl\ndef momentum_notify(event): {body}")
    return [f"./{name}.py" for name in bodies]


def notify(host: Host, budget: timedelta | None = None) -> list[Answer]:
    return list(call_each(host, "notify", "momentum_notify", budget=budget, event=EVENT))


def test_plugins_are_called_in_the_order_of_the_yaml(tmp_path: Path) -> None:
    listed = plugins(tmp_path, a="return 'a'", b="return 'b'", c="return 'c'")
    for names in (listed, listed[::-1]):
        host = host_of(tmp_path, [], notify=names)
        assert [answer.value for answer in notify(host)] == [name[2] for name in names]


def test_the_caller_may_stop_and_the_rest_is_not_called(tmp_path: Path) -> None:
    host = host_of(tmp_path, [], notify=plugins(tmp_path, a="return 1", b="raise AssertionError"))
    first = next(call_each(host, "notify", "momentum_notify", event=EVENT))
    assert (first.plugin, first.value, first.error) == ("a", 1, None)


def test_a_hook_is_called_only_for_plugins_under_its_role(tmp_path: Path) -> None:
    body = "@hookimpl\ndef momentum_filter(): return []\n@hookimpl\ndef momentum_notify(event): return 'told'"
    host = host_of(tmp_path, [plugin_file(tmp_path, "both", body)], notify=["console"])
    assert [answer.plugin for answer in call_each(host, "signals", "momentum_filter", strategy=None)] == [
        "both"
    ]
    assert [plugin.name for plugin in host.listed("notify")] == ["console"]


@pytest.mark.parametrize("budget", [None, LONG], ids=["directly", "on a worker thread"])
@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("raise ValueError('no network')", "ValueError: no network (bad.py:5)"),
        ("1 / 0", "ZeroDivisionError: division by zero (bad.py:5)"),
        ("sys.exit(1)", "SystemExit: 1 (bad.py:5)"),
        ("sys.exit()", "SystemExit (bad.py:5)"),
        ("raise GeneratorExit", "GeneratorExit (bad.py:5)"),
        ("raise RecursionError", "RecursionError (bad.py:5)"),
        ("sorted(5)", "TypeError: 'int' object is not iterable (bad.py:5)"),
    ],
)
def test_what_one_plugin_raises_never_reaches_another(
    body: str, error: str, budget: timedelta | None, tmp_path: Path
) -> None:
    names = plugins(tmp_path, before="return 1", bad=body, after="return 2")
    before, bad, after = notify(host_of(tmp_path, [], notify=names), budget)
    assert (before.value, after.value) == (1, 2)
    assert bad.value is None
    assert bad.error == f"plugin bad failed in momentum_notify: {error}"
    assert bad.seconds >= 0


def test_the_place_is_the_plugins_own_line_even_where_a_library_raised(tmp_path: Path) -> None:
    names = plugins(tmp_path, bad="import json; json.loads('{')")
    (answer,) = notify(host_of(tmp_path, [], notify=names))
    assert answer.error is not None
    assert answer.error.endswith("(bad.py:5)")


def test_the_users_interrupt_is_not_caught(tmp_path: Path) -> None:
    host = host_of(tmp_path, [], notify=plugins(tmp_path, stop="raise KeyboardInterrupt"))
    with pytest.raises(KeyboardInterrupt):
        notify(host)


def test_an_implementation_gets_only_the_arguments_that_it_takes(tmp_path: Path) -> None:
    plugin_file(tmp_path, "none", "@hookimpl\ndef momentum_notify(): return 'none'")
    names = [*plugins(tmp_path, all="return event"), "./none.py"]
    assert [answer.value for answer in notify(host_of(tmp_path, [], notify=names))] == [EVENT, "none"]


def test_a_hanging_plugin_is_left_behind_and_not_called_again(tmp_path: Path) -> None:
    body = "event.append(1); event[0].wait(); return 'late'"
    host = host_of(tmp_path, [], notify=plugins(tmp_path, hangs=body, works="return 'fine'"))
    release = threading.Event()
    calls: list[object] = [release]
    try:
        started = time.monotonic()
        answers = list(call_each(host, "notify", "momentum_notify", budget=SHORT, event=calls))
        assert time.monotonic() - started < 20
        again = list(call_each(host, "notify", "momentum_notify", budget=SHORT, event=calls))
        directly = list(call_each(host, "notify", "momentum_notify", event=calls))
    finally:
        release.set()
    assert answers[0].error is not None
    assert answers[0].error.startswith("plugin hangs (")
    assert answers[0].error.endswith("did not return from momentum_notify within 0.05 s")
    assert again[0].error == directly[0].error == "plugin hangs hung earlier; restart to use it"
    assert [found[1].value for found in (answers, again, directly)] == ["fine"] * 3
    assert calls == [release, 1]
    assert host.hung == {"hangs"}


def test_a_plugin_that_returns_in_time_may_be_called_again(tmp_path: Path) -> None:
    host = host_of(tmp_path, [], notify=plugins(tmp_path, quick="return 1"))
    assert [notify(host, LONG)[0].value for _ in range(3)] == [1, 1, 1]
    assert host.hung == set()


@pytest.mark.parametrize("parameters", ["", "workspace"])
def test_the_one_plugin_of_a_role_is_opened(parameters: str, tmp_path: Path) -> None:
    body = f"@hookimpl\ndef momentum_market_data({parameters}): return 'opened'"
    host = host_of(tmp_path, [], data=[plugin_file(tmp_path, "mine", body)])
    assert only(host, "data", "momentum_market_data", workspace=None) == "opened"


def test_no_plugin_for_a_role_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match=r"^plugins\.data names no plugin; see `momentum plugins`$"):
        only(host_of(tmp_path, []), "data", "momentum_market_data", workspace=None)


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        ("raise BrokerError('no answer')", BrokerError, "no answer"),
        ("raise PluginError('no key')", PluginError, "no key"),
        (
            "1 / 0",
            DataError,
            "plugin mine failed in momentum_broker: ZeroDivisionError: division by zero (mine.py:5)",
        ),
        ("exit(0)", DataError, "plugin mine failed in momentum_broker: SystemExit: 0 (mine.py:5)"),
    ],
)
def test_what_the_one_plugin_of_a_role_raises_is_an_error_of_momentum(
    body: str, kind: type[Exception], message: str, tmp_path: Path
) -> None:
    text = f"from momentum.errors import *\n@hookimpl\ndef momentum_broker(workspace): {body}"
    host = host_of(tmp_path, [], broker=[plugin_file(tmp_path, "mine", text)])
    with pytest.raises(kind) as raised:
        only(host, "broker", "momentum_broker", workspace=None)
    assert str(raised.value) == message


def test_each_plugins_schema_is_known_by_its_name(tmp_path: Path) -> None:
    schema = "@hookimpl\ndef momentum_settings_schema(): return {'type': 'object'}"
    body = "@hookimpl\ndef momentum_filter(): return []\n" + schema
    host = host_of(tmp_path, ["rules", plugin_file(tmp_path, "mine", body)])
    assert schemas(host) == {"mine": {"type": "object"}}


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        ("['a']", "plugin mine: momentum_settings_schema must return a mapping"),
        (
            "1 / 0",
            "plugin mine failed in momentum_settings_schema: ZeroDivisionError: division by zero (mine.py:6)",
        ),
    ],
)
def test_a_plugin_that_gives_no_schema_is_named(returned: str, message: str, tmp_path: Path) -> None:
    body = f"@hookimpl\ndef momentum_filter(): return []\n@hookimpl\ndef momentum_settings_schema(): return {returned}"
    host = host_of(tmp_path, [plugin_file(tmp_path, "mine", body)])
    with pytest.raises(PluginError) as raised:
        schemas(host)
    assert str(raised.value) == message


def test_the_one_plugin_of_a_role_must_answer(tmp_path: Path) -> None:
    text = "@hookimpl\ndef momentum_broker(workspace): pass"
    host = host_of(tmp_path, [], broker=[plugin_file(tmp_path, "mine", text)])
    with pytest.raises(DataError) as raised:
        only(host, "broker", "momentum_broker", workspace=None)
    assert str(raised.value) == "plugin mine (mine.py:3): momentum_broker returned nothing"


def without_secret(text: str) -> str:
    return text.replace("hunter2", "***")


def test_no_error_of_a_plugin_repeats_a_secret(tmp_path: Path) -> None:
    raising = "@hookimpl\ndef momentum_{}: raise {}('hunter2 is refused')"
    names = {
        name: plugin_file(tmp_path, name, "from momentum.errors import *\n" + raising.format(hook, kind))
        for name, hook, kind in [
            ("told", "notify(event)", "ValueError"),
            ("opened", "market_data(workspace)", "ValueError"),
            ("known", "broker(workspace)", "BrokerError"),
        ]
    }
    names["loaded"] = plugin_file(tmp_path, "loaded", "raise ValueError('hunter2')")
    roles = {
        "notify": [names["told"], names["loaded"]],
        "data": [names["opened"]],
        "broker": [names["known"]],
    }
    host = Host.load(roles, tmp_path, hide=without_secret)
    texts = [failure.message for failure in host.failures]
    texts += [answer.error or "" for answer in notify(host)]
    for role, hook in (("data", "momentum_market_data"), ("broker", "momentum_broker")):
        with pytest.raises((DataError, BrokerError)) as raised:
            only(host, role, hook, workspace=None)
        texts.append(str(raised.value))
    assert len(texts) == 4
    assert all("***" in text and "hunter2" not in text for text in texts), texts


def test_an_answer_says_where_its_implementation_stands(tmp_path: Path) -> None:
    (answer,) = notify(host_of(tmp_path, [], notify=plugins(tmp_path, a="return 1")))
    assert answer.origin == "plugin a (a.py:4)"

"""Plugins are found by name or by file, checked before use, and what is wrong with one never stops another."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial, wraps
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType

import pytest

from momentum.errors import PluginError
from momentum.host import discover
from momentum.host.discover import place_of
from momentum.host.registry import Host, roles_of
from plugin_builders import host_of, plugin_file

FILTER = "@hookimpl\ndef momentum_filter(strategy): return []"


def refusal(name: str, directory: Path) -> str:
    with pytest.raises(PluginError) as refused:
        discover.load(name, directory)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_the_built_in_plugins_are_entry_points_as_anybodys_are() -> None:
    assert {"rules", "momentum", "ta", "files", "sample", "paper", "market", "console"} <= set(
        discover.installed()
    )


def test_an_installed_plugin_is_known_by_its_name_with_version_and_origin(tmp_path: Path) -> None:
    plugin = discover.load("momentum", tmp_path)
    assert plugin.hooks == ("momentum_features",)
    assert plugin.origin == f"momentum-trader {plugin.version}"
    assert plugin.file.endswith("indicators.py")


def test_a_local_file_is_a_plugin_named_as_its_file(tmp_path: Path) -> None:
    (tmp_path / "signals").mkdir()
    plugin_file(tmp_path / "signals", "mine", "__version__ = '1.2'\n" + FILTER)
    plugin = discover.load("signals/mine.py", tmp_path)
    assert (plugin.name, plugin.version, plugin.origin) == ("mine", "1.2", "signals/mine.py")
    assert plugin.hooks == ("momentum_filter",)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("momentun", "no plugin named 'momentun'; did you mean 'momentum'?"),
        ("xyzzy", "no plugin named 'xyzzy'; known are console, files, "),
        ("./nosuch.py", "plugin ./nosuch.py: there is no such file in "),
        ("./my-signals.py", "plugin ./my-signals.py: the file's name must be a Python identifier"),
        ("./notes.txt", "plugin ./notes.txt: not a Python file"),
        (".", "no plugin named '.'"),
        ("./", "plugin ./: there is no such file in "),
    ],
)
def test_a_name_that_is_no_plugin_is_refused(name: str, message: str, tmp_path: Path) -> None:
    for file in ("my-signals.py", "notes.txt"):
        (tmp_path / file).write_text(FILTER, encoding="utf-8")
    assert refusal(name, tmp_path).startswith(message)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("def momentum_filter(:", "SyntaxError: invalid syntax (bad.py:3)"),
        ("x = 1\n1 / 0", "ZeroDivisionError: division by zero (bad.py:4)"),
        ("import nosuch_module", "ModuleNotFoundError: No module named 'nosuch_module' (bad.py:3)"),
        ("import sys\nsys.exit(3)", "SystemExit: 3 (bad.py:4)"),
        ("def f(): raise ValueError('two\\nlines')\nf()", "ValueError: two lines (bad.py:3)"),
        (
            "import json\njson.loads('{')",
            "JSONDecodeError: Expecting property name enclosed in double quotes",
        ),
    ],
)
def test_a_failure_on_import_says_what_and_where(body: str, message: str, tmp_path: Path) -> None:
    found = refusal(plugin_file(tmp_path, "bad", body), tmp_path)
    assert found.startswith(f"plugin bad failed to load: {message}")
    assert "bad.py:" in found
    assert "momentum_local_bad" not in sys.modules


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("@hookimpl\ndef momentum_filter(strategy, universe): return []", "universe"),
        ("@hookimpl\ndef momentum_filters(): return []", "no hook 'momentum_filters'; did you mean 'momentum_filter'?"),
        ("@hookimpl\ndef signals(strategy): return []", "there is no hook 'signals'"),
        ("def momentum_filter(strategy): return []", "momentum_filter is not marked @momentum.hookimpl"),
        (FILTER + "\ndef momentum_score(strategy): return []", "momentum_score is not marked @momentum.hookimpl"),
        ("@hookimpl(wrapper=True)\ndef momentum_filter(strategy): yield", "momentum_filter is a hook wrapper"),
        ("@hookimpl(hookwrapper=True)\ndef momentum_filter(strategy): yield", "momentum_filter is a hook wrapper"),
        ("x = 1", "has no function marked @momentum.hookimpl; a plugin needs at least one"),
        ("MOMENTUM_API = 2\n" + FILTER, "asks for plugin API 2, this momentum has 1; update momentum"),
        ("MOMENTUM_API = 'new'\n" + FILTER, "asks for plugin API new, this momentum has 1"),
    ],
)  # fmt: skip
def test_a_plugin_that_does_not_fit_the_hooks_is_refused(body: str, message: str, tmp_path: Path) -> None:
    found = refusal(plugin_file(tmp_path, "bad", body), tmp_path)
    assert found.startswith("plugin bad ")
    assert message in found


def test_a_plugin_may_take_fewer_arguments_and_say_its_api(tmp_path: Path) -> None:
    body = "MOMENTUM_API = 1\n@hookimpl\ndef momentum_filter(): return []"
    assert discover.load(plugin_file(tmp_path, "few", body), tmp_path).hooks == ("momentum_filter",)


def test_an_installed_plugin_that_fails_to_load_says_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_package.py").write_text("x = 1\nraise RuntimeError('not today')\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    entries = {
        "broken": EntryPoint("broken", "broken_package", "momentum"),
        "gone": EntryPoint("gone", "no_such_package", "momentum"),
    }
    monkeypatch.setattr(discover, "installed", lambda: entries)
    assert refusal("broken", tmp_path) == (
        "plugin broken failed to load: RuntimeError: not today (broken_package.py:2)"
    )
    assert refusal("gone", tmp_path).startswith(
        "plugin gone failed to load: ModuleNotFoundError: No module named 'no_such_package'"
    )


def test_an_object_serves_as_well_as_a_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("plugin_objects")
    body = (
        "from momentum import hookimpl\n"
        "class Signals:\n"
        "    @hookimpl\n"
        "    def momentum_filter(self, strategy): return [('a', 'close > 1')]\n"
        "signals = Signals()\n"
    )
    exec(body, module.__dict__)
    monkeypatch.setitem(sys.modules, "plugin_objects", module)
    entries = {"objects": EntryPoint("objects", "plugin_objects:signals", "momentum")}
    monkeypatch.setattr(discover, "installed", lambda: entries)
    assert discover.load("objects", tmp_path).hooks == ("momentum_filter",)


def test_a_plugin_that_fails_stands_in_the_failures_of_each_role_and_the_others_serve(tmp_path: Path) -> None:
    bad = plugin_file(tmp_path, "bad", "1 / 0")
    host = host_of(tmp_path, ["rules", bad, "momentum"], decide=[bad, "rules"], notify=["console"])
    assert host.roles == {"signals": ("rules", "momentum"), "decide": ("rules",), "notify": ("console",)}
    assert [(failure.name, failure.role, failure.place) for failure in host.failures] == [
        ("bad", "signals", 1),
        ("bad", "decide", 0),
    ]
    assert all("ZeroDivisionError" in failure.message for failure in host.failures)


def test_a_plugin_under_a_role_that_it_cannot_serve_is_a_failure(tmp_path: Path) -> None:
    host = host_of(tmp_path, ["rules", "console"], broker=["files"])
    assert host.roles == {"signals": ("rules",), "broker": ()}
    signals, broker = host.failures
    assert signals.message.startswith(
        "plugin console cannot serve under signals: it has none of momentum_features, "
    )
    assert signals.message.endswith("(it serves notify)")
    assert broker.message.endswith("(it serves data)")


def test_a_plugin_in_two_roles_is_registered_once(tmp_path: Path) -> None:
    body = "LOADED = []\n" + FILTER + "\n@hookimpl\ndef momentum_decide(situation): return None"
    mine = plugin_file(tmp_path, "mine", body)
    host = host_of(tmp_path, [mine], decide=[mine, "rules"])
    assert host.roles == {"signals": ("mine",), "decide": ("mine", "rules")}
    assert list(host.plugins) == ["mine", "rules"]
    assert len(host.manager.get_plugins()) == 2
    assert roles_of(host.plugins["mine"]) == ("signals", "decide")


def test_a_plugin_listed_twice_in_a_role_is_called_once(tmp_path: Path) -> None:
    assert host_of(tmp_path, ["rules", "momentum", "rules"]).roles == {"signals": ("rules", "momentum")}


def test_two_files_of_one_name_are_told_apart_by_a_failure(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    for directory in (tmp_path, tmp_path / "other"):
        plugin_file(directory, "mine", FILTER)
    host = host_of(tmp_path, ["./mine.py", "mine.py", "other/mine.py"])
    assert host.roles == {"signals": ("mine",)}
    (failure,) = host.failures
    assert failure.message == "plugins mine.py and other/mine.py are both called mine; rename one"


def test_one_module_under_two_names_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    value = "momentum_plugins.rules"
    entries = {name: EntryPoint(name, value, "momentum") for name in ("rules", "twin")}
    monkeypatch.setattr(discover, "installed", lambda: entries)
    host = Host.load({"signals": ["rules", "twin"]}, tmp_path)
    assert host.roles == {"signals": ("rules",)}
    assert [f.message for f in host.failures] == [
        "plugin twin is the same module as plugin rules; list one of them"
    ]


class Factory:
    """A callable that is no function."""

    def __call__(self) -> None:
        """Do nothing."""


def undecorated() -> None:
    """Do nothing."""


def decorated(function: Callable[[], None]) -> Callable[[], None]:
    @wraps(function)
    def inner() -> None:
        function()

    return inner


def test_the_place_of_a_callable_is_its_own_file_and_line() -> None:
    line = decorated.__code__.co_firstlineno
    name = Path(__file__).name
    assert place_of(decorated) == place_of(partial(decorated)) == f"{name}:{line}"
    assert place_of(Factory()) == f"{name}:{Factory.__call__.__code__.co_firstlineno}"
    assert place_of(decorated(undecorated)) == f"{name}:{undecorated.__code__.co_firstlineno}"
    assert place_of(max) == ""

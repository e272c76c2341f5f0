"""Workspaces for tests of the settings: the shipped files, or a few lines of one's own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from momentum.errors import SettingsError
from momentum.host.registry import Host
from momentum.model.strategy import Limits, Strategy
from momentum.rules.problem import Problem
from momentum.settings.load import Settings, load
from momentum.settings.template import template_directory

PLAIN_STRATEGY = "filters: [price > 5]\n"


class Change(NamedTuple):
    """A setting changed while running."""

    key: str
    value: object
    who: str = "ann"


def shipped(directory: Path) -> Path:
    """A workspace as `momentum init` writes it."""
    source = template_directory()
    directory.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source / "momentum.yaml", directory / "momentum.yaml")
    (directory / "strategies").mkdir(exist_ok=True)
    for file in (source / "strategies").glob("*.yaml"):
        shutil.copyfile(file, directory / "strategies" / file.name)
    return directory


def workspace(directory: Path, text: str | bytes, *, plugin: str = "", **strategies: str) -> Path:
    """A workspace with this momentum.yaml, these strategies, and a plugin in ./local.py where one is given.

    momentum_breakout, the default, is one plain filter unless it is given.
    """
    (directory / "strategies").mkdir(parents=True, exist_ok=True)
    content = text if isinstance(text, bytes) else text.encode()
    (directory / "momentum.yaml").write_bytes(content)
    for name, strategy in {"momentum_breakout": PLAIN_STRATEGY, **strategies}.items():
        (directory / "strategies" / f"{name}.yaml").write_text(strategy)
    if plugin:
        (directory / "local.py").write_text(plugin)
    return directory


def replaced(directory: Path, old: str, new: str, file: str = "momentum.yaml") -> int:
    """Change one place of a file; the line in which it stands."""
    path = directory / file
    text = path.read_text()
    assert text.count(old) == 1, f"{old!r} must stand once in {file}"
    path.write_text(text.replace(old, new))
    return text[: text.index(old)].count("\n") + 1


def no_rules(strategy: Strategy, host: Host, limits: Limits) -> Sequence[Problem]:
    """Finds nothing wrong with any rule."""
    return ()


def loaded(directory: Path, **more: Any) -> Settings:
    """The settings, rules unchecked unless told."""
    return load(directory, **{"rule_check": no_rules, **more})


def findings(directory: Path, **more: Any) -> list[str]:
    """The lines that a person is shown instead of settings; rules unchecked unless told."""
    with pytest.raises(SettingsError) as caught:
        loaded(directory, **more)
    lines = str(caught.value).splitlines()
    assert len(lines) == len(caught.value.findings), "a finding must be one line"
    return lines


def finding(directory: Path, **more: Any) -> str:
    """The one line that a person is shown."""
    lines = findings(directory, **more)
    assert len(lines) == 1, lines
    return lines[0]


def origins(settings: Settings, *keys: str) -> Mapping[str, str]:
    """Where the values of these keys come from."""
    return {key: settings.origins[key] for key in keys}


def as_yaml(value: object) -> str:
    """A value as it would be written after `--set KEY=`."""
    if value is None:
        return "off"
    if isinstance(value, bool):
        return "on" if value else "off"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

"""Secrets come from the environment or `.env`, are refused in YAML, and are never repeated."""

from __future__ import annotations

from pathlib import Path

import pytest

from momentum.errors import SettingsError
from momentum.redaction import redact
from momentum.settings.secrets import environment
from settings_builders import finding, findings, workspace

LOCAL = "plugins: {notify: [./local.py]}\n"


def test_the_environment_wins_over_the_env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text(
        '# keys\nexport FIRST_KEY=abc # mine\nSECOND_TOKEN=\'a b#c\'\nTHIRD="x\\"y"\nFOURTH=\n\nFIFTH=file\n'
    )
    monkeypatch.setenv("FIFTH", "process")
    found = environment(tmp_path)
    names = ("FIRST_KEY", "SECOND_TOKEN", "THIRD", "FOURTH", "FIFTH")
    assert [found[name] for name in names] == ["abc", "a b#c", 'x"y', "", "process"]


def test_a_broken_env_file_is_told_without_its_values(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A_KEY=fine\nhunter2\nB_KEY='hunter2\n")
    with pytest.raises(SettingsError) as caught:
        environment(tmp_path)
    assert str(caught.value).splitlines() == [".env:2:1: is not KEY=VALUE", ".env:3:1: is not KEY=VALUE"]


def test_secrets_are_hidden_in_any_text() -> None:
    known = {
        "API_KEY": "hunter2",
        "BOT_TOKEN": "hunter2-long",
        "MY_SECRET": "",
        "PATH": "/bin",
        "SORT_KEY": "a",
    }
    assert (
        redact("hunter2-long said hunter2 to a friend in /bin", known) == "*** said *** to a friend in /bin"
    )


@pytest.mark.parametrize("key", ["api_key", "token", "bot_token", "client-secret", "PASSWORD", "key_id"])
def test_a_secret_in_yaml_is_one_finding_and_is_not_repeated(key: str, tmp_path: Path) -> None:
    line = finding(workspace(tmp_path, f"paper: {{{key}: hunter2}}\n"))
    assert line == (
        f"momentum.yaml:1:9: paper.{key}: a secret does not belong in YAML; put it in .env beside momentum.yaml"
    )


def test_a_broken_env_file_is_one_finding_beside_the_others(tmp_path: Path) -> None:
    desk = workspace(tmp_path, "nmae: x\n")
    (desk / ".env").write_text("hunter2\n")
    lines = findings(desk)
    assert lines[0] == ".env:1:1: is not KEY=VALUE"
    assert lines[1].startswith("momentum.yaml:1:1: nmae: ")


def test_a_secret_of_the_env_file_is_hidden_in_what_a_plugin_tells(tmp_path: Path) -> None:
    desk = workspace(tmp_path, LOCAL, plugin="raise ValueError('hunter2 is refused')")
    (desk / ".env").write_text("BOT_TOKEN=hunter2\n")
    assert finding(desk).endswith("plugin local failed to load: ValueError: *** is refused (local.py:1)")

"""What is installed, and what a command imports."""

from __future__ import annotations

import configparser
import re
import subprocess
import sys
from pathlib import Path

import pytest

from workspace_builders import breaks_out, market_file, momentum, sessions, workspace

TOP = Path(__file__).parents[1]
SETUP = configparser.ConfigParser()
SETUP.read(TOP / "setup.cfg")


def test_every_package_of_the_source_is_in_the_wheel() -> None:
    listed = set(SETUP["options"]["packages"].split())
    found = {
        ".".join(file.parent.relative_to(root).parts)
        for root in (TOP / "engine", TOP / "plugins")
        for file in root.rglob("__init__.py")
    }
    assert found == listed - {"momentum_workspace"}


def test_the_packages_of_brokers_models_and_chats_are_plain_dependencies() -> None:
    needed = SETUP["options"]["install_requires"]
    for name in ("alpaca-py", "anthropic", "python-telegram-bot", "schedule", "ta", "pluggy", "polars"):
        assert name in needed


def imported_by(code: str, cwd: Path | None = None) -> set[str]:
    """The top-level modules that a fresh interpreter has imported after running some code."""
    script = f"import sys\n{code}\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=cwd, timeout=120
    )
    return set(done.stderr.splitlines()[-1].split())


RUN = "from momentum.cli.main import _run\n_run({words!r})"


def test_help_imports_nothing_heavy() -> None:
    loaded = imported_by(RUN.format(words=["--help"]))
    assert not loaded & {"polars", "peewee", "rich", "jsonschema", "yaml", "numpy", "pandas", "ta"}


def test_a_scan_imports_no_sdk_and_no_indicator_library(tmp_path: Path) -> None:
    data = market_file(tmp_path, breaks_out("AAA", 40))
    work = workspace(tmp_path / "work")
    words = ["scan", "--data", str(data), "--at", sessions()[40].isoformat(), "--dry-run"]
    imported_by(RUN.format(words=words), work)  # keeps the exchange's calendar, which is made with pandas
    loaded = imported_by(RUN.format(words=words), work)
    assert "polars" in loaded
    assert not loaded & {"alpaca", "anthropic", "telegram", "pandas", "ta"}


def test_the_plugin_of_the_readme_works_as_it_stands(tmp_path: Path) -> None:
    readme = (TOP / "README.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    work = workspace(tmp_path / "work")
    (work / "my_signals.py").write_text("\n".join(line.removeprefix("   ") for line in code.splitlines()))
    data = market_file(tmp_path, breaks_out("AAA", 40))
    words = ("--data", data, "--at", sessions()[40].isoformat(), "--dry-run", "--json")
    run = momentum(
        "scan", "-C", work, *words, "--set", "plugins.signals=[rules, momentum, ta, ./my_signals.py]"
    )
    assert run.code == 0, run.err
    assert run.json["funnel"][-1]["rule"] == "no penny moves"
    plugins = momentum("plugins", "-C", work, "--json", "--set", "plugins.signals=[./my_signals.py]").json
    (mine,) = [row for row in plugins if row["name"] == "my_signals"]
    assert (mine["enabled"], mine["roles"], mine["error"]) == (["signals"], ["signals"], None)


@pytest.mark.parametrize(
    "page", ["README.md", *sorted(f"docs/{p.name}" for p in (TOP / "docs").glob("*.md"))]
)
def test_every_link_of_a_page_leads_somewhere(page: str) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", (TOP / page).read_text()):
        if not target.startswith("http"):
            assert (TOP / page).parent.joinpath(target).exists(), target

"""The JSON Schema for editors: it accepts the shipped files, knows every key, and is what the command prints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from momentum.settings.convert import natural
from momentum.settings.nodes import Items, Node, Scalar
from momentum.settings.yamlfile import read_file
from workspace_builders import momentum, workspace

TOP = Path(__file__).parents[1]
WORKSPACE = json.loads((TOP / "momentum.schema.json").read_text())
STRATEGY = json.loads((TOP / "strategies" / "strategy.schema.json").read_text())
STRATEGIES = sorted((TOP / "strategies").glob("*.yaml"))


def as_an_editor_sees(node: Node) -> Any:
    """A document by the rules of YAML 1.2, knowing no schema."""
    if isinstance(node, Scalar):
        return natural(node)
    if isinstance(node, Items):
        return [as_an_editor_sees(item) for item in node.items]
    return {key: as_an_editor_sees(child) for key, child in node.entries.items()}


def seen(file: Path) -> Any:
    return as_an_editor_sees(read_file(file, file.name).table)


def test_the_schemas_are_schemas() -> None:
    for schema in (WORKSPACE, STRATEGY):
        jsonschema.Draft202012Validator.check_schema(schema)


def test_the_shipped_files_are_valid_and_name_their_schema() -> None:
    jsonschema.validate(seen(TOP / "momentum.yaml"), WORKSPACE)
    assert (
        (TOP / "momentum.yaml")
        .read_text()
        .startswith("# yaml-language-server: $schema=momentum.schema.json\n")
    )
    for file in STRATEGIES:
        jsonschema.validate(seen(file), STRATEGY)
        assert file.read_text().startswith("# yaml-language-server: $schema=strategy.schema.json\n")


def test_the_shipped_schemas_are_what_the_command_prints(tmp_path: Path) -> None:
    work = workspace(tmp_path / "work")
    for words, shipped in (((), WORKSPACE), (("--strategy",), STRATEGY)):
        run = momentum("schema", *words, "-C", work)
        assert run.code == 0, run.err
        assert json.loads(run.out) == shipped
    assert json.loads((work / "momentum.schema.json").read_text()) == WORKSPACE


def test_every_key_in_force_is_in_the_schema_with_a_description(tmp_path: Path) -> None:
    work = workspace(tmp_path / "work")
    keys = momentum("settings", "-C", work, "--json").json
    free = ("features.", "columns.")
    for key in keys:
        if key.startswith(free):
            continue
        part: Any = WORKSPACE
        for step in key.split("."):
            part = part.get("properties", {}).get(step)
            assert part is not None, f"{key} is not in the schema"
        assert part.get("description"), f"{key} has no description"


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("limits: {max_exposure: 60%}", True),
        ("limits: {max_exposure: sixty}", False),
        ("limits: {max_exposur: 60%}", False),
        ("monitor: {auto_close: on, every: 30m}", True),
        ("monitor: {every: 30}", False),
        ("schedule: {scans: {open: open+5m, midday: 12:30}}", True),
        ("limits: {max_order: off}", True),
        ("paper: {slippage: 5bps}", True),
        ("paper: {slipage: 5bps}", False),
    ],
)
def test_an_editor_accepts_what_the_program_does(tmp_path: Path, text: str, fits: bool) -> None:
    file = tmp_path / "momentum.yaml"
    file.write_text(text)
    assert jsonschema.Draft202012Validator(WORKSPACE).is_valid(seen(file)) is fits

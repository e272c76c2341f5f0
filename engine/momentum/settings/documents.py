"""Everything that a workspace's settings are made of, read and not yet checked: files, flags, overrides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from momentum.errors import Finding, SettingsError
from momentum.settings.convert import Schema
from momentum.settings.layers import (
    StrategyFiles,
    backtest_layer,
    defaults,
    flag_layers,
    merged,
    read_strategy,
)
from momentum.settings.nodes import DEFAULT, Mark, Node, Scalar, Table
from momentum.settings.schema import workspace_properties
from momentum.settings.yamlfile import read_file, single

WORKSPACE_FILE = "momentum.yaml"
WORKSPACE_KEYS = frozenset(workspace_properties())
"""The keys of momentum.yaml that no strategy may set."""


@dataclass(frozen=True, slots=True)
class Flags:
    """What the command line says: `--strategy`, `--data` and each `--set`."""

    strategy: str | None = None
    data: Path | None = None
    sets: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Documents:
    """The layers, the lowest first: strategy files, momentum.yaml, overrides, flags; and what is wrong so far."""

    strategy_name: str
    strategy: StrategyFiles
    workspace: Table
    flags: tuple[Table, ...]
    findings: tuple[Finding, ...]

    def tree(self, schema: Schema, overrides: Sequence[Table], *, for_backtest: bool) -> Table:
        """All layers over each other, without defaults. A backtest lays the strategy's own section in between."""
        below = [_own(document.table) for document in self.strategy.files] + [self.workspace]
        if for_backtest:
            below.append(backtest_layer(merged([*below, *self.flags], schema)))
        return merged([*below, *overrides, *self.flags], schema)

    def misplaced(self) -> Iterator[Finding]:
        """Keys of momentum.yaml in a strategy's file."""
        for document in self.strategy.files:
            for key, mark in document.table.keys.items():
                if key in WORKSPACE_KEYS:
                    under = " or under backtest:" if key in ("limits", "monitor") else ""
                    yield mark.finding(f"belongs in {WORKSPACE_FILE}{under}, not in a strategy", key)


def read_documents(directory: Path, flags: Flags, schema: Schema) -> Documents:
    """Read momentum.yaml, the strategy with what it extends, and the flags.

    Raises `SettingsError` where the directory holds no momentum.yaml; all else that is wrong is in `findings`.
    """
    path = directory / WORKSPACE_FILE
    if not path.exists():
        message = f"there is none in {directory}; run `momentum init DIR`, or pass -C DIR"
        raise SettingsError([Finding(WORKSPACE_FILE, message)])
    workspace = read_file(path, WORKSPACE_FILE)
    set_layers, wrong_sets = flag_layers(flags.sets)
    layers = [*_strategy_layer(flags.strategy), *_data_layer(flags.data), *set_layers]
    named = merged([defaults(schema), workspace.table, *layers], schema).entries.get("strategy")
    name, mark = _strategy_name(named, schema)
    strategy = read_strategy(directory, name, mark)
    return Documents(
        strategy_name=name,
        strategy=strategy,
        workspace=workspace.table,
        flags=tuple(layers),
        findings=(*workspace.findings, *wrong_sets, *strategy.findings),
    )


def _own(table: Table) -> Table:
    """A strategy's file without what belongs in momentum.yaml."""
    return table.only({key for key in table.entries if key not in WORKSPACE_KEYS})


def _strategy_layer(name: str | None) -> list[Table]:
    if name is None:
        return []
    return [single(("strategy",), Scalar(name, False, Mark("--strategy")))]


def _data_layer(path: Path | None) -> list[Table]:
    """`--data PATH`: the files plugin on that path, and whatever symbols it holds."""
    if path is None:
        return []
    mark = Mark("--data")
    values = {"plugins.data": "files", "files.path": str(path.expanduser().absolute()), "universe": "all"}
    return [single(tuple(key.split(".")), Scalar(value, False, mark)) for key, value in values.items()]


def _strategy_name(named: Node | None, schema: Schema) -> tuple[str, Mark]:
    """The strategy's name and where it was named; the default, where what stands there is no name at all."""
    if isinstance(named, Scalar) and named.mark.where != DEFAULT:
        return named.text, named.mark
    return str(schema["properties"]["strategy"]["default"]), Mark(WORKSPACE_FILE)

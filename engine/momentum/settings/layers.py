"""The layers of the settings, laid over each other; every value keeps the place where it was written.

Mappings merge; anything else replaces what is below. A null deletes what is below, so that the default
holds again, except where the schema knows null as a value. Defaults lie below all layers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from momentum.errors import Finding
from momentum.settings.convert import Schema, child_of, is_absent, natural, types_of
from momentum.settings.nodes import DEFAULT, Items, Mark, Node, Scalar, Table, at, dotted
from momentum.settings.validate import clip, did_you_mean
from momentum.settings.yamlfile import Document, node_of, parse, read_file, single

STRATEGIES = "strategies"
_LONGEST_NAME = 80
EMPTY = Table({}, {}, Mark(DEFAULT))


@dataclass(frozen=True, slots=True)
class StrategyFiles:
    """A strategy with all that it extends, the furthest ancestor first; `found` where its own file was read."""

    files: tuple[Document, ...]
    findings: tuple[Finding, ...]
    found: bool


def merge(below: Table, above: Table, schema: Schema) -> Table:
    """Lay one document over another. `schema` tells where null is a value rather than a deletion."""
    entries, keys = dict(below.entries), dict(below.keys)
    for key, node in above.entries.items():
        part = child_of(schema, key)
        known = (
            key in entries
            or key in schema.get("properties", {})
            or schema.get("additionalProperties") is not False
        )
        if isinstance(node, Scalar) and node.is_null and known and "null" not in types_of(part):
            entries.pop(key, None)
            keys.pop(key, None)
            continue
        under = entries.get(key)
        if isinstance(node, Table):
            node = merge(under if isinstance(under, Table) else _empty_at(node), node, part)
        entries[key], keys[key] = node, above.keys[key]
    return Table(entries, keys, above.mark if above.entries else below.mark)


def _empty_at(node: Table) -> Table:
    return Table({}, {}, node.mark)


def merged(layers: Sequence[Table], schema: Schema) -> Table:
    """All layers, the lowest first."""
    result = EMPTY
    for layer in layers:
        result = merge(result, layer, schema)
    return result


def defaults(schema: Schema) -> Table:
    """The document that holds every default of a schema."""
    entries: dict[str, Node] = {}
    for key, part in schema.get("properties", {}).items():
        if not isinstance(part, Mapping):
            continue
        if "default" in part:
            entries[key] = node_of(part["default"], EMPTY.mark)
        elif (below := defaults(part)).entries:
            entries[key] = below
    return Table(entries, dict.fromkeys(entries, EMPTY.mark), EMPTY.mark)


def followed(tree: Table, schema: Schema) -> tuple[Table, Mapping[str, str]]:
    """Give each key that no layer sets the value of the key that it follows; returns their origins besides."""
    origins: dict[str, str] = {}
    for key, source in _followers(schema, ""):
        path = tuple(key.split("."))
        node = at(tree, tuple(source.split(".")))
        if at(tree, path) is None and node is not None:
            tree = merge(tree, single(path, node), schema)
            origins[key] = f"{source} ({node.mark})"
    return tree, origins


def _followers(schema: Schema, prefix: str) -> Iterator[tuple[str, str]]:
    for key, part in schema.get("properties", {}).items():
        if "x-follows" in part:
            yield f"{prefix}{key}", part["x-follows"]
        yield from _followers(part, f"{prefix}{key}.")


def origins(tree: Table) -> dict[str, str]:
    """Where each dotted key's value was written. A list is one value."""
    return {dotted(path): str(node.mark) for path, node in leaves(tree)}


def leaves(tree: Table, prefix: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Node]]:
    """Every value of a document that is no mapping, and every empty mapping, with its path."""
    for key, node in tree.entries.items():
        if isinstance(node, Table) and node.entries:
            yield from leaves(node, (*prefix, key))
        else:
            yield (*prefix, key), node


def flag_layers(sets: Sequence[str]) -> tuple[list[Table], list[Finding]]:
    """The layers that `--set KEY=VALUE` make, one each; a value is YAML."""
    layers: list[Table] = []
    findings: list[Finding] = []
    mark = Mark("--set")
    for text in sets:
        key, sign, value = text.partition("=")
        steps = tuple(key.strip().split("."))
        if not sign or not all(steps):
            findings.append(mark.finding(f"{clip(text)!r} is not KEY=VALUE, like limits.max_positions=4"))
            continue
        parsed = parse(value, mark.where, placed=False)
        findings += [mark.finding(finding.message, clip(key)) for finding in parsed.findings]
        if not parsed.findings:
            layers.append(single(steps, parsed.root or Scalar("", True, mark)))
    return layers, findings


def backtest_layer(tree: Table) -> Table:
    """What a strategy's `backtest:` section lays over momentum.yaml; the rest of the section stays where it is."""
    section = tree.entries.get("backtest")
    if not isinstance(section, Table):
        return EMPTY
    return section.only({"limits", "monitor", "decide"})


def read_strategy(directory: Path, name: str, named_at: Mark) -> StrategyFiles:
    """Read strategies/NAME.yaml and what it extends. `named_at` is where the strategy was named.

    A file that is missing, or that extends itself in a circle, is a finding where it was named.
    """
    files: list[Document] = []
    seen: list[str] = []
    key = "strategy"
    while True:
        where = f"{STRATEGIES}/{name}.yaml"
        problem = ""
        if name in seen:
            problem = f"{' extends '.join([*seen, name])}: a circle; remove one `extends:`"
        elif not _is_there(directory, name):
            problem = f"there is no file {clip(where)}{_other_strategy(directory, name)}"
        if problem:
            wrong = Finding(named_at.where, problem, key, named_at.line, named_at.column)
            return StrategyFiles(tuple(reversed(files)), (wrong, *_all(files)), bool(files))
        document = read_file(directory / where, where)
        parent = document.table.entries.get("extends")
        files.append(Document(document.table.without("extends"), document.findings))
        seen.append(name)
        if parent is None or (isinstance(parent, Scalar) and parent.is_null):
            return StrategyFiles(tuple(reversed(files)), tuple(_all(files)), True)
        if not isinstance(parent, Scalar):
            kind = "a list" if isinstance(parent, Items) else "a mapping"
            wrong = parent.mark.finding(f"must be the name of one strategy, not {kind}", "extends")
            return StrategyFiles(tuple(reversed(files)), (wrong, *_all(files)), True)
        name, named_at, key = parent.text, parent.mark, "extends"


def _is_there(directory: Path, name: str) -> bool:
    """True for the name of a file right in strategies/, so that a name never leads elsewhere."""
    plain = 0 < len(name) <= _LONGEST_NAME and not set(name) & set("/\\\n")
    return plain and (directory / STRATEGIES / f"{name}.yaml").is_file()


def _all(files: Sequence[Document]) -> list[Finding]:
    return [finding for document in files for finding in document.findings]


def _other_strategy(directory: Path, name: str) -> str:
    known = sorted(file.stem for file in (directory / STRATEGIES).glob("*.yaml"))
    hint = did_you_mean(name.removesuffix(".yaml"), known)
    if hint:
        return hint
    if not known:
        return f"; {STRATEGIES}/ holds none, see `momentum init`"
    return f"; known are {', '.join(known[:12])}"


def written(node: Node, schema: Schema) -> object:
    """A value as a person writes it: `10%` and `30m` stay as they are, `on` where a boolean stands is true."""
    if isinstance(node, Items):
        items = schema.get("items", {})
        return [written(item, items) for item in node.items]
    if isinstance(node, Table):
        return {key: written(child, child_of(schema, key)) for key, child in node.entries.items()}
    kinds = types_of(schema)
    return None if is_absent(node, kinds) else natural(node, kinds)

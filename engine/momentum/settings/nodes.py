"""The nodes of a YAML document: text, lists and mappings, each with the place where it was written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from momentum.errors import Finding

Path: TypeAlias = tuple[str | int, ...]
"""The way from the top of a document to a value: ("score", 2, "when")."""

DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Mark:
    """A place: `where` is a file as the person knows it, `--set`, `default`; `line` and `column` from 1."""

    where: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        return self.where if self.line is None else f"{self.where}:{self.line}"

    def finding(
        self, message: str, key: str = "", severity: Literal["error", "warning"] = "error"
    ) -> Finding:
        """What is wrong at this place."""
        return Finding(self.where, message, key, self.line, self.column, severity)


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value as text; `plain` where it was written without quotes, and may be more than text."""

    text: str
    plain: bool
    mark: Mark

    @property
    def is_null(self) -> bool:
        """True where nothing was written, or null."""
        return self.plain and self.text in ("", "~", "null", "Null", "NULL")


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    items: tuple[Node, ...]
    mark: Mark


@dataclass(frozen=True, slots=True)
class Table:
    """A mapping, in the order of the file; `keys` hold the places of the keys themselves."""

    entries: Mapping[str, Node]
    keys: Mapping[str, Mark]
    mark: Mark

    def without(self, key: str) -> Table:
        """The same without one key."""
        entries = {name: node for name, node in self.entries.items() if name != key}
        return Table(entries, {name: self.keys[name] for name in entries}, self.mark)

    def only(self, names: frozenset[str] | set[str]) -> Table:
        """The same with those keys alone."""
        entries = {name: node for name, node in self.entries.items() if name in names}
        return Table(entries, {name: self.keys[name] for name in entries}, self.mark)


Node: TypeAlias = Scalar | Items | Table


def at(root: Node, path: Path) -> Node | None:
    """The node that a path leads to, or None."""
    node: Node | None = root
    for step in path:
        if isinstance(node, Table) and isinstance(step, str):
            node = node.entries.get(step)
        elif isinstance(node, Items) and isinstance(step, int) and 0 <= step < len(node.items):
            node = node.items[step]
        else:
            return None
    return node


def mark_of(root: Node, path: Path) -> Mark:
    """The place of the value that a path leads to, or of the nearest value around it."""
    for length in range(len(path), 0, -1):
        node = at(root, path[:length])
        if node is not None:
            return node.mark
    return root.mark


def key_mark_of(root: Node, path: Path) -> Mark:
    """The place of the key that a path ends with."""
    parent = at(root, path[:-1])
    if isinstance(parent, Table) and path and path[-1] in parent.keys:
        return parent.keys[str(path[-1])]
    return mark_of(root, path)


def dotted(path: Path) -> str:
    """`score[2].when`: a path as it is shown."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def removed(root: Table, path: Path) -> Table:
    """The document without what a path leads to; inside a list the whole item goes."""
    key, rest = str(path[0]), path[1:]
    node = root.entries.get(key)
    if node is None:
        return root
    if isinstance(node, Table) and rest:
        return Table({**root.entries, key: removed(node, rest)}, root.keys, root.mark)
    if isinstance(node, Items) and rest and isinstance(rest[0], int):
        kept = tuple(item for place, item in enumerate(node.items) if place != rest[0])
        return Table({**root.entries, key: Items(kept, node.mark)}, root.keys, root.mark)
    return root.without(key)

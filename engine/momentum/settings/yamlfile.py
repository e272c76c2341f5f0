"""YAML as people write it, read into nodes that keep the text of each value and the place where it stands.

A value stays text here: what `on`, `12:30` or `010` means is decided by the schema (see `convert`). Whatever
is wrong with a file ends in findings with our own short words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from momentum.errors import Finding
from momentum.settings.mistakes import explain
from momentum.settings.nodes import Items, Mark, Node, Scalar, Table

MAX_BYTES = 2_000_000
MAX_NODES = 20_000
"""After aliases: a file of a few lines can otherwise multiply into millions of values."""
MAX_DEPTH = 50

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TEXT_TAGS = (None, "!", "tag:yaml.org,2002:str")


@dataclass(frozen=True, slots=True)
class Parsed:
    """What came of a YAML text: its top node, None where there is none, and what is wrong with it."""

    root: Node | None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """What came of a file: its top mapping, empty where there is none, and what is wrong with it."""

    table: Table
    findings: tuple[Finding, ...] = ()


def read_file(path: Path, where: str) -> Document:
    """Read a YAML file whose top is a mapping; `where` is the file's name as the person knows it."""
    top = Mark(where, 1, 1)
    nothing = Table({}, {}, top)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        return Document(nothing, (Finding(where, f"cannot be read: {error.strerror or error}"),))
    if len(content) > MAX_BYTES:
        return Document(nothing, (Finding(where, "is over 2 MB; this is no settings file"),))
    text = _decoded(content, where)
    if isinstance(text, Finding):
        return Document(nothing, (text,))
    parsed = parse(text, where)
    if parsed.findings and parsed.root is None:
        return Document(nothing, parsed.findings)
    if parsed.root is None:
        return Document(nothing, (top.finding("is empty; write at least one `key: value`"),))
    if not isinstance(parsed.root, Table):
        found = "a list" if isinstance(parsed.root, Items) else "a single value"
        wrong = parsed.root.mark.finding(f"must be a mapping (key: value) at its top, not {found}")
        return Document(nothing, (*parsed.findings, wrong))
    return Document(parsed.root, parsed.findings)


def parse(text: str, where: str, *, placed: bool = True) -> Parsed:
    """Read a YAML text. Lines and columns are kept where it is `placed` in a file; a flag's text is not."""
    unprintable = _UNPRINTABLE.search(text)
    if unprintable is not None:
        message = f"the character U+{ord(unprintable[0]):04X} cannot stand in YAML; remove it"
        return Parsed(None, (_place(text, unprintable.start(), where, placed).finding(message),))
    composer = _Composer(text, where, placed)
    try:
        root = composer.document()
    except _Stop as stop:
        return Parsed(None, (*composer.findings, stop.finding))
    except yaml.YAMLError as error:
        line, column, message = explain(error, text)
        mark = Mark(where, line, column) if placed else Mark(where)
        return Parsed(None, (*composer.findings, mark.finding(message)))
    return Parsed(root, tuple(composer.findings))


def _decoded(content: bytes, where: str) -> str | Finding:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Finding(where, "is UTF-16; save it as UTF-8", line=1, column=1)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8", "replace")
        mark = _place(before, len(before), where, True)
        return mark.finding(f"the byte 0x{content[error.start]:02X} is not UTF-8; save the file as UTF-8")


def _place(text: str, offset: int, where: str, placed: bool) -> Mark:
    if not placed:
        return Mark(where)
    start = text.rfind("\n", 0, offset) + 1
    return Mark(where, text.count("\n", 0, offset) + 1, offset - start + 1)


class _Stop(Exception):  # noqa: N818 - it ends the reading, it is not an error that anybody sees
    """Nothing more can be read after this finding."""

    def __init__(self, finding: Finding) -> None:
        self.finding = finding


@dataclass(slots=True)
class _Composer:
    """Builds nodes from the parser's events, which come lazily: a hostile file is left where it is refused."""

    text: str
    where: str
    placed: bool
    findings: list[Finding] = field(default_factory=list)
    anchors: dict[str, tuple[Node, int] | None] = field(default_factory=dict)
    count: int = 0

    def document(self) -> Node | None:
        events = iter(yaml.parse(self.text, Loader=_LOADER))
        next(events)
        event = next(events)
        if isinstance(event, yaml.StreamEndEvent):
            return None
        root = self.node(events, next(events), 0)
        next(events)
        after = next(events)
        if not isinstance(after, yaml.StreamEndEvent):
            raise _Stop(self.mark(after).finding("a second document begins here; a file holds one"))
        return root

    def mark(self, event: Any) -> Mark:
        if not self.placed:
            return Mark(self.where)
        return Mark(self.where, event.start_mark.line + 1, event.start_mark.column + 1)

    def node(self, events: Iterator[Any], event: Any, depth: int) -> Node:
        mark = self.mark(event)
        if isinstance(event, yaml.AliasEvent):
            return self.alias(event, mark)
        self.add(1, mark)
        if depth > MAX_DEPTH:
            raise _Stop(mark.finding(f"nested more than {MAX_DEPTH} deep"))
        if isinstance(event, yaml.ScalarEvent) and event.tag not in _TEXT_TAGS:
            self.findings.append(mark.finding(f"the tag {_short(event.tag)} is not used here; remove it"))
        before = self.count
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        found = self.content(events, event, mark, depth)
        if event.anchor is not None:
            self.anchors[event.anchor] = (found, self.count - before + 1)
        return found

    def content(self, events: Iterator[Any], event: Any, mark: Mark, depth: int) -> Node:
        if isinstance(event, yaml.ScalarEvent):
            return Scalar(event.value, bool(event.implicit[0]), mark)
        if isinstance(event, yaml.SequenceStartEvent):
            return Items(tuple(self.items(events, depth)), mark)
        return self.table(events, mark, depth)

    def items(self, events: Iterator[Any], depth: int) -> Iterator[Node]:
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            yield self.node(events, event, depth + 1)

    def table(self, events: Iterator[Any], mark: Mark, depth: int) -> Table:
        entries: dict[str, Node] = {}
        keys: dict[str, Mark] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            at = self.mark(event)
            key = self.node(events, event, depth + 1)
            value = self.node(events, next(events), depth + 1)
            if not isinstance(key, Scalar):
                self.findings.append(at.finding("a key must be a name, not a list or a mapping"))
            elif key.text in entries:
                first = f" (first in line {keys[key.text].line})" if self.placed else ""
                self.findings.append(at.finding(f"{_short(key.text)} stands here twice{first}; keep one"))
            else:
                entries[key.text], keys[key.text] = value, at
        return Table(entries, keys, mark)

    def alias(self, event: Any, mark: Mark) -> Node:
        name = event.anchor
        if name not in self.anchors:
            raise _Stop(mark.finding(f"*{_short(name)} refers to nothing: there is no &{_short(name)} above"))
        known = self.anchors[name]
        if known is None:
            raise _Stop(mark.finding(f"*{_short(name)} stands inside what it refers to"))
        found, size = known
        self.add(size, mark)
        return found

    def add(self, size: int, mark: Mark) -> None:
        self.count += size
        if self.count > MAX_NODES:
            raise _Stop(
                mark.finding(f"more than {MAX_NODES:,} values, aliases counted; this is no settings file")
            )


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 40 else line[:37] + "..."


def single(keys: tuple[str, ...], value: Node) -> Table:
    """The mapping that holds one value under a path of keys."""
    mark = value.mark
    for key in reversed(keys):
        value = Table({key: value}, {key: mark}, mark)
    if not isinstance(value, Table):
        raise ValueError("a path of at least one key is needed")
    return value


def node_of(value: object, mark: Mark) -> Node:
    """The node of a plain value, as if a person had written it at `mark`; text that reads as null is quoted."""
    if isinstance(value, Mapping):
        entries = {str(key): node_of(item, mark) for key, item in value.items()}
        return Table(entries, dict.fromkeys(entries, mark), mark)
    if isinstance(value, list | tuple):
        return Items(tuple(node_of(item, mark) for item in value), mark)
    if value is None:
        return Scalar("null", True, mark)
    if isinstance(value, bool):
        return Scalar("true" if value else "false", True, mark)
    text = str(value)
    return Scalar(text, not Scalar(text, True, mark).is_null, mark)

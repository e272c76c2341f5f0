"""Keys and passwords: they come from the environment or `.env`, and never from YAML."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from momentum.errors import Finding, SettingsError
from momentum.settings import nodes
from momentum.settings.nodes import Node, Table
from momentum.settings.validate import Fault

_SECRET_KEY = re.compile(
    r"(^|[_-])(api[_-]?key|key[_-]?id|access[_-]?key|secret([_-]?key)?|token|password|passwd)$", re.IGNORECASE
)
_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)")
_VALUE = re.compile(r"'([^']*)'|\"((?:[^\"\\]|\\.)*)\"|([^\s'\"](?:(?!\s#).)*|)")
_NAMED_BY_PEOPLE = ("features", "columns", "filters", "score", "reversal")


def environment(directory: Path) -> Mapping[str, str]:
    """The process's environment, with what the directory's `.env` adds; the process's own values win.

    Lines of `.env` are `KEY=VALUE`, with quotes where wanted; `#` begins a comment. Raises `SettingsError`
    with each line that is not one; a value is never repeated in a message.
    """
    path = directory / ".env"
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return dict(os.environ)
    except (OSError, UnicodeDecodeError) as error:
        reason = (
            "is not UTF-8" if isinstance(error, UnicodeDecodeError) else f"cannot be read: {error.strerror}"
        )
        raise SettingsError([Finding(".env", reason)]) from error
    found: dict[str, str] = {}
    findings: list[Finding] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.strip().startswith("#"):
            continue
        entry = _entry(line.strip())
        if entry is None:
            findings.append(Finding(".env", "is not KEY=VALUE", line=number, column=1))
        else:
            found[entry[0]] = entry[1]
    if findings:
        raise SettingsError(findings)
    return {**found, **os.environ}


def _entry(line: str) -> tuple[str, str] | None:
    match = _LINE.fullmatch(line)
    if match is None:
        return None
    value = re.fullmatch(rf"(?:{_VALUE.pattern})\s*(?:#.*)?", match[2])
    if value is None:
        return None
    single, double, plain = value.groups()
    if double is not None:
        return match[1], re.sub(r"\\(.)", r"\1", double)
    return match[1], single if single is not None else plain.strip()


def secrets_in(tree: Table) -> Iterator[Fault]:
    """Every key that looks like one for a secret; what a strategy names itself is left alone."""
    for key, node in tree.entries.items():
        if key not in _NAMED_BY_PEOPLE:
            yield from _below(node, (key,))


def _below(node: Node, path: nodes.Path) -> Iterator[Fault]:
    name = str(path[-1])
    if _SECRET_KEY.search(name):
        yield Fault(
            path, "a secret does not belong in YAML; put it in .env beside momentum.yaml", at_key=True
        )
    elif isinstance(node, Table):
        for key, child in node.entries.items():
            yield from _below(child, (*path, key))

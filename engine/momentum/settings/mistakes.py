"""What a YAML parser's complaint means to the person who wrote the file."""

from __future__ import annotations

from typing import Any

import yaml

_AT_THE_START = (
    ("unexpected end of stream", "this quote is never closed"),
    ("',' or ']'", "this [ is never closed, or a comma is missing in it"),
    ("',' or '}'", "this { is never closed, or a comma is missing in it"),
    ("expected ':'", "not a `key: value`; put a space after the colon, or the text in quotes"),
)
"""Where the mistake lies at the beginning of what was being read, not where reading ended."""

_AT_THE_END = (
    (
        "mapping values are not allowed",
        "a second `: ` in a value, or a wrong indentation; put the text in quotes",
    ),
    ("nesting depth", "nested more than 50 deep"),
    ("sequence entries are not allowed", "a list item cannot begin here; put it on a line of its own"),
    ("unknown escape", "an unknown escape in a quoted text; use single quotes"),
    ("tag handle", "tags (!) are not used here; put the text in quotes"),
    ("tab character", "a tab; indent with spaces"),
    ("directive", "a line cannot begin with %; put the text in quotes"),
    ("document start", "a line cannot begin with %; put the text in quotes"),
    ("node content", "a value is missing here, or the text needs quotes"),
    ("expected key", "a wrong indentation, or something that is not `key: value`"),
    ("expected '-'", "a wrong indentation, or a list item without its dash"),
    ("<block end>", "a wrong indentation, or something that is not `key: value`"),
    ("anchor", "an & or * needs a name; put the text in quotes"),
    ("alias", "an & or * needs a name; put the text in quotes"),
)


def explain(error: yaml.YAMLError, text: str) -> tuple[int, int, str]:
    """Line and column from 1, and a short message, for an error of PyYAML's parser over `text`."""
    end = getattr(error, "problem_mark", None)
    start = getattr(error, "context_mark", None) or end
    problem = str(getattr(error, "problem", None) or "")
    for words, message in _AT_THE_START:
        if words in problem:
            return *_place(start), message
    character = _character(text, end)
    if "cannot start any token" in problem:
        if character == "\t":
            return *_place(end), "a tab; indent with spaces"
        return *_place(end), f"{character} cannot begin a value; put the text in quotes"
    for words, message in _AT_THE_END:
        if words in problem:
            return *_place(end), message
    return *_place(end or start), "not YAML that can be read; look at indentation, colons and quotes"


def _place(mark: Any) -> tuple[int, int]:
    return (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)


def _character(text: str, mark: Any) -> str:
    lines = text.split("\n", mark.line + 1) if mark is not None else []
    line = lines[mark.line] if mark is not None and mark.line < len(lines) else ""
    return line[mark.column : mark.column + 1] if mark is not None else ""

"""Reading YAML as people write it: places, text that stays text, and hostile files."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from momentum.settings.convert import natural
from momentum.settings.nodes import Items, Mark, Node, Scalar, Table, at
from momentum.settings.yamlfile import Document, parse, read_file


def read(directory: Path, content: str | bytes) -> Document:
    path = directory / "momentum.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_file(path, "momentum.yaml")


def lines(document: Document) -> list[str]:
    return [str(finding) for finding in document.findings]


def value(text: str) -> object:
    """What a plain scalar reads as where no schema asks for anything."""
    node = parse(f"key: {text}", "x").root
    assert isinstance(node, Table)
    scalar = node.entries["key"]
    assert isinstance(scalar, Scalar)
    return natural(scalar)


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{below}'] * 10)}]\n"
    for below, name in zip("abcdefg", "bcdefgh", strict=True)
)

HOSTILE: dict[str, tuple[str | bytes, str]] = {
    "a key twice": ("a: 1\nb: 2\na: 3\n", "3:1: a stands here twice (first in line 1); keep one"),
    "a key twice, deeper": ("m:\n  a: 1\n  a: 3\n", "3:3: a stands here twice (first in line 2); keep one"),
    "a tab": ("a:\n\tb: 1\n", "2:1: a tab; indent with spaces"),
    "an unknown anchor": ("a: *b\n", "1:4: *b refers to nothing: there is no &b above"),
    "an alias of itself": ("a: &x\n  b: *x\n", "2:6: *x stands inside what it refers to"),
    "a bomb of aliases": (BOMB, "5:8: more than 20,000 values, aliases counted; this is no settings file"),
    "an empty file": ("", "1:1: is empty; write at least one `key: value`"),
    "only comments": ("# nothing\n", "1:1: is empty; write at least one `key: value`"),
    "a list": ("- a\n- b\n", "1:1: must be a mapping (key: value) at its top, not a list"),
    "a word": ("hello\n", "1:1: must be a mapping (key: value) at its top, not a single value"),
    "broken UTF-8": (b"a: 1\nb: caf\xe9 x\n", "2:7: the byte 0xE9 is not UTF-8; save the file as UTF-8"),
    "UTF-16": ("a: 1\n".encode("utf-16"), "1:1: is UTF-16; save it as UTF-8"),
    "a NUL": (b"a: 1\nb: x\x00\n", "2:5: the character U+0000 cannot stand in YAML; remove it"),
    "two documents": ("a: 1\n---\nb: 1\n", "2:1: a second document begins here; a file holds one"),
    "an open bracket": ("a: [1, 2\nb: 3\n", "1:4: this [ is never closed, or a comma is missing in it"),
    "an open brace": ("a: {b: 1\n", "1:4: this { is never closed, or a comma is missing in it"),
    "an open quote": ("a: 'x\nb: 1\n", "1:4: this quote is never closed"),
    "a colon in a value": (
        "a: b: c\n",
        "1:5: a second `: ` in a value, or a wrong indentation; put the text in quotes",
    ),
    "no key": (
        "a: 1\nhello\n",
        "2:1: not a `key: value`; put a space after the colon, or the text in quotes",
    ),
    "a wrong indentation": (
        "a:\n    b: 1\n  c: 2\n",
        "3:3: a wrong indentation, or something that is not `key: value`",
    ),
    "a sign that needs quotes": ("a: @x\n", "1:4: @ cannot begin a value; put the text in quotes"),
    "a percent sign first": ("a: %x\n", "1:4: % cannot begin a value; put the text in quotes"),
    "a tag": (
        "a: !!python/object:os.system x\n",
        "1:4: the tag tag:yaml.org,2002:python/object:os.sy... is not used here; remove it",
    ),
    "a list as a key": ("? [a]\n: 1\n", "1:3: a key must be a name, not a list or a mapping"),
    "deep": ("a: " + "[" * 60 + "]" * 60 + "\n", "1:54: nested more than 50 deep"),
    "very deep": ("[" * 500_000, "1:1001: nested more than 50 deep"),
    "too long": (b"#" * 2_000_001, " is over 2 MB; this is no settings file"),
    "too many values": ("- a\n" * 30_000, "20000:3: more than 20,000 values"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_one_short_line_with_its_place_within_a_second(name: str, tmp_path: Path) -> None:
    content, expected = HOSTILE[name]
    started = time.process_time()
    document = read(tmp_path, content)
    assert time.process_time() - started < 1
    (line,) = lines(document)
    shown = line.removeprefix("momentum.yaml:")
    assert shown.startswith(expected) if name == "too many values" else shown == expected
    assert len(line) < 140


def test_all_keys_that_stand_twice_are_found_in_one_go(tmp_path: Path) -> None:
    assert len(lines(read(tmp_path, "a: 1\na: 2\nb: 1\nb: 2\n"))) == 2


def test_a_directory_or_a_missing_file_is_a_finding(tmp_path: Path) -> None:
    assert lines(read_file(tmp_path, "momentum.yaml")) == ["momentum.yaml: cannot be read: Is a directory"]
    assert "No such file" in lines(read_file(tmp_path / "x.yaml", "x.yaml"))[0]


def test_every_value_and_key_knows_its_place(tmp_path: Path) -> None:
    table = read(tmp_path, "\ufefflimits:\n  sizes: [10%, 20%]\n  rule: |\n    price > 5\n").table
    assert table.keys["limits"] == Mark("momentum.yaml", 1, 1)
    second = at(table, ("limits", "sizes", 1))
    assert second == Scalar("20%", True, Mark("momentum.yaml", 2, 16))
    rule = at(table, ("limits", "rule"))
    assert rule == Scalar("price > 5\n", False, Mark("momentum.yaml", 3, 9))


def test_an_alias_stands_for_what_it_refers_to(tmp_path: Path) -> None:
    table = read(tmp_path, "a: &x {b: 1}\nc: *x\n").table
    assert table.entries["c"] is table.entries["a"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12:30", "12:30"),
        ("010", 10),
        ("0o17", 15),
        ("0x1F", 31),
        ("1_000", "1_000"),
        ("+5", 5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("-.inf", float("-inf")),
        ("on", "on"),
        ("NO", "NO"),
        ("y", "y"),
        ("TRUE", True),
        ("true", True),
        ("~", None),
        ("null", None),
        ("", None),
        ("2026-01-05", "2026-01-05"),
        ("'5'", "5"),
        ("!!str 5", "5"),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_plain_values_read_as_in_yaml_1_2(text: str, expected: object) -> None:
    found = value(text)
    assert found == expected
    assert type(found) is type(expected)


def plain(node: Node | None) -> object:
    """A document without its marks."""
    if isinstance(node, Table):
        return {key: plain(child) for key, child in node.entries.items()}
    if isinstance(node, Items):
        return [plain(item) for item in node.items]
    return node.text if isinstance(node, Scalar) else None


@given(st.text(max_size=60) | st.text("[]{}:,-&*!|>'\"%@`#? \n\tab1", max_size=40))
def test_no_text_whatever_raises_and_each_finding_is_one_line_in_its_file(text: str) -> None:
    parsed = parse(text, "x.yaml")
    for found in parsed.findings:
        assert "\n" not in str(found)
        assert found.line is not None and 1 <= found.line <= text.count("\n") + text.count("\r") + 3


@given(
    st.recursive(
        st.from_regex(r"[a-z0-9.%]{1,8}", fullmatch=True),
        lambda below: (
            st.lists(below, max_size=4) | st.dictionaries(st.from_regex(r"[a-z]{1,6}", fullmatch=True), below)
        ),
        max_leaves=20,
    )
)
def test_what_was_written_is_what_is_read(tree: object) -> None:
    def flow(part: object) -> str:
        if isinstance(part, dict):
            return "{" + ", ".join(f"{key}: {flow(item)}" for key, item in part.items()) + "}"
        return f"[{', '.join(map(flow, part))}]" if isinstance(part, list) else f"'{part}'"

    parsed = parse(f"top: {flow(tree)}", "x.yaml")
    assert not parsed.findings
    assert plain(parsed.root) == {"top": tree}

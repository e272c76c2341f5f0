"""The universe: the symbols that may be traded, each with its size class and sector."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from momentum.errors import Finding, SettingsError
from momentum.model.market import CAPS, UNCLASSIFIED, Cap

_KEYS = ("symbols", "sectors", "as_of", "source")


@dataclass(frozen=True, slots=True)
class Universe:
    """`symbols` are sorted, or None where the universe is whatever the data holds.

    `caps` and `sectors` map a symbol to its size class and sector; `as_of` and `source` say, for a person,
    on which day and by what the classes were made.
    """

    symbols: tuple[str, ...] | None
    caps: Mapping[str, Cap] = field(default_factory=dict)
    sectors: Mapping[str, str] = field(default_factory=dict)
    as_of: str = ""
    source: str = ""

    @classmethod
    def everything(cls) -> Universe:
        """Whatever the data holds, all of it unclassified."""
        return cls(None)

    def cap_of(self, symbol: str) -> Cap:
        """The symbol's size class, `unclassified` where the universe does not name it."""
        return self.caps.get(symbol, UNCLASSIFIED)

    def sector_of(self, symbol: str) -> str:
        """The symbol's sector, empty where it is not known."""
        return self.sectors.get(symbol, "")


def universe_of(path: Path | None) -> Universe:
    """The universe that the settings name: a file, or (None) whatever the data holds. Raises as `load_universe`."""
    return Universe.everything() if path is None else load_universe(path)


def load_universe(path: Path) -> Universe:
    """Read and check a universe file: `{"symbols": {"large": [...], ...}, "sectors": {"AAPL": "..."}}`.

    Raises `SettingsError` with every finding: unreadable, wrong shape, no symbol at all, a symbol twice (in
    one class or across them), one that is not in capitals, a sector for a symbol that is not there.
    """
    content = _read(path)
    findings = tuple(Finding(str(path), message, key) for key, message in _faults(content))
    if findings:
        raise SettingsError(findings)
    caps: dict[str, Cap] = {symbol: cap for cap in CAPS for symbol in content["symbols"].get(cap, ())}
    return Universe(
        symbols=tuple(sorted(caps)),
        caps=caps,
        sectors=content.get("sectors", {}),
        as_of=content.get("as_of", ""),
        source=content.get("source", ""),
    )


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        reason = error.strerror or str(error)
        raise SettingsError([Finding(str(path), f"the universe cannot be read: {reason}")]) from error
    except json.JSONDecodeError as error:
        message = f"not JSON: {error.msg}"
        raise SettingsError([Finding(str(path), message, line=error.lineno, column=error.colno)]) from error
    except UnicodeDecodeError as error:
        raise SettingsError([Finding(str(path), "not a text file in UTF-8")]) from error


def _faults(content: Any) -> Iterator[tuple[str, str]]:
    """(key, message) for everything that is wrong."""
    if not isinstance(content, dict):
        yield "", f"must be an object with the keys {', '.join(_KEYS)}, not {_kind(content)}"
        return
    yield from (("", _unknown("key", key, _KEYS)) for key in content if key not in _KEYS)
    yield from (
        (key, f"must be text, not {_kind(content[key])}")
        for key in ("as_of", "source")
        if not isinstance(content.get(key, ""), str)
    )
    symbols = content.get("symbols")
    if not isinstance(symbols, dict):
        found = "is missing" if symbols is None else f"must be an object, not {_kind(symbols)}"
        yield "symbols", f'{found}; write {{"large": [...], "mid": [...], "small": [...]}}'
        return
    seen: dict[str, str] = {}
    for cap, names in symbols.items():
        yield from _class_faults(cap, names, seen)
    if not seen:
        yield "symbols", "is empty; name at least one symbol in one of the classes"
    yield from _sector_faults(content.get("sectors", {}), seen)


def _class_faults(cap: str, names: Any, seen: dict[str, str]) -> Iterator[tuple[str, str]]:
    """The faults of one class; adds its symbols to `seen` (symbol to the class that names it first)."""
    key = f"symbols.{cap}"
    if cap not in CAPS:
        yield "symbols", _unknown("class", cap, CAPS)
        return
    if not isinstance(names, list):
        yield key, f"must be a list of symbols, not {_kind(names)}"
        return
    for name in names:
        if not isinstance(name, str):
            yield key, f"{json.dumps(name)} is not a symbol; write it as text"
        elif not name or name != name.strip().upper():
            yield (
                key,
                f"{name!r} is not a symbol; write {name.strip().upper()!r}"
                if name.strip()
                else "empty symbol",
            )
        elif name in seen:
            yield key, f"{name} stands twice (first in {seen[name]}); leave it in one class"
        else:
            seen[name] = cap


def _sector_faults(sectors: Any, known: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if not isinstance(sectors, dict):
        yield "sectors", f"must be an object, symbol to sector, not {_kind(sectors)}"
        return
    for symbol, sector in sectors.items():
        if symbol not in known:
            yield "sectors", _unknown("symbol", symbol, tuple(known))
        elif not isinstance(sector, str):
            yield f"sectors.{symbol}", f"must be text, not {_kind(sector)}"


def _unknown(what: str, name: str, known: tuple[str, ...]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"unknown {what} {name!r}" + (f"; did you mean {near[0]!r}?" if near else "")


def _kind(value: Any) -> str:
    kinds = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")

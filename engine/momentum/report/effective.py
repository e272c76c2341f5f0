"""The settings of a backtest as its report may show them to anybody, anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath, PureWindowsPath

from momentum.backtest.result import Result
from momentum.redaction import without_password


def shown_settings(result: Result) -> Mapping[str, Mapping[str, object]]:
    """Each dotted key's value and origin, without a password in a URL.

    Of an absolute path its last part stays: a report says nothing of the machine it was made on, and is the same
    on another. The digest of the bars says which data it was.
    """
    return {key: _row(row) for key, row in result.settings.items()}


def written(value: object) -> str:
    """A value as a person writes it in the YAML."""
    if value is None:
        return "off"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {written(item)}" for key, item in value.items())
    return ", ".join(map(written, value)) or "none" if isinstance(value, list | tuple) else str(value)


def _row(row: object) -> Mapping[str, object]:
    known = row if isinstance(row, Mapping) else {"value": row}
    return {"value": _bare(known.get("value")), "origin": str(_bare(known.get("origin") or ""))}


def _bare(value: object) -> object:
    if isinstance(value, str):
        return _without_place(without_password(value))
    if isinstance(value, Mapping):
        return {key: _bare(item) for key, item in value.items()}
    return [_bare(item) for item in value] if isinstance(value, list | tuple) else value


def _without_place(text: str) -> str:
    scheme, mark, address = text.rpartition("://")
    here = address.removeprefix("/") if scheme == "sqlite" else text
    for kind in (PurePosixPath, PureWindowsPath):
        if kind(here).is_absolute():
            name = kind(here).name
            return f"{scheme}{mark}/{name}" if here != text else name
    return text

"""Which of a file's columns is which: by the vendor that writes such a header, by one's own mapping, by name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from textwrap import shorten

from momentum.errors import DataError
from momentum_plugins.files.vendors import PLAIN, VENDORS, Vendor

NEEDED = ("symbol", "ts", "open", "high", "low", "close", "volume")
_RENAMED = re.compile(r"_duplicated_\d+$")
"""What polars adds to a name that a CSV has twice."""
_NUMBER = re.compile(r"-?[\d.]+")
_MANY_NAMES, _LONG_NAME = 12, 40


@dataclass(frozen=True, slots=True)
class Header:
    """The file's own name of each of our columns; `vendor` is None for the plain form and one's own mapping."""

    columns: Mapping[str, str]
    vendor: Vendor | None = None

    def without(self, *names: str) -> Header:
        """The header as if it had no such columns."""
        return Header({ours: own for ours, own in self.columns.items() if ours not in names}, self.vendor)


class _Names:
    """The names of a file's columns, found without regard to case."""

    def __init__(self, found: Sequence[str], shown: str) -> None:
        self.found = found
        self.shown = shown
        self._own: dict[str, list[str]] = {}
        for name in found:
            self._own.setdefault(_RENAMED.sub("", name).strip().lower(), []).append(name)
        self.order = {name: place for place, name in enumerate(self._own)}

    def get(self, name: str) -> str | None:
        """The file's own name; None where it has no such column. Raises `DataError` where it has several."""
        own = self._own.get(name.strip().lower(), ())
        if len(own) > 1:
            raise DataError(f"{self.shown}: has the column {name} {len(own)} times; leave one of them")
        return own[0] if own else None

    def first(self, names: Sequence[str]) -> str | None:
        return next((own for name in names if (own := self.get(name)) is not None), None)

    def listed(self) -> str:
        names = [shorten(name, _LONG_NAME) for name in self.found]
        more = f" and {len(names) - _MANY_NAMES} more" if len(names) > _MANY_NAMES else ""
        return ", ".join(names[:_MANY_NAMES]) + more


def recognise(found: Sequence[str], shown: str, mapping: Mapping[str, str], *, by_file_name: bool) -> Header:
    """The columns of bars in a file with the names `found`.

    `mapping` is `files.columns`; with `by_file_name` the symbol may be missing, because the file is named by it.
    Raises `DataError` where a column is missing, or is there twice.
    """
    names = _Names(found, shown)
    if mapping:
        own = {_ours(name): _mapped(names, name, theirs) for name, theirs in mapping.items()}
        others = [name for name in NEEDED if name not in own and not (by_file_name and name == "symbol")]
        return Header({**_optional(names, own), **_plain(names, others), **own})
    vendor = _vendor(names, by_file_name)
    if vendor is not None:
        columns = {ours: names.get(theirs) for ours, theirs in (*vendor.may.items(), *vendor.has.items())}
        return Header({ours: name for ours, name in columns.items() if name is not None}, vendor)
    needed = [name for name in NEEDED if not (by_file_name and name == "symbol")]
    columns_found = _plain(names, needed)
    return Header({**_optional(names, columns_found), **columns_found})


def named(found: Sequence[str], shown: str, wanted: Sequence[str]) -> Header:
    """The `wanted` columns by their plain names alone. Raises `DataError` as `recognise` does."""
    return Header(_plain(_Names(found, shown), wanted))


def _plain(names: _Names, wanted: Sequence[str]) -> dict[str, str]:
    columns = {}
    for name in wanted:
        own = names.first(PLAIN[name])
        if own is None:
            raise DataError(_missing(names, PLAIN[name]))
        columns[name] = own
    return columns


def _optional(names: _Names, columns: Mapping[str, str]) -> dict[str, str]:
    """The symbol, an adjusted close, and a time of day beside a date, where the file has them."""
    found = {name: names.first(PLAIN[name]) for name in ("symbol", "adjusted")}
    time = names.first(PLAIN["time"])
    if time is not None and columns.get("ts", "").strip().lower() == "date":
        found["time"] = time
    return {name: own for name, own in found.items() if own is not None}


def _vendor(names: _Names, by_file_name: bool) -> Vendor | None:
    fitting = [
        vendor
        for vendor in VENDORS
        if names.order.keys() >= set(vendor.has.values())
        and names.order.keys().isdisjoint(vendor.without)
        and (by_file_name or "symbol" in vendor.has or vendor.may.get("symbol", "") in names.order)
    ]
    in_order = (v for v in fitting if (places := [names.order[n] for n in v.has.values()]) == sorted(places))
    return next(in_order, fitting[0] if fitting else None)


def _ours(name: str) -> str:
    return "ts" if name == "date" else name


def _mapped(names: _Names, name: str, theirs: str) -> str:
    own = names.get(theirs)
    if own is None:
        near = get_close_matches(theirs, names.found, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise DataError(
            f"{names.shown}: has no column {shorten(theirs, _LONG_NAME)!r}, which files.columns.{name} names{hint};"
            f" it has {names.listed()}"
        )
    return own


def _missing(names: _Names, accepted: Sequence[str]) -> str:
    if any(_NUMBER.fullmatch(name) for name in names.found):
        return (
            f"{names.shown}: its first line holds values ({names.listed()}), not the names of the columns;"
            " write them above it"
        )
    near = get_close_matches(accepted[0], [shorten(name, _LONG_NAME) for name in names.found], n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    if accepted[0] == "symbol":
        todo = "add it, or put one file for each symbol, named by it, into a directory"
    else:
        key = "date" if accepted[0] == "ts" else accepted[0]
        todo = f"name the file's own in files.columns.{key}, or add it"
    return f"{names.shown}: has no column {' or '.join(accepted)}{hint}; it has {names.listed()}; {todo}"

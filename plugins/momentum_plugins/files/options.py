"""What a person says about how bars are written, and the schema of the section `files:`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DEFAULT_PATH = "data/bars.parquet"
MAPPED = ("symbol", "date", "time", "open", "high", "low", "close", "adjusted", "volume")
"""What `files.columns` may name; `time` is a time of day that stands beside the date."""


@dataclass(frozen=True, slots=True)
class Options:
    """How the bars are written. What is None, or not among `columns`, is recognised from the files themselves.

    `zone` is that of times written without one, `columns` maps the names of `MAPPED` to the file's own,
    `date_format` is a strptime pattern, `decimal` the mark before a price's fraction. Where `adjusted` is true,
    prices are scaled to the file's adjusted close.
    """

    zone: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    adjusted: bool = False
    date_format: str | None = None
    decimal: str | None = None


def options_of(section: Mapping[str, Any]) -> Options:
    """The options of a checked section `files:`."""
    return Options(
        zone=section.get("zone"),
        columns={name: own for name, own in (section.get("columns") or {}).items() if own},
        adjusted=bool(section.get("adjusted", False)),
        date_format=section.get("date_format"),
        decimal=section.get("decimal"),
    )


SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "path": {
            "type": "string",
            "x-unit": "path",
            "default": DEFAULT_PATH,
            "description": "The bars: one parquet or CSV file, or a directory of them (one CSV for each symbol,"
            " parquet by year).",
            "examples": ["data/bars.parquet", "data/yahoo", "data/bars.csv.gz"],
        },
        "vix": {
            "type": "string",
            "x-unit": "path",
            "description": "The VIX index, parquet or CSV: date, close. Without it a proxy from SPY is used.",
            "examples": ["data/vix.csv"],
        },
        "zone": {
            "type": "string",
            "description": "The time zone of times that are written without one. Where it is not set, the"
            " vendor's where that is known, else UTC.",
            "examples": ["America/New_York", "UTC"],
        },
        "columns": {
            "type": "object",
            "additionalProperties": False,
            "description": "The file's own names of columns, where they are none that is recognised.",
            "examples": [{"date": "Datum", "open": "Eroeffnung", "close": "Schluss"}],
            "properties": {
                name: {"type": "string", "description": f"The file's name of the column {name}."}
                for name in MAPPED
            },
        },
        "adjusted": {
            "type": "boolean",
            "default": False,
            "description": "Scale open, high, low and close to the adjusted close that the file has beside the"
            " close.",
            "examples": [True],
        },
        "date_format": {
            "type": "string",
            "description": "How dates or times are written, as strptime has it; needed where 01/02/2024 could be"
            " two days.",
            "examples": ["%d/%m/%Y", "%m/%d/%Y %H:%M"],
        },
        "decimal": {
            "type": "string",
            "enum": [".", ","],
            "description": "The mark before the fraction of a price; needed where 1,234 could be two numbers.",
            "examples": [","],
        },
    },
}

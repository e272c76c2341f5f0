"""The data plugin `files`: bars from one parquet or CSV file in long form, daily or intraday.

The file has one row for each symbol and time, with the columns symbol, date (or ts, timestamp, datetime), open,
high, low, close and volume, in any order and case; other columns are ignored. A time is the start of its bar.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import momentum

if TYPE_CHECKING:
    from momentum.ports import MarketData, Workspace

DEFAULT_PATH = "data/bars.parquet"
DEFAULT_ZONE = "UTC"


@momentum.hookimpl
def momentum_market_data(workspace: Workspace) -> MarketData:
    """The market that `files.path` holds. Raises `DataError` where the file cannot be used."""
    from momentum_plugins.files.opening import open_market

    section = workspace.section("files")
    vix = section.get("vix")
    return open_market(
        workspace.directory,
        str(section.get("path", DEFAULT_PATH)),
        vix=None if vix is None else str(vix),
        zone=str(section.get("zone", DEFAULT_ZONE)),
    )


@momentum.hookimpl
def momentum_settings_schema() -> Mapping[str, Any]:
    """What may stand under `files:`."""
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "path": {
                "type": "string",
                "x-unit": "path",
                "default": DEFAULT_PATH,
                "description": "parquet or CSV: symbol, date or ts, open, high, low, close, volume",
            },
            "vix": {
                "type": "string",
                "x-unit": "path",
                "description": "the VIX index, parquet or CSV: date, close; without it a proxy from SPY is used",
            },
            "zone": {
                "type": "string",
                "default": DEFAULT_ZONE,
                "description": "the time zone of times that are written without one, e.g. America/New_York",
            },
        },
    }

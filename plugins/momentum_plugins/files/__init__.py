"""The data plugin `files`: bars from parquet or CSV, one file or a directory of them, daily or intraday.

The plain form has one row for each symbol and time, with the columns symbol, date (or ts, timestamp, datetime),
open, high, low, close and volume, in any order and case; other columns are ignored. The files of common vendors
are recognised by their header (`vendors`), others by `files.columns`. A time is the start of its bar.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import momentum
from momentum_plugins.files.options import DEFAULT_PATH, SCHEMA, options_of

if TYPE_CHECKING:
    from momentum.ports import MarketData, Workspace


@momentum.hookimpl
def momentum_market_data(workspace: Workspace) -> MarketData:
    """The market that `files.path` holds. Raises `DataError` where it cannot be used."""
    from momentum_plugins.files.opening import open_market

    section = workspace.section("files")
    vix = section.get("vix")
    return open_market(
        workspace.directory,
        str(section.get("path", DEFAULT_PATH)),
        vix=None if vix is None else str(vix),
        options=options_of(section),
        progress=workspace.progress,
    )


@momentum.hookimpl
def momentum_settings_schema() -> Mapping[str, Any]:
    """What may stand under `files:`."""
    return SCHEMA

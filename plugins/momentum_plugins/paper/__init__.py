"""The broker `paper`: an embedded account that trades at the prices of the market data.

It is kept in `data/paper.db` of the workspace, one account for each source of market data.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import momentum
from momentum.errors import BrokerError
from momentum.ports import Broker, Workspace
from momentum.units import parse_fraction
from momentum_plugins.paper.fault_settings import faults_of, faults_schema

_CASH = 100_000
_SLIPPAGE = 0.0005
_COMMISSION = 0


@momentum.hookimpl
def momentum_settings_schema() -> Mapping[str, Any]:
    """The settings under `paper:`."""
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "cash": {
                "type": "number",
                "exclusiveMinimum": 0,
                "default": _CASH,
                "description": "Dollars that a new account begins with; one that exists keeps its own.",
            },
            "slippage": {
                "type": "number",
                "x-unit": "fraction",
                "minimum": 0,
                "exclusiveMaximum": 1,
                "default": _SLIPPAGE,
                "description": "Paid on every market and stop fill, e.g. 5bps.",
            },
            "commission": {
                "type": "number",
                "minimum": 0,
                "default": _COMMISSION,
                "description": "Dollars per order, paid with its first fill.",
            },
            "max_volume_share": {
                "type": ["number", "null"],
                "x-unit": "fraction",
                "exclusiveMinimum": 0,
                "maximum": 1,
                "default": None,
                "description": "Of a bar's volume, the most that orders fill with in it; the rest stays open. Or off.",
            },
            "faults": faults_schema(),
        },
    }


@momentum.hookimpl
def momentum_broker(workspace: Workspace) -> Broker:
    """Open the account that belongs to the workspace's market data."""
    from random import Random
    from uuid import uuid4

    from momentum.execution.costs import Costs
    from momentum_plugins.paper.broker import PaperBroker
    from momentum_plugins.paper.faults import FaultyBroker
    from momentum_plugins.paper.store import Store

    if workspace.data is None:
        raise BrokerError("paper: the account needs market data; name a plugin under plugins.data")
    settings = workspace.section("paper")
    share, faults = settings.get("max_volume_share"), faults_of(settings.get("faults"))
    account = PaperBroker(
        Store(account_file(workspace.directory)),
        workspace.data,
        cash=_number(settings.get("cash", _CASH)),
        costs=Costs(
            slippage=parse_fraction(settings.get("slippage", _SLIPPAGE)),
            commission_per_order=_number(settings.get("commission", _COMMISSION)),
            volume_share=None if share is None else parse_fraction(share),
        ),
        series=lambda: uuid4().hex[:8],
    )
    if not faults:
        return account
    # The number makes a process draw otherwise than the one before it.
    return FaultyBroker(account, faults, Random(f"{faults.seed}:{account.take_number()}"))


def account_file(directory: Path) -> Path:
    """The file that holds the paper accounts of a workspace."""
    return directory / "data" / "paper.db"


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BrokerError(f"paper: {value!r} is not a number of dollars; write e.g. 100000")
    return float(value)

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
from momentum.settings.costs import cost_properties
from momentum_plugins.paper.fault_settings import faults_of, faults_schema

_CASH = 100_000


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
            **cost_properties(),
            "faults": faults_schema(),
        },
    }


@momentum.hookimpl
def momentum_broker(workspace: Workspace) -> Broker:
    """Open the account that belongs to the workspace's market data."""
    from random import Random
    from uuid import uuid4

    from momentum.execution.costs import costs_of
    from momentum_plugins.paper.broker import PaperBroker
    from momentum_plugins.paper.faults import FaultyBroker
    from momentum_plugins.paper.store import Store

    if workspace.data is None:
        raise BrokerError("paper: the account needs market data; name a plugin under plugins.data")
    settings = workspace.section("paper")
    faults = faults_of(settings.get("faults"))
    try:
        costs = costs_of(settings)
    except ValueError as error:
        raise BrokerError(f"paper: {error}") from None
    account = PaperBroker(
        Store(account_file(workspace.directory)),
        workspace.data,
        cash=_number(settings.get("cash", _CASH)),
        costs=costs,
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

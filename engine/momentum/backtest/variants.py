"""How many variants were tried on the same bars: of many, the best one looks good by luck alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import numpy as np

from momentum.backtest.deflated import verdict
from momentum.backtest.ratios import Numbers, daily_returns, sharpe
from momentum.backtest.result import Result
from momentum.errors import LedgerError
from momentum.host.discover import is_path
from momentum.ledger.fields import to_json
from momentum.ledger.rows import TriedVariant
from momentum.ledger.store import Ledger
from momentum.settings.load import Settings

_STEERS = (
    "caps", "limits", "stops", "monitor", "features", "columns", "filters", "score", "reversal", "rank", "decide",
    "exits", "universe",
)  # fmt: skip
"""The parts of the settings that steer trades; the others are about the machine, the account or the market's costs."""
_ROLES = ("signals", "decide", "execute")
_IDLE = ("monitor.every", "monitor.alerts", "monitor.alert_threshold", "stops.attempts", "stops.retry_delay")
"""What is among those parts, and steers no trade of a backtest."""


def variant_of(settings: Settings) -> str:
    """A digest of all that steers a strategy's trades: settings, plugins, and the code of those that are files.

    Two strategies that trade by the same rules are one variant, whatever they are called; costs and cash are not
    the strategy's, and make no other one.
    """
    foreign = {name for role in _ROLES for name in settings.host.roles.get(role, ())}
    steering = {
        key: value
        for key, value in settings.values.items()
        if key.partition(".")[0] in {*_STEERS, *foreign} and key not in _IDLE
    }
    steering |= {f"plugins.{role}": list(settings.plugins.get(role, ())) for role in _ROLES}
    code = {
        plugin.name: sha256(Path(plugin.file).read_bytes()).hexdigest()
        for role in _ROLES
        for plugin in settings.host.listed(role)
        if is_path(plugin.origin) and Path(plugin.file).is_file()
    }
    text = to_json([sorted(steering.items()), sorted(code.items())])
    return sha256(text.encode()).hexdigest()[:16]


def with_verdicts(
    several: Sequence[tuple[Settings, Result]], open_ledger: Callable[[], Ledger], now: datetime
) -> tuple[Result, ...]:
    """Remember these backtests in the workspace's ledger, and note on each how much of it luck explains.

    Where only one variant was ever tried on those bars there is nothing to note. A ledger that cannot be used keeps
    nobody from a backtest: then that is noted.
    """
    try:
        with open_ledger() as ledger:
            for settings, result in several:
                ledger.remember_backtest(_tried(settings, result), now)
            sentences = [luck(result, ledger.backtests_on(result.data_hash)) for _, result in several]
    except LedgerError as error:
        sentences = [f"not remembered, so that luck cannot be told from skill: {error}"] * len(several)
    return tuple(
        replace(result, notes=(*result.notes, sentence)) if sentence else result
        for (_, result), sentence in zip(several, sentences, strict=True)
    )


def luck(result: Result, runs: Sequence[TriedVariant]) -> str | None:
    """What the deflated Sharpe ratio says of a result among the variants tried; None where it is the only one.

    A variant that was run over several spans counts once, with its last run.
    """
    by_variant = {run.variant: run.sharpe for run in runs}
    if len(by_variant) < 2:
        return None
    known = [value for value in by_variant.values() if value is not None]
    variance = float(np.var(known, ddof=1)) if len(known) > 1 else 0.0
    return verdict(_returns(result), len(by_variant), variance)


def _tried(settings: Settings, result: Result) -> TriedVariant:
    annual = float(sharpe(_returns(result)))
    return TriedVariant(
        strategy=result.strategy,
        variant=variant_of(settings),
        data=result.data_hash,
        first_session=result.days[0].day,
        last_session=result.days[-1].day,
        sharpe=None if np.isnan(annual) else annual,
    )


def _returns(result: Result) -> Numbers:
    return daily_returns(np.array([day.equity for day in result.days], dtype=np.float64))

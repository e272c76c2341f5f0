"""A market that moves, and plugins that cheat or do not, for the tests of what a backtest can be trusted in."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from momentum.backtest.lookahead import Looked, look_for_lookahead
from momentum.market.lookahead import trial_bars
from momentum.market.universe import Universe
from momentum.ports import MarketData
from momentum.settings.load import Settings, load
from momentum_plugins.files.opening import open_market
from momentum_plugins.files.options import Options
from plugin_builders import plugin_file
from workspace_builders import sessions

SYMBOLS = ("AAA", "BBB", "CCC", "DDD", "SPY")

STRATEGY = """\
description: Buys what rises, sells what falls; for tests
filters:
  - up: close > open
score:
  - {points: 1, when: change > 0, name: change}
reversal: []
rank: score DESC, change DESC
decide: {buy_score: 0, buy_when: "", watch_score: 0, take_profit: off, max_buys: 2}
exits: {trailing_stop: 5%, signal: ["close < sma_5"]}
features: {sma_5: {sma: 5}, rsi_14: {rsi: 14}}
columns: {above: close / sma_5}
"""

DECIDER = """
import sys
from momentum import CandidateAction, Decision, ExecutionPlan, PositionAction

def decided(situation, chosen):
    held = situation.portfolio.positions
    closes = tuple(p.symbol for p in held if p.days >= 2)
    taken = tuple(c.symbol for c in situation.candidates if chosen(c))[:1]
    return Decision(
        position_actions=tuple(
            PositionAction(p.symbol, "CLOSE" if p.symbol in closes else "HOLD", 0.0, "") for p in held
        ),
        candidate_actions=tuple(CandidateAction(s, "BUY", 0.0, 0.0, "") for s in taken),
        execution_plan=ExecutionPlan(closes, taken, ()),
    )
"""
"""Begins a decider: buys the best candidate that it chooses, and holds for two sessions."""


def moving_market(directory: Path) -> Path:
    """A parquet of daily bars of five symbols over sixty sessions, one of which is listed late."""
    days = pl.Series("date", sessions())
    frames = [
        trial_bars(symbol, len(days), seed=seed)
        .with_columns(days, volume=pl.col("volume") + 1)
        .select("symbol", "date", "open", "high", "low", "close", "volume")
        for seed, symbol in enumerate(SYMBOLS)
    ]
    frames[3] = frames[3].tail(33)
    path = directory / "bars.parquet"
    pl.concat(frames).write_parquet(path)
    return path


def market(path: Path) -> MarketData:
    """The file as market data."""
    return open_market(path.parent, path.name, vix=None, options=Options())


def trusted(work: Path, *sets: str) -> Settings:
    """The settings of the test's strategy in a workspace, for a backtest."""
    (work / "strategies" / "trusted.yaml").write_text(STRATEGY)
    return load(work, strategy="trusted", sets=["universe=all", *sets], for_backtest=True)


def looked(work: Path, bars: Path, *sets: str) -> Looked:
    """What the look for look-ahead finds in the test's strategy with these settings."""
    return look_for_lookahead(trusted(work, *sets), market(bars), Universe.everything())


def with_signals(work: Path, name: str, body: str) -> str:
    """The setting that adds a local plugin of signals of that name."""
    return f"plugins.signals=[rules, momentum, ta, {plugin_file(work, name, body)}]"


def with_decider(work: Path, name: str, body: str) -> str:
    """The setting that puts a local decider of that name before the rules."""
    return f"plugins.decide=[{plugin_file(work, name, DECIDER + body)}, rules]"

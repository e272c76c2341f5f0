"""Builders for tests of plugins, features and rules: local plugin files, hosts, and small strategies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from textwrap import dedent
from typing import Any

from momentum.host.registry import Host
from momentum.model.strategy import CapLimits, DecideRules, Exits, FeatureCall, Limits, Points, Rule, Strategy
from momentum.rules.program import Program, compile_program

LIMITS = Limits(
    max_positions=6,
    max_buys_per_scan=2,
    position_size=0.10,
    max_exposure=0.60,
    reduce_to=0.50,
    slots="at_plan",
    add_to_positions=False,
    max_price_age=timedelta(minutes=15),
    max_order=None,
    caps={
        "large": CapLimits(2, 2, {"min_gap_up": 0.01, "min_roc_10d": 0.03}),
        "small": CapLimits(2, 2, {"min_gap_up": 0.03, "min_roc_10d": 0.05}),
    },
)

HOOKIMPL = "from momentum import hookimpl, Rule, Points\nimport polars as pl\n"


def plugin_file(directory: Path, name: str, body: str) -> str:
    """Write a local plugin whose hooks can be marked @hookimpl; returns the name for the YAML."""
    (directory / f"{name}.py").write_text(HOOKIMPL + dedent(body), encoding="utf-8")
    return f"./{name}.py"


def host_of(directory: Path, signals: Sequence[str] = ("rules", "momentum"), **roles: Sequence[str]) -> Host:
    """The plugins named, under their roles."""
    return Host.load({"signals": list(signals), **roles}, directory)


def strategy(
    *,
    features: Sequence[FeatureCall] = (),
    columns: Sequence[tuple[str, str]] = (),
    filters: Sequence[Rule] = (),
    score: Sequence[Points] = (),
    reversal: Sequence[Points] = (),
    rank: str = "score DESC",
    exits: Sequence[Rule] = (),
    **decide: Any,
) -> Strategy:
    """A strategy that asks for nothing but what is given."""
    rules = DecideRules(
        buy_score=12, buy_when="", watch_score=8, take_profit=0.15, close_reversal=5, max_buys=2
    )
    return Strategy(
        name="test",
        description="",
        features=tuple(features),
        columns=tuple(columns),
        filters=tuple(filters),
        score=tuple(score),
        reversal=tuple(reversal),
        rank=rank,
        decide=replace(rules, **decide),
        exits=Exits(0.05, tuple(exits)),
    )


def compiled(directory: Path, *, signals: Sequence[str] = ("rules", "momentum"), **parts: Any) -> Program:
    """A strategy of those parts, compiled with those signal plugins."""
    return compile_program(strategy(**parts), host_of(directory, signals), LIMITS)


def messages(program: Program) -> list[str]:
    """The problems as `features.roc: what is wrong`."""
    return [f"{'.'.join(map(str, problem.path))}: {problem.message}" for problem in program.problems]

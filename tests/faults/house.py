"""The workspace that every seed begins with, and how a command opens it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from faults import plugins
from faults.script import Script, Step
from momentum.context import Context
from momentum.execution.guarded import guarded
from momentum.host.registry import Host
from momentum.ledger.store import open_ledger
from momentum.market.clock import FixedClock
from momentum.market.universe import Universe
from momentum.model.market import Cap
from momentum.model.strategy import CapLimits, Exits, Limits
from momentum.rules.program import Program, compile_program
from momentum.settings.load import Settings, load

_YAML = f"""\
strategy: faults
plugins:
  signals: [rules, momentum, {plugins.__file__}]
  decide: [{plugins.__file__}]
  execute: [{plugins.__file__}, market]
  notify: [{plugins.__file__}]
universe: all
"""
_STRATEGY = """\
description: everything is a candidate
filters: ["price > 1"]
score: [{points: 5, when: change > 0}]
reversal: [{points: 5, when: change < -0.03}]
decide: {buy_score: 0, watch_score: 0}
"""
_HANG = timedelta(milliseconds=40)
_NO_HANG = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class House:
    """What all seeds of a process share: the settings, the compiled rules, and a fresh ledger to copy."""

    settings: Settings
    program: Program
    failing: Program
    """The rules where a signal plugin raises."""
    fresh: bytes


@cache
def house() -> House:
    """Made once for each process."""
    with tempfile.TemporaryDirectory(prefix="momentum-faults-", dir=quick_disk()) as name:
        directory = Path(name)
        (directory / "strategies").mkdir()
        (directory / "momentum.yaml").write_text(_YAML)
        (directory / "strategies" / "faults.yaml").write_text(_STRATEGY)
        settings = load(directory)
        module: Any = settings.host.plugins["plugins"].implementation
        programs = []
        for fails in (False, True):
            module.SIGNALS_FAIL = fails
            programs.append(compile_program(settings.strategy, settings.host, settings.limits))
        module.SIGNALS_FAIL = False
        open_ledger(f"sqlite:///{directory}/fresh.db").close()
        return House(settings, programs[0], programs[1], (directory / "fresh.db").read_bytes())


def quick_disk() -> str | None:
    """Where flushing to the disk is quick, or None for the usual place."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


@contextmanager
def workspace() -> Iterator[Path]:
    """A fresh workspace, with an empty ledger."""
    with tempfile.TemporaryDirectory(prefix="momentum-faults-", dir=quick_disk()) as name:
        directory = Path(name)
        (directory / "data").mkdir()
        (directory / "data" / "ledger.db").write_bytes(house().fresh)
        yield directory


def settings_of(directory: Path, script: Script, step: Step | None, limits: Limits) -> Settings:
    """The settings of one command."""
    base = house().settings
    decide = _HANG if step is not None and step.decider == "hangs" else _NO_HANG
    notify = _HANG if step is not None and step.notifier == "hangs" else _NO_HANG
    most = limits.max_buys_per_scan
    return replace(
        base,
        directory=directory,
        name="faults",
        limits=replace(
            limits, caps={cap: _with_thresholds(base.limits, cap, of) for cap, of in limits.caps.items()}
        ),
        strategy=replace(
            base.strategy,
            exits=Exits(script.trail, ()),
            decide=replace(base.strategy.decide, max_buys=most),
        ),
        monitor=replace(base.monitor, skip_buys_when_healthy=script.seed % 4 == 0),
        ledger=f"sqlite:///{directory}/data/ledger.db",
        timeouts=replace(base.timeouts, decide=decide, notify=notify),
        host=_host(base.host),
    )


def _with_thresholds(limits: Limits, cap: Cap, drawn: CapLimits) -> CapLimits:
    return replace(drawn, thresholds=limits.for_cap(cap).thresholds)


def _host(host: Host) -> Host:
    return replace(host, hung=set())


def context_of(
    settings: Settings,
    step: Step | None,
    parts: tuple[Universe, Any, Any, Any],
    clock: FixedClock,
    sleep: Any,
) -> Context:
    """A command's context: its market data, its broker and its ledger behind the usual guards."""
    universe, data, broker, ledger = parts
    fails = step is not None and step.signals_fail
    return Context(
        settings=settings,
        universe=universe,
        program=house().failing if fails else house().program,
        data=data,
        broker=guarded(broker, settings.host.hide),
        ledger=ledger,
        clock=clock,
        sleep=sleep,
    )


def series(seed: int) -> str:
    """What the ids of a seed's account begin with."""
    return f"s{seed}"


def random_of(seed: int, number: int, what: str) -> Random:
    """Chance of its own for each command and subject, so that one does not shift the other."""
    return Random(f"{seed}:{number}:{what}")

"""The fault campaign: no seed breaks a rule, a seed replays exactly, and orders done wrong are noticed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from faults.mutants import MUTANTS, mutated
from faults.run import failures
from faults.script import script
from faults.session import KILLS, run

SEEDS = int(os.environ.get("MOMENTUM_FAULT_SEEDS", "200"))
PARTS = 8
MUTANT_SEEDS = 200


@pytest.mark.parametrize("part", range(PARTS))
def test_whatever_goes_wrong_no_rule_is_broken(part: int) -> None:
    failed = failures(range(part, SEEDS, PARTS))
    assert not failed, "\n".join(failed.values())


@pytest.mark.parametrize("mutant", MUTANTS)
def test_orders_done_wrong_are_noticed(mutant: str) -> None:
    with mutated(mutant):
        noticed = next((seed for seed in range(MUTANT_SEEDS) if run(seed, kills=0).violations), None)
    assert noticed is not None, f"{mutant}: {MUTANT_SEEDS} seeds do not notice"


def test_a_seed_replays_exactly() -> None:
    """In this process and in another one, whose sets and dictionaries are in another order."""
    trail = run(5).trail
    assert run(5).trail == trail
    again = subprocess.run(
        [sys.executable, "-m", "faults.run", "--seed", "5"],
        cwd=Path(__file__).parent,
        env={**os.environ, "PYTHONHASHSEED": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert again.returncode == 0, again.stderr
    assert tuple(again.stdout.splitlines()[:-1]) == trail


def test_a_share_of_the_seeds_kills_a_real_process() -> None:
    killed = [seed for seed in range(1000) if _is_killed(seed)]
    assert 5 <= len(killed) <= 40
    died = next(trail for seed in killed if "  died" in (trail := run(seed).trail))
    assert "    -- the process dies --" in died


def _is_killed(seed: int) -> bool:
    steps = script(seed, KILLS).steps
    return any(step.trouble is not None and step.trouble.kind == "kill" for step in steps)

"""The campaign from the command line: `python -m faults.run --seeds 10000`, or `--seed 17` to replay one."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process

from faults.session import Report, run

_PROCESSES = 2
_CHUNK = 10
_EVERY = 100
"""Seeds between two lines of progress."""
_SHOWN = 20


def failures(seeds: Sequence[int]) -> dict[int, str]:
    """What is wrong with each of the seeds that fail, with the line that replays it."""
    return {seed: told for seed in seeds if (told := failure(seed))}


def failure(seed: int) -> str:
    """What is wrong with a seed; empty where nothing is."""
    parent = parent_process()
    if parent is not None and not parent.is_alive():
        os._exit(1)  # the campaign was killed, and nobody waits for this
    try:
        report = run(seed)
    except Exception as error:
        return f"seed {seed}: {type(error).__name__}: {error}; replay it with `make faults SEED={seed}`"
    if not report.violations:
        return ""
    lines = [f"  {violation}" for violation in report.violations]
    return "\n".join([f"seed {seed}, replay it with `make faults SEED={seed}`:", *lines])


def replay(seed: int) -> Report:
    """Run one seed and print its trail: the commands, the points they reached, the orders and the faults."""
    report = run(seed)
    print("\n".join(report.trail))
    print(f"seed {seed}: {len(report.violations)} violations")
    return report


def campaign(first: int, count: int) -> int:
    """Run many seeds in processes of their own; returns how many failed."""
    seeds = range(first, first + count)
    began = time.monotonic()
    failed: list[int] = []
    with ProcessPoolExecutor(_PROCESSES, mp_context=get_context("spawn")) as pool:
        for done, told in enumerate(pool.map(failure, seeds, chunksize=_CHUNK), 1):
            if told:
                failed.append(seeds[done - 1])
                print(told, flush=True)
            if done % _EVERY == 0 or done == count:
                print(
                    f"{done} of {count} seeds, {len(failed)} failed, {time.monotonic() - began:.0f} s",
                    flush=True,
                )
    if failed:
        more = f" and {len(failed) - _SHOWN} more" if len(failed) > _SHOWN else ""
        print(f"failed: {' '.join(map(str, failed[:_SHOWN]))}{more}")
    return len(failed)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many seeds")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--seed", type=int, help="replay this one alone, and print all of its way")
    asked = parser.parse_args()
    if asked.seed is not None:
        return 1 if replay(asked.seed).violations else 0
    return 1 if campaign(asked.first, asked.seeds) else 0


if __name__ == "__main__":
    sys.exit(main())

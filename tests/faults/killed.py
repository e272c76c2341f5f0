"""The command line, killed at a point: `python -m faults.killed POINT COUNT WORDS...`."""

from __future__ import annotations

import os
import signal
import sys

from momentum.cli.main import main
from momentum.execution import points
from momentum.execution.points import Point


def kill_at(fatal: Point, count: int) -> None:
    """Kill this process with SIGKILL at the `count`-th time that it reaches a point."""
    reached: list[Point] = []

    def reach(point: Point) -> None:
        reached.append(point)
        if point == fatal and reached.count(point) == count:
            os.kill(os.getpid(), signal.SIGKILL)

    points.reach = reach


if __name__ == "__main__":
    kill_at(sys.argv[1], int(sys.argv[2]))  # type: ignore[arg-type]
    main(sys.argv[3:])

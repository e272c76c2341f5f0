"""One command of one seed in a process of its own, which may kill itself.

`python -m faults.child DIR SEED NUMBER KILLS`
"""

from __future__ import annotations

import sys
from pathlib import Path

from faults.script import script
from faults.session import Session


def main(directory: Path, seed: int, number: int, kills: float) -> None:
    """Run it; the trail is on the disk line by line, since this may be the last."""
    with (directory / "trail").open("a", encoding="utf-8", buffering=1) as trail:
        drawn = script(seed, kills)
        session = Session(drawn, directory, lambda line: print(line, file=trail))
        step = drawn.steps[number]
        session.limits = session.tightened(step)
        session.oracle.begin(f"command {number}, {step.command}", session.limits, step.max_buys)
        print(f"  {session.act(step, really=True)}", file=trail)
        session.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))

"""How far long work is: a bar on a terminal, a line for every tenth in a pipe; both on stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from momentum.ports import Progress

_LINES = 10


@contextmanager
def shown_progress(parts: str = "files") -> Iterator[Progress]:
    """Give a `Progress` that shows what it is told, until the work is over. One single part is not shown.

    `parts` is what the work consists of, for the lines of a pipe; sessions go by too quickly for those.
    """
    if not sys.stderr.isatty():
        yield _lines() if parts == "files" else _silent
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks = {}

        def told(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total, visible=total > 1)
            bars.update(tasks[what], completed=done, total=total)

        yield told


def _silent(what: str, done: int, total: int) -> None:
    """Nothing is shown."""


def _lines() -> Progress:
    said: dict[str, int] = {}

    def told(what: str, done: int, total: int) -> None:
        tenth = done * _LINES // max(total, 1)
        if total > 1 and tenth > said.get(what, 0):
            said[what] = tenth
            print(f"{what}: {done:,} of {total:,} files", file=sys.stderr, flush=True)

    return told

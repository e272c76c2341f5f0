"""Waiting for a broker: looking again after a while, each time a longer one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from momentum.execution.trading import Trading

_LONGEST = timedelta(seconds=1)


def looks(trading: Trading, patience: timedelta) -> Iterator[timedelta]:
    """How long was waited so far, at each look: at once, and then until patience is over.

    The pauses double up to a second, so that waiting does not use up the requests that a broker allows.
    """
    waited, pause = timedelta(0), trading.patience.poll
    while True:
        yield waited
        if waited >= patience:
            return
        pause = min(pause, patience - waited)
        trading.sleep(pause.total_seconds())
        waited += pause
        pause = min(2 * pause, _LONGEST)

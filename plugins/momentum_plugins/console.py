"""Plugin `console`: one line an event on standard error."""

from __future__ import annotations

import sys

from momentum import Event, hookimpl

_SIGNS = {"info": "i", "warning": "!", "critical": "!!"}


@hookimpl
def momentum_notify(event: Event) -> None:
    """Write the event's title, and its text where it is critical."""
    line = f"{_SIGNS[event.severity]} {event.at:%Y-%m-%d %H:%M}Z {event.title}"
    if event.severity == "critical" and event.text:
        line = f"{line}\n   {event.text}"
    print(line, file=sys.stderr, flush=True)

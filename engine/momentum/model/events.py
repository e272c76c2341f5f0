"""Things that happened and that somebody may want to be told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Severity = Literal["info", "warning", "critical"]


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `id` is stable, so that a delivery repeated after a crash can be recognised.

    `kind` is a dotted name (`scan.finished`, `order.filled`, `stop.missing`); `title` is one line,
    `text` the whole message in plain text; `data` holds the same for programs (JSON values only).
    """

    id: str
    kind: str
    severity: Severity
    at: datetime
    title: str
    text: str = ""
    data: Mapping[str, object] = field(default_factory=dict)

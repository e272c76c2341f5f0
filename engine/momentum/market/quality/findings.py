"""What a check of daily bars says: findings, and the coverage they stand beside."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Literal

Severity = Literal["error", "warning", "note"]
Kind = Literal[
    "impossible", "duplicate", "missing session", "closed day", "split", "other security", "spike", "jump",
    "gap", "copied bars", "ended", "no volume", "warm-up", "survivorship", "no benchmark", "source",
]  # fmt: skip

KINDS: dict[Kind, str] = {
    "impossible": "rows that cannot be true; they are left out",
    "duplicate": "symbol and day there more than once",
    "missing session": "the exchange was open, no symbol has a bar",
    "closed day": "the exchange was closed, there are bars",
    "split": "splits that the prices do not take into account",
    "other security": "bars of another security under the ticker",
    "spike": "a price that is gone again within days",
    "jump": "large moves: real, or a spin-off or special dividend",
    "gap": "symbols without a bar on some of their sessions",
    "copied bars": "the same bar several times in a row",
    "ended": "no bar at the end: delisted, or stale",
    "no volume": "bars with volume 0",
    "warm-up": "symbols with too few bars for the features",
    "survivorship": "no symbol ever ends",
    "no benchmark": "SPY is missing",
    "source": "how the source was read",
}
"""Every kind of finding in the order in which they are shown, and what it means in a few words."""


@dataclass(frozen=True, slots=True)
class DataFinding:
    """One thing that is wrong, suspicious or worth knowing.

    `symbol` is "" and `day` None where it is about the whole; `count` is how many rows, bars or sessions it is
    about. `weight` orders findings of one kind, the worst first.
    """

    kind: Kind
    severity: Severity
    text: str
    symbol: str = ""
    day: date | None = None
    count: int = 1
    weight: float = 0.0


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much there is. `expected` are the bars that the symbols had with one on each session of their lives."""

    symbols: int
    sessions: int
    first: date
    last: date
    bars: int
    expected: int
    exchange_sessions: int
    """Sessions of the exchange from the first to the last day."""
    rows: int
    """Rows read, those among them that were left out included."""

    @property
    def share(self) -> float:
        """Bars that are there, as a fraction of those expected."""
        return self.bars / self.expected if self.expected else 0.0


@dataclass(frozen=True, slots=True)
class WarmUp:
    """Bars that the strategy's features need, and how many symbols have them at the last session.

    `feature` is the one that needs the most bars. `alive` counts the symbols with a bar at the last session,
    `filled` those of them with enough bars.
    """

    bars: int
    feature: str
    alive: int
    filled: int


@dataclass(frozen=True, slots=True)
class Report:
    """All of a check. `unfit` says why the data should not be used; empty where it may be."""

    coverage: Coverage
    warm_up: WarmUp | None
    findings: tuple[DataFinding, ...]
    unfit: tuple[str, ...]

    def by_kind(self) -> Iterator[tuple[Kind, tuple[DataFinding, ...]]]:
        """The findings of each kind that has any, in the order of `KINDS`, the worst first."""
        for kind, found in groupby(self.findings, key=lambda finding: finding.kind):
            yield kind, tuple(found)


def in_order(findings: list[DataFinding]) -> tuple[DataFinding, ...]:
    """By kind, then the worst first, then by symbol and day."""
    place = {kind: number for number, kind in enumerate(KINDS)}
    return tuple(
        sorted(findings, key=lambda f: (place[f.kind], -f.weight, f.symbol, f.day or date.min, f.text))
    )

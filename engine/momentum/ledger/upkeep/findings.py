"""What a check of the ledger gives: a line for each check, and what it found, with the way out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BookFinding:
    """One thing that is wrong. `row` names it, such as `trades 12`; `way_out` is what a person can do."""

    row: str
    text: str
    way_out: str

    def __str__(self) -> str:
        return f"{self.row}: {self.text}; {self.way_out}"


@dataclass(frozen=True, slots=True)
class Check:
    """One check, what it looked at (`trades: 41`), and what it found."""

    name: str
    looked: str
    findings: tuple[BookFinding, ...] = ()


RESTORE = "`momentum db restore` puts back the newest copy that is whole"
MAKE_ROOM = "see that the disk has room and that the directory may be written in, then verify again"
RECONCILE = "`momentum status --fix` asks the broker"
BY_HAND = "look at it with `momentum explain` before you trust figures that use it"

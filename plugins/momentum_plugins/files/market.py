"""What daily and intraday files have in common as a source of market data."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from momentum.model.market import LeftOut, Session, Sessions
from momentum_plugins.files.bysymbol import BySymbol
from momentum_plugins.files.normalising import COLUMNS
from momentum_plugins.files.vix import Vix


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the bars come from: `source` as in the ledger, `file` its name, `notes` what a person should know.

    `read_as` says what the file was recognised as, "" where that is the plain form.
    """

    source: str
    file: str
    notes: tuple[str, ...]
    vix: Vix | None
    read_as: str = ""
    left_out: tuple[LeftOut, ...] = ()


class FileMarket:
    """The parts of `MarketData` and `Tabular` that do not depend on the length of a bar."""

    synthetic = False

    def __init__(self, origin: Origin, bars: BySymbol, kind: str, sessions: Sessions) -> None:
        self.source = origin.source
        self._notes = origin.notes
        self._vix = origin.vix
        self._sessions = sessions
        self._bars = bars
        self._left_out = origin.left_out
        recognised = f"{origin.read_as}; " if origin.read_as else ""
        self.title = (
            f"{origin.file} ({recognised}{len(bars.frame):,} {kind} bars, {len(bars.symbols):,} symbols,"
            f" {sessions.days[0].day} to {sessions.days[-1].day})"
        )

    def symbols(self) -> tuple[str, ...]:
        """Every symbol of the file, sorted."""
        return self._bars.symbols

    def sessions(self) -> Sessions:
        """The sessions of which the file has bars."""
        return self._sessions

    def vix(self, at: datetime) -> float | None:
        """The VIX at the close of the last session that has closed by `at`."""
        session = self._sessions.last_closed(at)
        return self._vix.known(session.day) if self._vix and session else None

    def notes(self) -> tuple[str, ...]:
        """Rows left out, and how the file was read."""
        return self._notes

    def left_out(self) -> tuple[LeftOut, ...]:
        """Rows of the file that are not used."""
        return self._left_out

    def frame(self) -> pl.DataFrame:
        """Every bar that is used, sorted by symbol and time: as `momentum.ports.Tabular` says."""
        time = "date" if self._bars.frame["ts"].dtype == pl.Date else "ts"
        return self._bars.frame.select(COLUMNS).rename({"ts": time})


def last_days(sessions: Sessions, last: Session | None, count: int) -> tuple[date, date] | None:
    """The first and last day of the `count` sessions that end with `last`."""
    if last is None or count < 1:
        return None
    end = bisect_right(sessions.days, last.day, key=lambda session: session.day)
    return sessions.days[max(0, end - count)].day, last.day

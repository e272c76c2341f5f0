"""The VIX index of a file beside the bars: date and close, in index points."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from momentum.errors import DataError
from momentum_plugins.files import normalising, times

MAX_AGE = timedelta(days=7)
"""An older close than this says nothing of a day; longer than any run of holidays."""


@dataclass(frozen=True, slots=True)
class Vix:
    """Closes in order of their days."""

    days: tuple[date, ...]
    closes: tuple[float, ...]
    notes: tuple[str, ...] = ()

    def known(self, session: date) -> float | None:
        """The close of that session, or the newest before it that is at most `MAX_AGE` older."""
        index = bisect_right(self.days, session) - 1
        if index < 0 or session - self.days[index] > MAX_AGE:
            return None
        return self.closes[index]


def read_vix(path: Path, shown: str) -> Vix:
    """Read a VIX file. Raises `DataError` where it cannot be used or is not daily."""
    frame = normalising.select(path, ("ts", "close"), shown, "files.vix")
    read = times.read(frame["ts"], shown, times.Told())
    if not read.daily:
        raise DataError(f"{shown}: holds several values a day; files.vix must name one close for each date")
    close = pl.col("close")
    frame = frame.with_columns(read.column)
    kept = (
        frame.filter(pl.col("ts").is_not_null() & close.is_finite() & (close > 0))
        .unique("ts", keep="last", maintain_order=True)
        .sort("ts")
    )
    if kept.is_empty():
        raise DataError(f"{shown}: holds no VIX close; it needs the columns date and close, in index points")
    lost = len(frame) - len(kept)
    notes = (f"{shown}: left out {lost} rows without a date or a close above zero, or of a repeated date",)
    return Vix(tuple(kept["ts"]), tuple(kept["close"]), notes if lost else ())

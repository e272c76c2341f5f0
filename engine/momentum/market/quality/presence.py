"""Findings about what is there and what is not: coverage, sessions, gaps, ends, copies and bars without trade."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

import polars as pl

from momentum.market.quality.findings import Coverage, DataFinding
from momentum.market.quality.thresholds import Thresholds
from momentum.model.market import Sessions

_SYMBOL, _DAY = pl.col("symbol"), pl.col("ts")
_YEAR = 252
"""Sessions of a year."""


def lives(moved: pl.DataFrame) -> pl.DataFrame:
    """One row for each symbol: first and last day, bars, skipped (sessions without a bar), longest (run of them)."""
    return moved.group_by("symbol", maintain_order=True).agg(
        first=_DAY.first(),
        last=_DAY.last(),
        bars=pl.len().cast(pl.Int64),
        skipped=pl.col("skipped").sum(),
        longest=pl.col("skipped").max().fill_null(0),
        at=_DAY.sort_by("skipped", nulls_last=False).last(),
    )


def coverage(lives: pl.DataFrame, days: Sequence[date], exchange: Sessions, left_out: int) -> Coverage:
    """How much there is; `days` are those of the data, `exchange` the sessions of its span."""
    bars = int(lives["bars"].sum())
    return Coverage(
        symbols=lives.height,
        sessions=len(days),
        first=days[0],
        last=days[-1],
        bars=bars,
        expected=bars + int(lives["skipped"].sum()),
        exchange_sessions=len(exchange.days),
        rows=bars + left_out,
    )


def session_findings(days: Sequence[date], exchange: Sessions) -> Iterator[DataFinding]:
    """Days on which the exchange was open and there is no bar, and the reverse."""
    ours, theirs = set(days), {session.day for session in exchange.days}
    for day in sorted(theirs - ours):
        text = "the exchange was open, and no symbol has a bar"
        yield DataFinding("missing session", "error", text, day=day)
    for day in sorted(ours - theirs):
        text = (
            "the exchange was closed, and there are bars: copies of the day before, or dates of another zone"
        )
        yield DataFinding("closed day", "error", text, day=day)


def gap_findings(lives: pl.DataFrame, thresholds: Thresholds) -> Iterator[DataFinding]:
    """Symbols that lack sessions between their first and last bar."""
    for symbol, bars, skipped, longest, at in (
        lives.filter(pl.col("skipped") > 0).select("symbol", "bars", "skipped", "longest", "at").iter_rows()
    ):
        text = (
            f"no bar on {_sessions(skipped)} of its {bars + skipped:,}; up to {longest} in a row, before {at}"
        )
        few = skipped <= thresholds.gap_warning * (bars + skipped)
        yield DataFinding("gap", "note" if few else "warning", text, symbol, at, skipped, skipped)


def end_findings(lives: pl.DataFrame, days: Sequence[date], thresholds: Thresholds) -> Iterator[DataFinding]:
    """Symbols whose bars stop before the data does, and a word where none ever does."""
    last = pl.DataFrame({"last": days}, schema={"last": pl.Date}).with_row_index("place")
    ages = lives.join(last, on="last", how="left").with_columns(
        age=len(days) - 1 - pl.col("place").cast(pl.Int64)
    )
    for symbol, day, age in (
        ages.filter(pl.col("age") >= thresholds.ended).select("symbol", "last", "age").iter_rows()
    ):
        text = f"its last bar is {_sessions(age)} before the end: delisted, renamed, or no longer delivered"
        yield DataFinding("ended", "note", text, symbol, day, age, age)
    years = lives["bars"].sum() / _YEAR
    if years >= thresholds.survivors and ages.filter(pl.col("age") > 0).is_empty():
        text = (
            f"no symbol of {lives.height:,} ends before {days[-1]}: whatever was delisted on the way is missing, so"
            " a backtest sees survivors only and looks better than it could have been"
        )
        yield DataFinding("survivorship", "warning", text)


def silence_findings(bars: pl.DataFrame, thresholds: Thresholds) -> Iterator[DataFinding]:
    """Symbols with bars of volume 0."""
    silent = pl.col("volume") == 0
    touched = bars.filter(silent)["symbol"].unique().implode()
    found = (
        bars.lazy()
        .filter(_SYMBOL.is_in(touched))
        .group_by("symbol", maintain_order=True)
        .agg(pl.len(), silent=silent.sum().cast(pl.Int64), first=_DAY.filter(silent).first())
        .select("symbol", "len", "silent", "first")
        .collect()
    )
    for symbol, count, zero, first in found.iter_rows():
        text = f"volume 0 on {zero:,} of its {count:,} bars, first on {first}"
        few = zero <= thresholds.silent_warning * count
        yield DataFinding("no volume", "note" if few else "warning", text, symbol, first, zero, zero)


def copy_findings(bars: pl.DataFrame, thresholds: Thresholds) -> Iterator[DataFinding]:
    """Runs of bars that repeat the one before, prices and volume; bars without trade may do so rightly."""
    same = pl.all_horizontal(
        pl.col(name) == pl.col(name).shift(1) for name in ("symbol", "open", "high", "low", "close", "volume")
    )
    runs = (
        bars.lazy()
        .select("symbol", "ts", "volume", run=(~same.fill_null(False)).cum_sum())
        .filter(pl.col("volume") > 0)
        .group_by("run", maintain_order=True)
        .agg(_SYMBOL.first(), first=_DAY.first(), last=_DAY.last(), bars=pl.len())
        .filter(pl.col("bars") >= thresholds.identical_run)
        .collect()
    )
    for symbol, first, last, count in runs.select("symbol", "first", "last", "bars").iter_rows():
        text = f"{count} bars in a row are the same, prices and volume, to {last}: copies, not trades"
        yield DataFinding("copied bars", "warning", text, symbol, first, count, count)


def _sessions(count: int) -> str:
    return "1 session" if count == 1 else f"{count:,} sessions"

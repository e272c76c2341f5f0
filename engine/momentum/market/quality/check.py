"""The check of daily bars: every finding, the coverage, and whether the data is fit to trade and test on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from momentum.errors import DataError
from momentum.market.calendar import exchange_sessions
from momentum.market.panel import HISTORY, SPY
from momentum.market.quality.findings import Coverage, DataFinding, Report, WarmUp, in_order
from momentum.market.quality.levels import moves
from momentum.market.quality.presence import (
    copy_findings,
    coverage,
    end_findings,
    gap_findings,
    lives,
    session_findings,
    silence_findings,
)
from momentum.market.quality.prices import price_findings
from momentum.market.quality.thresholds import LIMITS, THRESHOLDS, Limits, Thresholds
from momentum.market.quality.warmup import Features, bars_needed, warm_up
from momentum.model.market import LeftOut
from momentum.ports import MarketData, Tabular
from momentum.units import format_fraction


def check(data: MarketData, features: Features = ()) -> Report:
    """Look through all daily bars of a source; `features` are those whose warm-up is asked for.

    Intraday bars are looked at as days. Raises `DataError` where there is nothing to look at.
    """
    days = data.sessions().days
    if not days:
        raise DataError(f"{data.title}: has no session to check; fetch bars first")
    bars = data.daily(None, days[-1].closes, len(days))
    left_out = data.left_out() if isinstance(data, Tabular) else ()
    return check_bars(bars, left_out=left_out, features=features)


def check_bars(
    bars: pl.DataFrame,
    *,
    left_out: Sequence[LeftOut] = (),
    features: Features = (),
    thresholds: Thresholds = THRESHOLDS,
    limits: Limits = LIMITS,
) -> Report:
    """Look through daily bars: symbol, ts (Date), open, high, low, close, volume, sorted by symbol and ts.

    `left_out` are the rows that the source did not let through. Raises `DataError` for a frame without rows.
    """
    if bars.is_empty():
        raise DataError("there are no daily bars to check; fetch bars first")
    days = bars["ts"].unique().sort().to_list()
    exchange = exchange_sessions(days[0], days[-1])
    moved = moves(bars, thresholds)
    symbols = lives(moved)
    extent = coverage(symbols, days, exchange, sum(rows.count for rows in left_out if rows.kind != "unused"))
    needed = bars_needed(features)
    filled = warm_up(bars, needed)
    findings = in_order(
        [
            *_source_findings(left_out),
            *session_findings(days, exchange),
            *price_findings(moved, thresholds),
            *gap_findings(symbols, thresholds),
            *copy_findings(bars, thresholds),
            *end_findings(symbols, days, thresholds),
            *silence_findings(bars, thresholds),
            *_warm_up_findings(needed, filled),
            *_benchmark_findings(symbols),
        ]
    )
    return Report(extent, filled, findings, tuple(_unfit(extent, findings, limits)))


def _source_findings(left_out: Sequence[LeftOut]) -> Iterator[DataFinding]:
    for rows in left_out:
        first = " ".join(part for part in (rows.symbol, rows.when) if part)
        text = f"{rows.count:,} rows: {rows.reason}" + (f"; first {first}" if first else "")
        match rows.kind:
            case "impossible" | "duplicate":
                yield DataFinding(rows.kind, "error", text, count=rows.count, weight=rows.count)
            case "unused":
                yield DataFinding("source", "note", text, count=rows.count, weight=rows.count)


def _warm_up_findings(needed: dict[str, int | None], filled: WarmUp | None) -> Iterator[DataFinding]:
    for name, count in needed.items():
        if count is None:
            text = f"feature {name} has no value within {HISTORY} bars, the most that a scan looks back on"
            yield DataFinding("warm-up", "error", text)
    if filled is not None and filled.filled < filled.alive:
        short = filled.alive - filled.filled
        text = (
            f"{short:,} of the {filled.alive:,} symbols with a bar at the last session have fewer than the"
            f" {filled.bars} bars that {filled.feature} needs: listed lately, or the data is short"
        )
        yield DataFinding("warm-up", "note", text, count=short, weight=short)


def _benchmark_findings(symbols: pl.DataFrame) -> Iterator[DataFinding]:
    if SPY not in symbols["symbol"]:
        text = (
            f"{SPY} is not there: the market's trend, and the VIX where there is no file of it, stay unknown"
        )
        yield DataFinding("no benchmark", "note", text)


def _unfit(extent: Coverage, findings: Sequence[DataFinding], limits: Limits) -> Iterator[str]:
    """Why the data should not be used: each share that is over its limit."""

    def rows(kind: str) -> int:
        return sum(finding.count for finding in findings if finding.kind == kind)

    def symbols(kind: str) -> int:
        return len({finding.symbol for finding in findings if finding.kind == kind})

    missing = extent.expected - extent.bars
    sessions = extent.exchange_sessions
    for count, whole, limit, what in (
        (rows("impossible"), extent.rows, limits.impossible, "rows are impossible"),
        (rows("duplicate"), extent.rows, limits.duplicates, "rows are duplicates"),
        (rows("missing session"), sessions, limits.missing_sessions, "sessions of the exchange are missing"),
        (rows("closed day"), extent.sessions, limits.closed_days, "days are none of the exchange's sessions"),
        (missing, extent.expected, limits.missing_bars, "bars are missing within the symbols' lives"),
        (symbols("split"), extent.symbols, limits.splits, "symbols have an unadjusted split"),
        (
            symbols("other security"),
            extent.symbols,
            limits.other_security,
            "symbols hold another security's bars",
        ),
        (symbols("copied bars"), extent.symbols, limits.copies, "symbols have copied bars"),
    ):
        if count and count > limit * whole:
            share = format_fraction(count / whole, 2)
            yield f"{count:,} of {whole:,} {what} ({share}; {format_fraction(limit, 2)} are allowed)"

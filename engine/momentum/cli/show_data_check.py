"""The check of market data on the terminal and as JSON."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text

from momentum.cli.render import console, table
from momentum.market.quality.findings import KINDS, DataFinding, Report
from momentum.ports import MarketData
from momentum.units import format_fraction

_WORST = 5
"""How many findings of a kind are shown where not all are asked for."""

_STYLES = {"error": "bold red", "warning": "yellow", "note": "dim"}


def show_check(data: MarketData, report: Report, *, everything: bool) -> None:
    """Coverage, a table of the kinds found, the worst of each kind (all, with `everything`), the verdict."""
    out = console()
    out.print(Text(f"data: {data.title}", style="yellow" if data.synthetic else "bold"))
    for note in data.notes():
        out.print(Text(note, style="dim"))
    _show_coverage(out, report)
    if report.findings:
        made = table("found", "severity", "count", "what it is", right=("count",))
        for kind, found in report.by_kind():
            worst = found_severity(found)
            made.add_row(kind, Text(worst, style=_STYLES[worst]), f"{len(found):,}", KINDS[kind])
        out.print(made)
    for kind, found in report.by_kind():
        shown = found if everything else found[:_WORST]
        out.print(Text(kind, style="bold"))
        for finding in shown:
            out.print(Text(f"  {line(finding)}", style=_STYLES[finding.severity]))
        if len(shown) < len(found):
            out.print(Text(f"  and {len(found) - len(shown):,} more; --all lists them", style="dim"))
    _show_verdict(out, report)


def _show_coverage(out: Console, report: Report) -> None:
    extent = report.coverage
    out.print(
        f"{extent.symbols:,} symbols, {extent.sessions:,} sessions from {extent.first} to {extent.last}, "
        f"{extent.bars:,} bars: {format_fraction(extent.share, 2)} of those between each symbol's first and last"
    )
    warm = report.warm_up
    if warm is not None:
        out.print(
            f"{warm.filled:,} of the {warm.alive:,} symbols with a bar at the last session fill the warm-up: "
            f"{warm.bars} bars, for {warm.feature}"
        )


def _show_verdict(out: Console, report: Report) -> None:
    for reason in report.unfit:
        out.print(Text(f"unfit: {reason}", style="bold red"))
    if not report.unfit:
        out.print(Text("fit for use" if report.findings else "fit for use, nothing found", style="green"))


def found_severity(found: tuple[DataFinding, ...]) -> str:
    """The gravest severity among findings."""
    present = {finding.severity for finding in found}
    return next(severity for severity in _STYLES if severity in present)


def line(finding: DataFinding) -> str:
    """A finding on one line: `CF 2015-06-18 looks like an unadjusted 1 to 5 split: ...`."""
    parts = (finding.symbol, str(finding.day) if finding.day else "", finding.text)
    return " ".join(part for part in parts if part)


def check_json(data: MarketData, report: Report) -> dict[str, Any]:
    """The document of `momentum data check --json`, with every finding."""
    extent, warm = report.coverage, report.warm_up
    return {
        "data": data.title,
        "source": data.source,
        "synthetic": data.synthetic,
        "fit": not report.unfit,
        "unfit": list(report.unfit),
        "coverage": {
            "symbols": extent.symbols,
            "sessions": extent.sessions,
            "exchange_sessions": extent.exchange_sessions,
            "first": extent.first,
            "last": extent.last,
            "bars": extent.bars,
            "expected": extent.expected,
            "share": extent.share,
        },
        "warm_up": None
        if warm is None
        else {"bars": warm.bars, "feature": warm.feature, "symbols": warm.alive, "filled": warm.filled},
        "notes": list(data.notes()),
        "counts": {kind: len(found) for kind, found in report.by_kind()},
        "findings": [
            {
                "kind": finding.kind,
                "severity": finding.severity,
                "symbol": finding.symbol or None,
                "date": finding.day,
                "text": finding.text,
                "count": finding.count,
            }
            for finding in report.findings
        ],
    }

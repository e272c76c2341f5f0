"""A backtest on the terminal: one table, a column a strategy and one for the benchmark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.text import Text

from momentum.cli.render import console, signed, table
from momentum.report.effective import shown_settings
from momentum.report.numbers import Judged, Number, numbers
from momentum.report.write import metrics_document

_SHOWN = (
    "total_return", "cagr", "volatility", "sharpe", "max_drawdown", "drawdown_sessions", "trades", "win_rate",
    "profit_factor", "expectancy", "exposure",
)  # fmt: skip


def show_backtest(several: Sequence[Judged], report: Path | None = None, notes: Sequence[str] = ()) -> None:
    """Show what the strategies came to, what should be known of it, and where the report lies."""
    out = console()
    first = several[0]
    metrics = first.metrics
    out.print(
        Text.assemble((f"{metrics.start} to {metrics.end}", "bold"), f", {metrics.sessions:,} sessions")
    )
    out.print(f"data: {first.result.data}", markup=False)
    names = [of.result.strategy for of in several]
    columns = [*names, metrics.benchmark_name] if metrics.benchmark else names
    made = table("", *columns, right=columns)
    rows = [{number.name: number for number in numbers(of)} for of in several]
    for name in _SHOWN:
        found = [row[name] for row in rows]
        beside = [Text(found[0].benchmark, style="dim")] if metrics.benchmark else []
        made.add_row(found[0].label, *map(_shown, found), *beside)
    out.print(made)
    for note in dict.fromkeys([*notes, *_notes(several)]):
        out.print(Text(note, style="yellow"))
    if report is not None:
        out.print(Text.assemble("report: ", (str(report), "bold")), soft_wrap=True)


def backtest_json(
    several: Sequence[Judged], report: Path | None = None, notes: Sequence[str] = ()
) -> Mapping[str, object]:
    """The same as one document, with every metric, the settings and the data's hash."""
    return {
        "notes": list(notes),
        "report": None if report is None else str(report),
        "results": [
            {
                "strategy": of.result.strategy,
                "data": of.result.data,
                "data_hash": of.result.data_hash,
                "notes": of.result.notes,
                "metrics": metrics_document(of),
                "settings": shown_settings(of.result),
            }
            for of in several
        ],
    }


def _shown(number: Number) -> Text:
    if number.signed and number.value is not None:
        return signed(number.value, number.text)
    return Text(number.text)


def _notes(several: Sequence[Judged]) -> list[str]:
    """Notes of each result; what only one of several has is said with its name."""
    shared = set.intersection(*(set(of.result.notes) for of in several))
    return [
        note if note in shared else f"{of.result.strategy}: {note}"
        for of in several
        for note in of.result.notes
    ]

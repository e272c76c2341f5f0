"""Writing the report of one backtest or of several into a directory."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from momentum.backtest.metrics import to_json as metrics_json
from momentum.ledger.fields import to_json
from momentum.report.effective import shown_settings
from momentum.report.files import equity_csv, trades_csv, write_text
from momentum.report.numbers import Judged
from momentum.report.page import comparison_page, strategy_page

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def write(directory: Path, several: Sequence[Judged], notes: Sequence[str] = ()) -> tuple[Path, ...]:
    """Write trades.csv, equity.csv, metrics.json, settings.json and report.html; the same inputs, the same bytes.

    Several results have a subdirectory each, and a report.html above that compares them. `notes` is what a
    person should know of them all. Returns the files, the report to begin with first. Raises `UsageError`
    where they cannot be written.
    """
    if len(several) == 1:
        return _one(directory, several[0], notes)
    names = _directories([of.result.strategy for of in several])
    page = comparison_page(several, [f"{name}/report.html" for name in names], notes)
    written = [write_text(directory / "report.html", page)]
    for name, of in zip(names, several, strict=True):
        written += _one(directory / name, of, notes)
    return tuple(written)


def metrics_document(of: Judged) -> Mapping[str, object]:
    """The metrics and their intervals as metrics.json holds them."""
    return {**metrics_json(of.metrics), "intervals": of.intervals}


def _one(directory: Path, of: Judged, notes: Sequence[str]) -> tuple[Path, ...]:
    result = of.result
    settings = {"settings": shown_settings(result), "data": {"source": result.data, "hash": result.data_hash}}
    texts = {
        "report.html": strategy_page(of, notes),
        "trades.csv": trades_csv(result),
        "equity.csv": equity_csv(result),
        "metrics.json": to_json(metrics_document(of)) + "\n",
        "settings.json": to_json(settings) + "\n",
    }
    return tuple(write_text(directory / name, text) for name, text in texts.items())


def _directories(strategies: Sequence[str]) -> list[str]:
    """A directory's name for each strategy: its own, with a number where two would share one."""
    names: list[str] = []
    for strategy in strategies:
        plain = _UNSAFE.sub("-", strategy).strip(".-") or "strategy"
        count = 1
        name = plain
        while name.lower() in (taken.lower() for taken in names):
            count += 1
            name = f"{plain}-{count}"
        names.append(name)
    return names

"""The page of one backtest, or of several compared: one HTML file that opens without a network."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from momentum.backtest.metrics import Metrics
from momentum.backtest.result import Result
from momentum.report.charts import (
    Chart,
    adverse_chart,
    equity_chart,
    exposure_chart,
    favorable_chart,
    holding_chart,
)
from momentum.report.effective import shown_settings, written
from momentum.report.markup import Markup, data, el, join, sign_of
from momentum.report.numbers import Judged, Number, numbers
from momentum.report.packed import chart_library
from momentum.report.tables import (
    attribution_tables,
    compared_table,
    metrics_table,
    monthly_table,
    settings_table,
)
from momentum.report.tradelist import held_sessions, trade_list

_FIRST = ("total_return", "cagr", "max_drawdown", "sharpe", "trades", "win_rate")
"""The numbers a person wants before all others."""

_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
"""Forbids the page to fetch anything from anywhere."""

_NO_COST = ("limits", "monitor", "decide", "orders")
"""Parts of a strategy's `backtest:` section that stand under their own names in the settings."""

_SURE = (
    "{level}: the interval that holds the true value in {level} of all cases, by resampling these sessions and "
    "trades. Where it reaches across 0, the number may be luck."
)
_FILLED = (
    "Every decision is made at a session's close, from what was known then; its market orders fill at the next "
    "session's open. A stop works inside each bar, along the pessimistic path: open, low, high, close. It fills at its "
    "level, or at the open where the bar begins below it. What is still held at the end is valued at its last close."
)


def strategy_page(of: Judged, notes: Sequence[str] = ()) -> str:
    """The whole report of one strategy; `notes` are shown above those of the result itself."""
    result, metrics = of.result, of.metrics
    equity, exposure = equity_chart([result]), exposure_chart(result)
    scatters = [
        holding_chart(result.closed, held_sessions(result)),
        adverse_chart(result.closed),
        favorable_chart(result.closed),
    ]
    beside = f"Against {metrics.benchmark_name}; below, how far each stood under its peak"
    opens = "A row opens what was known, the rule of its exit, its orders and fills"
    body = [
        _head("Backtest", result.strategy, result.description, result, metrics, (*notes, *result.notes)),
        _cards(of),
        _section("Equity", beside, _chart(equity, "tall")),
        _section("Monthly returns", "Percent", monthly_table(metrics.months)),
        _section("Exposure", "At each close", _chart(exposure)),
        _section("All numbers", "", metrics_table(of)),
        *(_closed(metrics, scatters) if result.closed else ()),
        _section("Trades", opens, trade_list(result)),
        _section("How it was measured", "", el("p", _FILLED), _costs(result)),
        _folded("Settings", settings_table(result)),
    ]
    charts = [equity, exposure, *(scatters if result.closed else ())]
    return _document(f"{result.strategy}: backtest", body, charts)


def comparison_page(several: Sequence[Judged], links: Sequence[str], notes: Sequence[str] = ()) -> str:
    """Several strategies side by side; `links` lead from this page to the page of each."""
    first = several[0]
    told = dict.fromkeys(note for of in several for note in of.result.notes)
    chart = equity_chart([of.result for of in several])
    names = ", ".join(of.result.strategy for of in several)
    beside = f"Against {first.metrics.benchmark_name}; below, how far each stood under its peak"
    body = [
        _head("Backtests compared", names, "", first.result, first.metrics, (*notes, *told)),
        _section("Equity", beside, _chart(chart, "tall")),
        _section("All numbers", "A strategy's name leads to its report", compared_table(several, links)),
        _section("How it was measured", "", el("p", _FILLED)),
    ]
    return _document(f"{names}: backtests compared", body, [chart])


def _document(title: str, body: Sequence[object], charts: Sequence[Chart]) -> str:
    here = files("momentum.report")
    style = Markup(here.joinpath("report.css").read_text(encoding="utf-8"))
    script = Markup(here.joinpath("report.js").read_text(encoding="utf-8"))
    head = el(
        "head",
        Markup('<meta charset="utf-8">'),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'),
        Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        Markup('<meta name="color-scheme" content="light dark">'),
        el("title", title),
        el("style", style),
    )
    end = (data("charts", charts), chart_library(), el("script", script))
    page = el("html", head, el("body", el("main", *body), *end), lang="en")
    return f"<!doctype html>\n{page}\n"


def _head(
    kind: str, title: str, description: str, result: Result, metrics: Metrics, notes: Sequence[str]
) -> Markup:
    span = f"{metrics.start} to {metrics.end} · {metrics.sessions:,} sessions · {result.data}"
    return el(
        "header",
        el("p", kind, class_="kicker"),
        el("h1", title),
        el("p", description, class_="lead") if description else "",
        el("p", span, class_="quiet"),
        *(el("p", note, class_="notice") for note in dict.fromkeys(notes)),
    )


def _cards(of: Judged) -> Markup:
    by_name = {number.name: number for number in numbers(of)}
    level = next((f"{span.level:.0%}" for span in of.intervals.values()), "")
    cards = (_card(by_name[name], of.metrics.benchmark_name, level) for name in _FIRST)
    read = _SURE.format(level=level) if level else ""
    return join((el("div", *cards, class_="cards"), el("p", read, class_="hint") if read else ""))


def _card(number: Number, benchmark: str, level: str) -> Markup:
    kind = sign_of(number.value) if number.signed else ""
    return el(
        "div",
        el("span", number.label, class_="label"),
        el("span", number.text, class_=f"value {kind}".strip()),
        el("span", f"{benchmark} {number.benchmark}", class_="beside") if number.benchmark else "",
        el("span", f"{level}: {number.interval}", class_="beside") if number.interval else "",
        class_="card",
    )


def _closed(metrics: Metrics, scatters: Sequence[Chart]) -> tuple[Markup, Markup]:
    each = el("div", *(_chart(chart, "square") for chart in scatters), class_="grid")
    return (
        _section("Trade by trade", "P/L of each closed trade; a point opens its explanation", each),
        _section("Where it came from", "P/L of closed trades", attribution_tables(metrics.attribution)),
    )


def _costs(result: Result) -> Markup:
    known = [(key.split("."), row["value"]) for key, row in shown_settings(result).items()]
    costs = [
        el("li", f"{' '.join(key[1:]).replace('_', ' ')}: {written(value)}")
        for key, value in known
        if key[0] == "backtest" and len(key) > 1 and key[1] not in _NO_COST
    ]
    digest = el("li", f"digest of the bars that were used: {result.data_hash}")
    return el("ul", *costs, digest)


def _section(title: str, hint: str, *content: object) -> Markup:
    return el("section", el("h2", title), el("p", hint, class_="hint") if hint else "", *content)


def _folded(title: str, content: Markup) -> Markup:
    return el("section", el("details", el("summary", title), content))


def _chart(chart: Chart, kind: str = "") -> Markup:
    fixed: dict[str, Any] = {"id": f"chart-{chart['id']}", "class_": f"chart {kind}".strip()}
    return el("div", **fixed)

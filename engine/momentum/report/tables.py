"""The tables of a report: monthly returns, all metrics, where the result came from, the settings."""

from __future__ import annotations

from collections.abc import Sequence

from momentum.backtest.attribution import Attribution, Group, YearReturns
from momentum.backtest.result import Result
from momentum.report.effective import shown_settings, written
from momentum.report.markup import Cell, Markup, el, join, row, sign_of, table
from momentum.report.numbers import NOTHING, Judged, Number, dollars, numbers, share

_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_DEEPEST = 0.10
"""The monthly return from which on a cell has its full colour."""
_SETTING = ("Setting", "Value", "From")


def monthly_table(years: Sequence[YearReturns]) -> Markup:
    """A heat map: a row a year, a cell a month, the year's return at the end."""
    head = el("tr", el("th", ""), *(el("th", m, scope="col") for m in [*_MONTHS, "Year"]))
    rows = (
        el(
            "tr",
            el("th", str(year.year), scope="row"),
            *(_month(name, value) for name, value in zip(_MONTHS, year.months, strict=True)),
            _month("Year", year.total, "total"),
        )
        for year in years
    )
    return el("table", el("thead", head), el("tbody", join(rows)), class_="months")


def metrics_table(of: Judged) -> Markup:
    """Every metric beside its benchmark's, with the interval that holds it and why one is missing."""
    head = [Cell("Metric"), Cell("Value", "num"), Cell(of.metrics.benchmark_name, "num")]
    level = next((f"{span.level:.0%} interval" for span in of.intervals.values()), None)
    if level:
        head.append(Cell(level, "num"))
    rows = (_metric(number, with_interval=level is not None) for number in numbers(of))
    return table(head, rows, class_="metrics")


def attribution_tables(parts: Attribution) -> Markup:
    """The closed trades grouped in each way that says more than the whole does."""
    titled: tuple[tuple[str, tuple[Group, ...]], ...] = (
        ("By size class", parts.cap),
        ("By sector", parts.sector),
        ("By signal at entry", parts.signal),
        ("By exit", parts.exit),
        ("By year of exit", parts.year),
    )
    if not any(len(groups) > 1 for _, groups in titled):
        return el("p", "All closed trades fall into one group of each kind.", class_="quiet")
    return el(
        "div", *(_groups(title, groups) for title, groups in titled if len(groups) > 1), class_="groups"
    )


def compared_table(several: Sequence[Judged], links: Sequence[str]) -> Markup:
    """Several results side by side: a row a metric, a column a strategy, the benchmark last."""
    rows = [numbers(of) for of in several]
    heads = [
        el("th", el("a", of.result.strategy, href=link), scope="col", class_="num")
        for of, link in zip(several, links, strict=True)
    ]
    bench = el("th", several[0].metrics.benchmark_name, scope="col", class_="num")
    body = join(
        row(
            [
                Cell(metric[0].label),
                *(Cell(n.text, f"num {sign_of(n.value) if n.signed else ''}".strip()) for n in metric),
                Cell(metric[0].benchmark, "num quiet"),
            ]
        )
        for metric in zip(*rows, strict=True)
    )
    head = el("thead", el("tr", el("th", "Metric", scope="col"), *heads, bench))
    return el("div", el("table", head, el("tbody", body), class_="metrics"), class_="scroll")


def settings_table(result: Result) -> Markup:
    """The settings in force, each with where it came from."""
    rows = (
        [Cell(key), Cell(written(row_["value"])), Cell(str(row_["origin"]), "quiet")]
        for key, row_ in shown_settings(result).items()
    )
    return table([Cell(name) for name in _SETTING], rows, class_="settings")


def _month(name: str, value: float | None, kind: str = "") -> Markup:
    if value is None:
        return el("td", NOTHING, data_m=name, class_=f"{kind} none".strip())
    depth = f"--depth:{min(1.0, abs(value) / _DEEPEST):.2f}"
    return el(
        "td", f"{value * 100:+.1f}", data_m=name, class_=f"{kind} {sign_of(value)}".strip(), style=depth
    )


def _metric(number: Number, *, with_interval: bool) -> list[Cell]:
    note = f" ({number.note})" if number.note else ""
    cells = [
        Cell(number.label + note),
        Cell(number.text, f"num {sign_of(number.value) if number.signed else ''}".strip()),
        Cell(number.benchmark, "num quiet"),
    ]
    return [*cells, Cell(number.interval, "num quiet")] if with_interval else cells


def _groups(title: str, groups: Sequence[Group]) -> Markup:
    head = [Cell(title), Cell("Trades", "num"), Cell("Won", "num"), Cell("P/L", "num")]
    rows = (
        [
            Cell(group.name, "name"),
            Cell(f"{group.trades:,}", "num"),
            Cell(share(group.win_rate), "num"),
            Cell(dollars(group.pnl), f"num {sign_of(group.pnl)}".strip()),
        ]
        for group in groups
    )
    return table(head, rows)

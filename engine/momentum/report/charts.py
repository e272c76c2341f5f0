"""The charts of a report as plotly takes them: plain data and layouts.

A colour is named by the page's own variable (`--line`), so that the page can draw it light or dark. Texts are
escaped: plotly reads them as HTML.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from itertools import accumulate
from typing import Any

from momentum.backtest.result import Result
from momentum.ledger.rows import Trade

Chart = Mapping[str, Any]
_COLOURS = ("--line", "--second", "--third", "--fourth", "--fifth", "--sixth")


def equity_chart(results: Sequence[Result]) -> Chart:
    """The equity of each result with the benchmark, in dollars; below, how far each stands under its peak.

    The benchmark is bought with the first result's cash at its first session's close.
    """
    first = results[0]
    lines = [
        (result.strategy, _dates(result), [day.equity for day in result.days], _COLOURS[i % len(_COLOURS)])
        for i, result in enumerate(results)
    ]
    known = [(day.day.isoformat(), day.benchmark) for day in first.days if day.benchmark is not None]
    if known and known[0][1]:
        worth = [first.days[0].equity * value / known[0][1] for _, value in known]
        lines.append((first.benchmark_name, [day for day, _ in known], worth, "--bench"))
    traces = []
    for name, dates, values, colour in lines:
        shown: dict[str, Any] = {
            "name": escape(name),
            "legendgroup": escape(name),
            "mode": "lines",
            "x": dates,
        }
        width = 1.2 if colour == "--bench" else 2
        line: dict[str, Any] = {"color": colour, "width": width}
        traces.append({**shown, "y": _cents(values), "line": line, "hovertemplate": "$%{y:,.0f}"})
        traces.append(
            {
                **shown,
                "y": _rates(drawdowns(values)),
                "yaxis": "y2",
                "showlegend": False,
                "line": {**line, "width": 1},
                "fill": "tozeroy" if colour == "--line" else "none",
                "fillcolor": "--shade",
                "hovertemplate": "%{y:.1%}",
            }
        )
    layout = {
        "xaxis": {"anchor": "y2", "type": "date"},
        "yaxis": {"domain": [0.36, 1], "tickprefix": "$", "tickformat": "~s"},
        "yaxis2": {"domain": [0, 0.28], "tickformat": ".0%", "nticks": 4},
        "hovermode": "x unified",
        "showlegend": True,
    }
    return {"id": "equity", "data": traces, "layout": layout}


def exposure_chart(result: Result) -> Chart:
    """What share of the equity stood in positions at each close, and how many positions there were."""
    dates = _dates(result)
    share = [day.invested / day.equity if day.equity else 0.0 for day in result.days]
    traces = [
        {
            "name": "invested", "mode": "lines", "x": dates, "y": _rates(share), "fill": "tozeroy",
            "fillcolor": "--shade", "line": {"color": "--line", "width": 1, "shape": "hv"},
            "hovertemplate": "%{y:.0%} of equity",
        },
        {
            "name": "positions", "mode": "lines", "x": dates, "y": [day.positions for day in result.days],
            "yaxis": "y2", "line": {"color": "--second", "width": 1, "shape": "hv"},
            "hovertemplate": "%{y}",
        },
    ]  # fmt: skip
    layout = {
        "xaxis": {"anchor": "y2", "type": "date"},
        "yaxis": {"domain": [0.42, 1], "tickformat": ".0%", "rangemode": "tozero", "title": "of equity"},
        "yaxis2": {"domain": [0, 0.32], "rangemode": "tozero", "nticks": 4, "title": "positions"},
        "hovermode": "x unified",
    }
    return {"id": "exposure", "data": traces, "layout": layout}


def holding_chart(trades: Sequence[Trade], held: Mapping[int, int]) -> Chart:
    """What each closed trade earned against how many sessions it was held."""
    points = [(trade, held[trade.id], gain) for trade in trades if (gain := rate(trade)) is not None]
    return _scatter("holding", points, "sessions held", x_percent=False)


def adverse_chart(trades: Sequence[Trade]) -> Chart:
    """What each closed trade earned against the largest move against it."""
    points = [
        (t, t.max_drawdown, g) for t in trades if t.max_drawdown is not None and (g := rate(t)) is not None
    ]
    return _scatter("adverse", points, "largest move against it (MAE)", x_percent=True)


def favorable_chart(trades: Sequence[Trade]) -> Chart:
    """What each closed trade earned against the largest move in its favour."""
    points = [(t, t.max_gain, g) for t in trades if t.max_gain is not None and (g := rate(t)) is not None]
    return _scatter("favorable", points, "largest move in its favour (MFE)", x_percent=True)


def drawdowns(values: Sequence[float]) -> list[float]:
    """How far each value stands below the highest so far: fractions, 0 or less."""
    peaks = accumulate(values, max)
    return [value / peak - 1 if peak else 0.0 for value, peak in zip(values, peaks, strict=True)]


def rate(trade: Trade) -> float | None:
    """What a closed trade earned, as a fraction of its entry price."""
    return None if trade.exit_price is None else trade.exit_price / trade.entry_price - 1


def _scatter(
    name: str, points: Iterable[tuple[Trade, float, float]], title: str, *, x_percent: bool
) -> Chart:
    shown = list(points)
    traces = [
        {
            "name": side,
            "mode": "markers",
            "x": [round(x, 5) for _, x, _ in chosen],
            "y": [round(y, 5) for _, _, y in chosen],
            "text": [f"{escape(trade.symbol)} {trade.entry_date}" for trade, _, _ in chosen],
            "customdata": [trade.id for trade, _, _ in chosen],
            "marker": {"color": colour, "size": 6, "opacity": 0.65},
            "hovertemplate": "%{text}<br>%{y:+.1%}, %{x"
            + (":+.1%" if x_percent else "")
            + "}<extra></extra>",
        }
        for side, colour, chosen in (
            ("gained", "--up", [point for point in shown if point[2] > 0]),
            ("lost", "--down", [point for point in shown if point[2] <= 0]),
        )
    ]
    layout = {
        "xaxis": {"title": title, "tickformat": ".0%" if x_percent else "", "rangemode": "tozero"},
        "yaxis": {"tickformat": "+.0%", "zeroline": True},
        "hovermode": "closest",
    }
    return {"id": name, "data": traces, "layout": layout}


def _dates(result: Result) -> list[str]:
    return [day.day.isoformat() for day in result.days]


def _cents(values: Iterable[float]) -> list[float]:
    return [round(value, 2) for value in values]


def _rates(values: Iterable[float]) -> list[float]:
    return [round(value, 5) for value in values]

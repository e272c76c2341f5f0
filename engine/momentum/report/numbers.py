"""The numbers of a backtest as a person reads them: one row a metric, with the benchmark's and its interval."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from momentum.backtest.intervals import Interval, intervals
from momentum.backtest.metrics import Metrics, metrics_of
from momentum.backtest.performance import Performance
from momentum.backtest.result import Result
from momentum.units import format_money

_Format = Callable[[float], str]
NOTHING = "–"


@dataclass(frozen=True, slots=True)
class Judged:
    """A result, what it comes to, and how sure that is: intervals by the metric's name, none where not computed."""

    result: Result
    metrics: Metrics
    intervals: Mapping[str, Interval]


@dataclass(frozen=True, slots=True)
class Number:
    """One metric as text. `value` is the number itself, None where it is not defined; `note` says why then."""

    name: str
    label: str
    value: float | None
    text: str
    benchmark: str = ""
    interval: str = ""
    note: str = ""
    signed: bool = False


def judged(result: Result, *, with_intervals: bool = True) -> Judged:
    """Measure a result. The intervals take longer than all the rest, and can be left out."""
    metrics = metrics_of(result)
    return Judged(result, metrics, intervals(result) if with_intervals else {})


def numbers(of: Judged) -> tuple[Number, ...]:
    """Every metric, those that a person asks for first before the others."""
    return (*_of_account(of), *_of_trades(of))


def percent(value: float) -> str:
    """`+12.3%`."""
    return f"{value:+,.1%}"


def share(value: float) -> str:
    """`12.3%`: of a whole, so without a sign."""
    return f"{value:,.1%}"


def ratio(value: float) -> str:
    """`1.23`; `∞` where nothing stood against it."""
    return ("∞" if value > 0 else "-∞") if math.isinf(value) else f"{value:,.2f}"


def dollars(value: float) -> str:
    """`$1,234`, `-$3.50`: cents only below a hundred dollars."""
    return format_money(value) if abs(value) < 100 else format_money(value).partition(".")[0]


def text_of(value: float | None, shown: _Format) -> str:
    """A number as text, a dash where there is none."""
    return NOTHING if value is None else shown(value)


def _of_account(of: Judged) -> tuple[Number, ...]:
    metrics = of.metrics

    def row(
        name: str,
        label: str,
        get: Callable[[Performance], float | None],
        shown: _Format,
        signed: bool = False,
    ) -> Number:
        other = "" if metrics.benchmark is None else text_of(get(metrics.benchmark), shown)
        return _number(of, name, label, get(metrics.account), shown, other, f"account.{name}", signed)

    def plain(name: str, label: str, value: float | None, shown: _Format, place: str = "") -> Number:
        return _number(of, name, label, value, shown, "", place or name, False)

    against = metrics.against
    return (
        row("total_return", "Return", lambda p: p.total_return, percent, signed=True),
        row("cagr", "CAGR", lambda p: p.cagr, percent, signed=True),
        row("volatility", "Volatility a year", lambda p: p.volatility, share),
        row("sharpe", "Sharpe", lambda p: p.sharpe, ratio, signed=True),
        row("sortino", "Sortino", lambda p: p.sortino, ratio, signed=True),
        row("calmar", "Calmar", lambda p: p.calmar, ratio, signed=True),
        row("max_drawdown", "Max drawdown", lambda p: p.max_drawdown, share),
        row("drawdown_sessions", "Its length, sessions", lambda p: p.drawdown.sessions if p.drawdown else 0, _count),
        row("longest_drawdown", "Longest drawdown, sessions", lambda p: p.longest_drawdown, _count),
        row("best_day", "Best session", lambda p: p.best_day.rate if p.best_day else None, percent, signed=True),
        row("worst_day", "Worst session", lambda p: p.worst_day.rate if p.worst_day else None, percent, signed=True),
        plain("alpha", "Alpha a year", against.alpha, percent, "against.alpha"),
        plain("beta", "Beta", against.beta, ratio, "against.beta"),
        plain("correlation", "Correlation", against.correlation, ratio, "against.correlation"),
        plain("exposure", "Exposure, mean", metrics.exposure, share),
        plain("time_in_market", "Time in the market", metrics.time_in_market, share),
        plain("turnover", "Turnover a year", metrics.turnover, _times),
    )  # fmt: skip


def _of_trades(of: Judged) -> tuple[Number, ...]:
    stats = of.metrics.trades

    def row(name: str, label: str, value: float | None, shown: _Format, signed: bool = False) -> Number:
        return _number(of, name, label, value, shown, "", f"trades.{name}", signed)

    return (
        row("trades", "Trades closed", stats.trades, _count),
        row("open", "Still open at the end", stats.open, _count),
        row("win_rate", "Win rate", stats.win_rate, share),
        row("profit_factor", "Profit factor", stats.profit_factor, ratio),
        row("expectancy", "Expectancy a trade", stats.expectancy, dollars, signed=True),
        row("expectancy_rate", "Expectancy of its cost", stats.expectancy_rate, _fine, signed=True),
        row("average_win", "Average win", stats.average_win, dollars, signed=True),
        row("average_loss", "Average loss", stats.average_loss, dollars, signed=True),
        row("holding", "Sessions held, mean", stats.holding, lambda value: f"{value:.1f}"),
        row("pnl", "P/L of closed trades", stats.pnl, dollars, signed=True),
        row("commission", "Commissions paid", stats.commission, dollars),
    )


def _number(
    of: Judged,
    name: str,
    label: str,
    value: float | None,
    shown: _Format,
    benchmark: str,
    place: str,
    signed: bool,
) -> Number:
    span = of.intervals.get(name)
    between = "" if span is None else f"{shown(span.low)} to {shown(span.high)}"
    note = of.metrics.notes.get(place, "")
    return Number(name, label, value, text_of(value, shown), benchmark, between, note, signed)


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _times(value: float) -> str:
    return f"{value:,.1f}×"


def _fine(value: float) -> str:
    return f"{value:+.2%}"

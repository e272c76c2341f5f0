"""Where a result came from: by month, and by size class, sector, signal, exit and year of its trades."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from momentum.backtest.ratios import Numbers
from momentum.backtest.result import Result
from momentum.backtest.tradestats import measured
from momentum.ledger.rows import Trade

_UNKNOWN = "unknown"
_NO_SIGNAL = "none"


@dataclass(frozen=True, slots=True)
class YearReturns:
    """The returns of a calendar year's months as fractions, January first, and of the year as a whole.

    None is a month without a session, or one that began with nothing left.
    """

    year: int
    months: tuple[float | None, ...]
    total: float | None


@dataclass(frozen=True, slots=True)
class Group:
    """Closed trades that have something in common; `pnl` in dollars after commissions."""

    name: str
    trades: int
    wins: int
    win_rate: float
    pnl: float


@dataclass(frozen=True, slots=True)
class Attribution:
    """The closed trades, grouped: what earned most comes first, years come in order.

    By `cap`, `sector`, `exit` and `year` (of the exit) every trade stands in one group, and a group's dollars add
    up to the whole. By `signal` a trade stands in the group of every signal that gave it points at its entry, so
    these overlap.
    """

    cap: tuple[Group, ...]
    sector: tuple[Group, ...]
    signal: tuple[Group, ...]
    exit: tuple[Group, ...]
    year: tuple[Group, ...]


def monthly_returns(days: Sequence[date], values: Numbers) -> tuple[YearReturns, ...]:
    """The returns of each calendar month: its last value / the last value of the month before - 1.

    The first month is measured from the first session's value, the last up to the last session.
    """
    last: dict[tuple[int, int], float] = {}
    for day, value in zip(days, values.tolist(), strict=True):
        last[day.year, day.month] = value
    base = base_of_year = float(values[0])
    table = []
    for year in range(days[0].year, days[-1].year + 1):
        months: list[float | None] = []
        for month in range(1, 13):
            value = last.get((year, month))
            months.append(None if value is None else _rate(value, base))
            base = base if value is None else value
        table.append(YearReturns(year, tuple(months), _rate(base, base_of_year)))
        base_of_year = base
    return tuple(table)


def attribution(result: Result) -> Attribution:
    """Group the closed trades of which it is known what they earned."""
    trades = measured(result)
    return Attribution(
        cap=_groups(trades, lambda trade: [trade.cap or _UNKNOWN]),
        sector=_groups(trades, lambda trade: [result.sectors.get(trade.symbol) or _UNKNOWN]),
        signal=_groups(trades, signals),
        exit=_groups(trades, lambda trade: [exit_kind(trade)]),
        year=tuple(sorted(_groups(trades, _year), key=lambda group: group.name)),
    )


def signals(trade: Trade) -> list[str]:
    """The signals that gave a trade points when it was entered; `none` where there was not one."""
    points = trade.entry_signals if isinstance(trade.entry_signals, Mapping) else {}
    return [str(name) for name, earned in points.items() if earned] or [_NO_SIGNAL]


def exit_kind(trade: Trade) -> str:
    """Why a trade was closed, without the numbers of the day: its reason up to the first semicolon."""
    return (trade.exit_reason or _UNKNOWN).split(";")[0].strip()


def _year(trade: Trade) -> list[str]:
    assert trade.exit_date is not None
    return [str(trade.exit_date.year)]


def _groups(trades: Iterable[Trade], names: Callable[[Trade], Iterable[str]]) -> tuple[Group, ...]:
    found: dict[str, list[float]] = {}
    for trade in trades:
        assert trade.pnl is not None
        for name in names(trade):
            found.setdefault(name, []).append(trade.pnl)
    groups = (_group(name, pnl) for name, pnl in found.items())
    return tuple(sorted(groups, key=lambda group: (-group.pnl, group.name)))


def _group(name: str, pnl: Sequence[float]) -> Group:
    wins = sum(earned > 0 for earned in pnl)
    return Group(name, len(pnl), wins, wins / len(pnl), sum(pnl))


def _rate(value: float, base: float) -> float | None:
    return value / base - 1 if base > 0 else None

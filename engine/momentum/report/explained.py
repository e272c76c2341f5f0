"""Why each trade was made and ended: what was known at the decision, the rule of its exit, its orders and fills."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from momentum.backtest.result import Result
from momentum.ledger.rows import Intent, Trade
from momentum.market.calendar import shown
from momentum.report.numbers import dollars, percent
from momentum.units import format_fraction, format_price

_APART = ("entry_signals", "points", "state_vector", "score", "composite_score", "rank")
"""What of an order's context is told in words of its own, or is no column."""


_POINTS = "score:"
"""What the column of a rule that gives points begins with; points are told by themselves."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of an explanation: a title, and what is called by what name there."""

    title: str
    lines: tuple[tuple[str, str], ...]


def explained(trade: Trade, orders: Sequence[Intent]) -> tuple[Part, ...]:
    """The explanation of one trade from its orders, as `orders_of` finds them."""
    bought = next((order for order in orders if order.request.side == "buy"), None)
    sold = [o for o in orders if o.request.side == "sell" and o.filled_qty]
    known: Mapping[str, object] = bought.context if bought else {}
    leaving: Mapping[str, object] = sold[-1].context if sold else {}
    parts = (
        Part("Why it was bought", tuple(_entry(trade, known))),
        Part("Points", tuple(_points(trade.entry_signals))),
        Part("While it was held", tuple(_held(trade))),
        Part("Why it ended" if trade.status == "closed" else "Still held", tuple(_exit(trade, sold))),
        Part("Known when it was decided", tuple(_columns(known))),
        Part("Known at its exit", tuple(_columns(leaving))),
        Part("Orders and fills", tuple((_meant(order), _became(order)) for order in orders)),
    )
    return tuple(part for part in parts if part.lines)


def orders_of(result: Result) -> Mapping[int, Sequence[Intent]]:
    """The orders of each trade, by its id, as they were written down.

    A buy that filled belongs to the newest trade of its symbol that had begun by then, and so does what is
    written down after it: a trade may begin at the very moment at which the one before it ended.
    """
    trades: dict[str, list[Trade]] = {}
    for trade in result.trades:
        trades.setdefault(trade.symbol, []).append(trade)
    found: dict[int, list[Intent]] = {trade.id: [] for trade in result.trades}
    latest: dict[str, int] = {}
    for order in result.orders.values():
        symbol = order.request.symbol
        if order.request.side == "buy" and order.filled_qty and order.updated_at is not None:
            begun = [one.id for one in trades.get(symbol, ()) if one.opened_at <= order.updated_at]
            latest.update({symbol: begun[-1]} if begun else {})
        if symbol in latest:
            found[latest[symbol]].append(order)
    return found


def value_text(value: object) -> str:
    """A value as a person reads it: numbers with six digits, `yes` and `no`, `?` for what was not known."""
    if value is None:
        return "?"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,.6g}" if isinstance(value, float | int) else str(value)


def _entry(trade: Trade, known: Mapping[str, object]) -> Iterable[tuple[str, str]]:
    yield "reason", trade.entry_reason
    if trade.composite_score is not None:
        yield "score", f"{trade.composite_score:g}"
    if (rank := known.get("rank")) is not None:
        yield "rank", value_text(rank)
    if trade.cap:
        yield "size class", trade.cap


def _points(points: object) -> Iterable[tuple[str, str]]:
    if isinstance(points, Mapping):
        yield from ((str(name), value_text(earned)) for name, earned in points.items())


def _columns(known: Mapping[str, object]) -> Iterable[tuple[str, str]]:
    for name, value in known.items():
        if (
            name not in _APART
            and not name.startswith(_POINTS)
            and not isinstance(value, Mapping | list | tuple)
        ):
            yield name, value_text(value)


def _held(trade: Trade) -> Iterable[tuple[str, str]]:
    if trade.max_gain is not None:
        yield "best (MFE)", percent(trade.max_gain)
    if trade.max_drawdown is not None:
        yield "worst (MAE)", percent(trade.max_drawdown)


def _exit(trade: Trade, sold: Sequence[Intent]) -> Iterable[tuple[str, str]]:
    if trade.exit_reason is None:
        yield "rule", "no rule has closed it; it is valued at its last close"
        return
    request = sold[-1].request if sold else None
    if request is not None and request.type == "trailing_stop" and request.trail is not None:
        yield (
            "rule",
            f"trailing stop, {format_fraction(request.trail)} under the highest price since the entry",
        )
    elif request is not None and request.type == "stop" and request.stop_price is not None:
        yield "rule", f"stop at {format_price(request.stop_price)}"
    else:
        yield "rule", trade.exit_reason
    if trade.pnl is not None:
        yield "P/L", dollars(trade.pnl)
    if trade.commission:
        yield "commissions", dollars(trade.commission)


def _meant(order: Intent) -> str:
    request = order.request
    level = f" {format_fraction(request.trail)}" if request.trail is not None else ""
    at = "" if order.intended_at is None else f", {shown(order.intended_at)}"
    return f"{request.side} {request.qty:,} {request.type.replace('_', ' ')}{level}{at}"


def _became(order: Intent) -> str:
    price = "" if order.fill_price is None else f" {order.filled_qty:,} at ${order.fill_price:,.4f}"
    at = "" if order.updated_at is None or not price else f", {shown(order.updated_at)}"
    error = f" ({order.error})" if order.error else ""
    return f"{order.status.replace('_', ' ')}{price}{at}{error} · {order.client_id}"

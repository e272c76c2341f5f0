"""The list of all trades: rows that can be sorted and filtered, each of which opens its explanation."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping

from momentum.backtest.result import Result
from momentum.ledger.rows import Trade
from momentum.report.charts import rate
from momentum.report.explained import explained, orders_of
from momentum.report.files import exit_word
from momentum.report.markup import Cell, Markup, el, join, row, sign_of
from momentum.report.numbers import NOTHING, dollars, percent, text_of
from momentum.report.packed import packed_data
from momentum.units import format_price

_WIDE = "wide"
"""The class of a column that a narrow screen leaves to the explanation."""

_HEAD = (
    ("#", _WIDE), ("Symbol", ""), ("Entry", _WIDE), ("at", _WIDE + " num"), ("Shares", _WIDE + " num"),
    ("Exit", ""), ("at", _WIDE + " num"), ("Held", _WIDE + " num"), ("P/L", "num"), ("P/L %", "num"),
    ("MAE", _WIDE + " num"), ("MFE", _WIDE + " num"), ("Reason", _WIDE),
)  # fmt: skip


def trade_list(result: Result) -> Markup:
    """The section with every trade in order of entry; `held_sessions` says how long each was held."""
    if not result.trades:
        return el("p", "No trade was made.", class_="quiet")
    held = held_sessions(result)
    head = el(
        "tr",
        *(
            el("th", el("button", label, type="button"), class_=kind, scope="col", aria_sort="none")
            for label, kind in _HEAD
        ),
    )
    rows = join(
        row(_cells(trade, held[trade.id]), id=anchor(trade), class_="trade", data_symbol=trade.symbol)
        for trade in result.trades
    )
    search = el(
        "input", type="search", id="filter", placeholder="Filter by symbol", aria_label="Filter by symbol"
    )
    count = el("output", f"{len(result.trades)} trades", id="shown", for_="filter")
    return join(
        (
            el("div", search, count, class_="tools"),
            el("div", el("table", el("thead", head), el("tbody", rows), id="trades"), class_="scroll"),
            packed_data("explanations", _explanations(result)),
        )
    )


def held_sessions(result: Result) -> Mapping[int, int]:
    """How many sessions each trade was held, by its id: 0 for one that ended in the session it began."""
    days = [day.day for day in result.days]
    return {
        trade.id: bisect_left(days, trade.exit_date or days[-1]) - bisect_left(days, trade.entry_date)
        for trade in result.trades
    }


def anchor(trade: Trade) -> str:
    """What the page calls the trade's row, so that a link can open it."""
    return f"trade-{trade.id}"


def _cells(trade: Trade, held: int) -> list[Cell]:
    gain = rate(trade) if trade.status == "closed" else None
    pnl = trade.pnl if trade.status == "closed" else None
    ended = trade.exit_date.isoformat() if trade.exit_date and trade.status == "closed" else "open"
    reason = exit_word(trade) if trade.status == "closed" else NOTHING
    values = (
        (str(trade.id), trade.id),
        (trade.symbol, trade.symbol),
        (trade.entry_date.isoformat(), None),
        (format_price(trade.entry_price), trade.entry_price),
        (f"{trade.entry_quantity:,}", trade.entry_quantity),
        (ended, None),
        (text_of(trade.exit_price, format_price), trade.exit_price),
        (str(held), held),
        (text_of(pnl, dollars), pnl),
        (text_of(gain, percent), gain),
        (text_of(trade.max_drawdown, percent), trade.max_drawdown),
        (text_of(trade.max_gain, percent), trade.max_gain),
        (reason, None),
    )
    signs = {8: sign_of(pnl), 9: sign_of(gain)}
    return [
        Cell(text, f"{kind} {signs.get(i, '')}".strip(), _short(order))
        for i, ((text, order), (_, kind)) in enumerate(zip(values, _HEAD, strict=True))
    ]


def _short(order: float | str | None) -> float | str | None:
    """What a column is sorted by, no longer than that needs."""
    return float(f"{order:.6g}") if isinstance(order, float) else order


def _explanations(result: Result) -> Mapping[str, object]:
    """All explanations; a name that many share is written once, and stands for its place in `names`."""
    places: dict[str, int] = {}

    def place(name: str) -> int:
        return places.setdefault(name, len(places))

    orders = orders_of(result)
    trades = {
        anchor(trade): [
            [place(part.title), [[place(name), text] for name, text in part.lines]]
            for part in explained(trade, orders[trade.id])
        ]
        for trade in result.trades
    }
    return {"names": list(places), "trades": trades}

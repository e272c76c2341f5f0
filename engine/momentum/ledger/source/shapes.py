"""What the tables of the source system's database look like: its columns, under the names they may have.

Nobody has the original statements that made them, and its 25 late columns came by and by; so each of our columns
names those of the old table that may hold its value. The first that is there, and that can be read, counts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from momentum.ledger.source import values as v


@dataclass(frozen=True, slots=True)
class Column:
    """One value of ours: how it is read, the names that it may have besides its own, in order, and what a row
    lacks that has no such value, empty where it can do without."""

    name: str
    read: Callable[[object], object]
    names: tuple[str, ...] = ()
    lack: str = ""


Shape = tuple[Column, ...]

_LATE = {
    v.number: "spy_price spy_change vix breadth rvol volume_surge gap_up intraday_strength conviction reward "
    "max_gain max_drawdown".split(),
    v.text: ["spy_trend", "scan_type"],
    v.flag: ["breakout_5d"],
    v.json_value: ["state_vector"],
}
_LATE_NAMES = {
    "atr": ("atr_14",),
    "rsi": ("rsi_14",),
    "roc": ("roc_10", "roc10", "roc_10d"),
    "sma_20": ("sma20", "sma"),
    "cash_pct": ("cash_percent", "cash_percentage"),
    "exposure_pct": ("exposure_percent", "exposure_percentage", "portfolio_exposure"),
    "peak_price": ("highest_price", "max_price"),
}


def _late_columns() -> Shape:
    plain = [Column(name, read) for read, names in _LATE.items() for name in names]
    plain += [Column(name, v.number, names) for name, names in _LATE_NAMES.items()]
    plain += [Column("positions_held", v.whole, ("num_positions", "positions_count"))]
    plain += [Column("action", v.text, ("action_taken",))]
    at_entry = (
        Column(one.name, one.read, (*one.names, f"entry_{one.name}", f"{one.name}_at_entry")) for one in plain
    )
    return tuple(at_entry)


_SYMBOL = Column("symbol", v.symbol, ("ticker",), "symbol")
_CAP = Column("cap", v.cap, ("cap_tier", "cap_size", "cap_category", "cap_class", "market_cap"))
_SCORE = Column("composite_score", v.number, ("score", "entry_score", "momentum_score"))
_AT = ("timestamp", "scan_time", "snapshot_time", "scan_date", "snapshot_date", "date", "created_at")
_ENTRY_AT = ("entry_time", "entry_datetime", "entry_timestamp", "opened_at", "entry_date", "buy_date")
_EXIT_AT = ("exit_time", "exit_datetime", "exit_timestamp", "closed_at", "exit_date", "sell_date")
_ENTRY_DAY, _EXIT_DAY = _ENTRY_AT[::-1], _EXIT_AT[::-1]
_ENTRY_SIGNALS = Column("entry_signals", v.json_value, ("signals", "signals_at_entry", "entry_signal"))
_PNL_PCT = Column("pnl_pct", v.number, ("pnl_percent", "profit_loss_pct", "profit_pct", "return_pct"))

TRADES: Shape = (
    _SYMBOL,
    Column("entry_price", v.price, ("buy_price", "avg_entry_price", "price"), "price"),
    Column(
        "entry_quantity", v.shares, ("quantity", "qty", "shares", "entry_qty", "entry_shares"), "quantity"
    ),
    Column("opened_at", v.moment, (*_ENTRY_AT, "date", "timestamp", "created_at"), "date"),
    Column("entry_date", v.day, (*_ENTRY_DAY, "date", "timestamp", "created_at"), "date"),
    Column("entry_reason", v.text, ("reason", "reasoning", "buy_reason")),
    Column("closed_at", v.moment, _EXIT_AT),
    Column("exit_date", v.day, _EXIT_DAY),
    Column("exit_price", v.price, ("sell_price", "avg_exit_price")),
    Column("exit_quantity", v.shares, ("exit_qty", "exit_shares")),
    Column("exit_reason", v.text, ("sell_reason", "close_reason")),
    Column("status", v.text, ("state",)),
    Column("strategy", v.text),
    Column("commission", v.number, ("commissions", "fees")),
    Column("pnl", v.number, ("profit_loss", "realized_pnl", "profit", "pl")),
    _CAP,
    _SCORE,
    _PNL_PCT,
    _ENTRY_SIGNALS,
    *_late_columns(),
)

POOR_SIGNALS: Shape = (
    Column("trade", v.text, ("trade_id",)),
    Column("symbol", v.symbol, ("ticker",)),
    Column("entry_date", v.day, _ENTRY_DAY),
    Column("exit_date", v.day, _EXIT_DAY),
    Column("entry_price", v.price),
    Column("exit_price", v.price),
    Column("holding_days", v.whole, ("days_held",)),
    Column("exit_reason", v.text, ("reason",)),
    Column("reversal_score", v.number),
    Column("reversal_signals", v.json_value, ("exit_signals",)),
    Column("notes", v.text),
    Column("reviewed", v.whole),
    Column("created_at", v.moment),
    _SCORE,
    _PNL_PCT,
    _ENTRY_SIGNALS,
)

WATCHLIST: Shape = (
    _SYMBOL,
    Column("added_date", v.day, ("added_at", "date_added", "date", "created_at"), "date"),
    Column("score", v.number, ("composite_score",)),
    Column("reason", v.text, ("reasoning", "notes")),
)

POSITION_CHECKS: Shape = (
    _SYMBOL,
    Column("check_time", v.moment, ("checked_at", "check_date", "timestamp", "created_at"), "date"),
    Column("score", v.number, ("reversal_score",)),
    Column("signals", v.json_value, ("reversal_signals",)),
    Column("alert_sent", v.flag, ("alerted",)),
    _PNL_PCT,
)

_SCAN: Shape = (
    Column("at", v.moment, _AT, "date"),
    Column("session_date", v.day, ("scan_date", "snapshot_date", "date", *_AT), "date"),
    Column("scan_ref", v.text, ("scan_id",)),
    Column("scan_type", v.text, ("type",)),
)
"""What a row says of the scan that it belongs to."""

MARKET_SNAPSHOTS: Shape = (
    *_SCAN,
    _CAP,
    Column("spy_price", v.number, ("spy", "spy_close")),
    Column("spy_change", v.number, ("spy_change_pct", "spy_pct", "spy_return")),
    Column("spy_sma_20", v.number, ("spy_sma20", "spy_sma")),
    Column("spy_trend", v.text, ("trend", "market_trend")),
    Column("vix", v.number, ("vix_level", "vix_price")),
    Column("vix_source", v.text),
    Column("breadth", v.number, ("market_breadth", "pct_advancing")),
    Column("funnel", v.json_value),
)

CANDIDATE_SNAPSHOTS: Shape = (
    *_SCAN,
    _SYMBOL,
    _CAP,
    _SCORE,
    Column("snapshot_ref", v.text, ("market_snapshot_id", "snapshot_id")),
    Column("rank", v.whole),
    Column("price", v.price, ("current_price", "close", "price_at_scan")),
    Column("points", v.json_value, ("score_breakdown", "signals")),
    Column("action", v.text, ("decision", "action_taken")),
    Column("traded", v.flag, ("was_traded", "bought", "selected")),
    Column("conviction", v.number),
    Column("reasoning", v.text, ("reason", "skip_reason")),
    *(Column(f"price_{n}d_later", v.price, (f"price_{n}d", f"price_after_{n}d")) for n in (1, 3, 5, 10)),
)

DAILY_PERFORMANCE: Shape = (
    Column("date", v.day, ("day", "snapshot_date", "timestamp", "created_at"), "date"),
    Column(
        "equity", v.number, ("portfolio_value", "total_equity", "account_value", "ending_equity"), "equity"
    ),
    Column("cash", v.number, ("cash_balance",)),
    Column("exposure_pct", v.number, ("exposure", "exposure_percent")),
    Column("positions", v.whole, ("num_positions", "open_positions", "positions_count")),
    Column("trades_opened", v.whole, ("trades", "num_trades", "trades_count", "buys")),
    Column("trades_closed", v.whole, ("closes", "sells")),
    Column("pnl", v.number, ("daily_pnl", "profit_loss")),
    Column("pnl_pct", v.number, ("daily_pnl_pct", "daily_return", "daily_return_pct", "return_pct")),
    Column("spy_price", v.number, ("spy_close", "spy")),
    Column("spy_pct", v.number, ("spy_return", "spy_change", "spy_change_pct", "spy_return_pct")),
)

SHAPES: dict[str, Shape] = {
    "trades": TRADES,
    "poor_signals": POOR_SIGNALS,
    "watchlist": WATCHLIST,
    "position_checks": POSITION_CHECKS,
    "market_snapshots": MARKET_SNAPSHOTS,
    "candidate_snapshots": CANDIDATE_SNAPSHOTS,
    "daily_performance": DAILY_PERFORMANCE,
}
"""The source system's tables, each after those that its rows refer to."""

_TELLING = ("symbol", "entry_price", "opened_at", "exit_price")


def looks_like_trades(columns: Iterable[str]) -> bool:
    """Whether a table with these columns holds round trips: symbol, price and date of entry, and an exit."""
    there = {name.lower() for name in columns}
    return all(any(name in there for name in _named(one)) for one in TRADES if one.name in _TELLING)


def read(shape: Shape, row: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a row that can be read; the names of its columns are in lower case."""
    found: dict[str, Any] = {}
    for column in shape:
        values = (column.read(row[name]) for name in _named(column) if row.get(name) is not None)
        found[column.name] = next((value for value in values if value is not None), None)
    return found


def lacking(shape: Shape, found: Mapping[str, Any]) -> str:
    """What a row cannot do without and lacks, such as `price`; empty where it has all of it."""
    return next((column.lack for column in shape if column.lack and found[column.name] is None), "")


def others(shape: Shape, row: Mapping[str, Any], keeping: Collection[str] = ("id",)) -> dict[str, float]:
    """The finite numbers of a row that stand in columns of no name in the shape."""
    known = {name for column in shape for name in _named(column)}.union(keeping)
    return {
        name: found
        for name, value in row.items()
        if name not in known and isinstance(value, int | float) and (found := v.number(value)) is not None
    }


def _named(column: Column) -> tuple[str, ...]:
    return (column.name, *column.names)

"""Databases as the system before this one made them, by plain statements, in several shapes."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

TRADES = """
CREATE TABLE trades (
    id INTEGER PRIMARY KEY AUTOINCREMENT, symbol TEXT NOT NULL, cap TEXT,
    entry_date TEXT, entry_price REAL, quantity INTEGER, entry_reason TEXT,
    exit_date TEXT, exit_price REAL, exit_reason TEXT, pnl REAL, pnl_pct REAL,
    composite_score REAL, entry_signals TEXT{late})"""
LATE = (
    ", spy_price REAL, spy_trend TEXT, vix REAL, atr REAL, rsi REAL, roc REAL, cash_pct REAL, exposure_pct REAL, "
    "state_vector TEXT, reward REAL, max_gain REAL, max_drawdown REAL"
)
POOR_SIGNALS = """
CREATE TABLE poor_signals (
    id INTEGER PRIMARY KEY AUTOINCREMENT, symbol TEXT, trade_id INTEGER, entry_date TEXT, exit_date TEXT,
    entry_price REAL, exit_price REAL, pnl_pct REAL, holding_days INTEGER, exit_reason TEXT,
    reversal_score INTEGER, reversal_signals TEXT, entry_signals TEXT, composite_score REAL, notes TEXT,
    reviewed INTEGER DEFAULT 0, created_at TEXT DEFAULT CURRENT_TIMESTAMP,
    FOREIGN KEY (trade_id) REFERENCES trades (id))"""
WATCHLIST = """
CREATE TABLE watchlist (
    id INTEGER PRIMARY KEY, symbol TEXT UNIQUE, added_date TEXT, score REAL, reason TEXT)"""
POSITION_CHECKS = """
CREATE TABLE position_checks (
    id INTEGER PRIMARY KEY, check_time TEXT, symbol TEXT, score INTEGER, signals TEXT, pnl_pct REAL,
    alert_sent INTEGER)"""
MARKET_SNAPSHOTS = """
CREATE TABLE market_snapshots (
    id INTEGER PRIMARY KEY, timestamp TEXT, scan_type TEXT, spy_price REAL, spy_change REAL, spy_trend TEXT,
    vix REAL, breadth REAL)"""
CANDIDATE_SNAPSHOTS = """
CREATE TABLE candidate_snapshots (
    id INTEGER PRIMARY KEY, timestamp TEXT, symbol TEXT, cap TEXT, price REAL, composite_score REAL, roc10 REAL,
    volume_surge REAL, traded INTEGER, skip_reason TEXT, price_1d_later REAL, price_5d_later REAL)"""
DAILY_PERFORMANCE = """
CREATE TABLE daily_performance (
    id INTEGER PRIMARY KEY, date TEXT UNIQUE, equity REAL, cash REAL, trades INTEGER, pnl REAL, spy_price REAL)"""

Row = Mapping[str, object]

MU: Row = {
    "id": 7, "symbol": "MU", "cap": "large", "entry_date": "2025-11-03 14:35:12", "entry_price": 231.4,
    "quantity": 40, "entry_reason": "score 20, breakout", "composite_score": 20,
    "entry_signals": '{"gap_up": 0.034}',
}  # fmt: skip
LUNR: Row = {
    "id": 9, "symbol": "LUNR", "cap": "small", "entry_date": "2025-11-03T14:38:00", "entry_price": 10.0,
    "quantity": 1518, "exit_date": "2025-11-06T20:33:10", "exit_price": 9.5, "exit_reason": "reversal score 6",
    "entry_signals": "breakout, volume",
}  # fmt: skip


def source_database(
    path: Path, tables: Mapping[str, Sequence[Row]], *statements: str, late: bool = False
) -> Path:
    """A database that holds these rows; `trades` has the late columns where `late` says so."""
    made = {
        "trades": TRADES.format(late=LATE if late else ""),
        "poor_signals": POOR_SIGNALS,
        "watchlist": WATCHLIST,
        "position_checks": POSITION_CHECKS,
        "market_snapshots": MARKET_SNAPSHOTS,
        "candidate_snapshots": CANDIDATE_SNAPSHOTS,
        "daily_performance": DAILY_PERFORMANCE,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as database, database:
        for statement in (*statements, *(made[name] for name in tables if name in made)):
            database.execute(statement)
        for name, rows in tables.items():
            for row in rows:
                columns, marks = ", ".join(row), ", ".join("?" * len(row))
                database.execute(f"INSERT INTO {name} ({columns}) VALUES ({marks})", tuple(row.values()))
    return path


def everything() -> dict[str, list[Row]]:
    """Two trades, and a row or two of every other table about them."""
    at = "2025-11-03 14:35:02"
    return {
        "trades": [MU, LUNR],
        "poor_signals": [
            {"id": 3, "symbol": "LUNR", "trade_id": 9, "entry_date": "2025-11-03", "exit_date": "2025-11-06",
             "entry_price": 10.0, "exit_price": 9.5, "pnl_pct": -5.0, "holding_days": 3,
             "exit_reason": "reversal score 6", "reversal_score": 6, "reversal_signals": '["below_vwap"]'},
        ],
        "watchlist": [{"symbol": "WDC", "added_date": "2025-11-05", "score": 10, "reason": "waits for volume"}],
        "position_checks": [
            {"check_time": "2025-11-04T15:00:00", "symbol": "MU", "score": 2, "signals": "[]", "pnl_pct": 1.5,
             "alert_sent": 0},
        ],
        "market_snapshots": [
            {"id": 1, "timestamp": at, "scan_type": "open", "spy_price": 680.1, "spy_trend": "up", "vix": 17.2},
        ],
        "candidate_snapshots": [
            {"timestamp": at, "symbol": "MU", "cap": "large", "price": 231.4, "composite_score": 20,
             "roc10": 36.2, "traded": 1, "price_1d_later": 240.0},
            {"timestamp": at, "symbol": "AMD", "cap": "large", "price": 250.0, "composite_score": 15,
             "roc10": 11.5, "traded": 0, "skip_reason": "no slot"},
            {"timestamp": "2025-11-04 20:30:00", "symbol": "HIMS", "price": 45.0, "traded": 0},
        ],
        "daily_performance": [{"date": "2025-11-03", "equity": 100250.5, "cash": 90000.0, "trades": 2}],
    }  # fmt: skip

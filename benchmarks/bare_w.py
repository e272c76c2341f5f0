"""W as a bare script: polars for the features, a sparse loop for the account. The yardstick of speed.

    python benchmarks/bare_w.py BARS.parquet [--json]

It knows nothing but W: no settings, no hooks, no gate, no orders. What a backtest takes longer than this is the
price of being the same program that trades.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import Any

import polars as pl

SLIP, TRAIL, CASH, SIZE, POSITIONS, BUYS = 0.0005, 0.05, 100_000.0, 0.10, 6, 2


def features(path: Path) -> pl.DataFrame:
    """Bars with W's verdicts, sorted by symbol and date."""
    # A running mean keeps the roundings of older bars, and equal closes could be below it: so each window anew.
    step = (pl.col("close") - pl.col("close").shift(1)).fill_null(0.0)
    behind = step.rolling_sum(19, weights=[float(n) for n in range(1, 20)])
    own = {
        "roc": pl.col("close") / pl.col("close").shift(10) - 1,
        "gap": pl.col("open") / pl.col("close").shift(1) - 1,
        "high5": pl.col("high").shift(1).rolling_max(5),
        "usual": pl.col("volume").cast(pl.Float64).shift(1).rolling_mean(20),
        "sma": pl.when(pl.col("close").shift(19).is_not_null()).then(pl.col("close") - behind / 20),
    }
    close, surge = pl.col("close"), pl.col("volume") / pl.col("usual")
    breaks = ((pl.col("gap") > 0.01) & (close > pl.col("open"))) | (close > pl.col("high5"))
    wanted = (close > 5) & pl.col("roc").is_finite() & (pl.col("roc") >= 0.03)
    return (
        pl.scan_parquet(path)
        .sort("symbol", "date", maintain_order=True)
        .with_columns(expression.over("symbol").alias(name) for name, expression in own.items())
        .with_columns(
            candidate=(wanted & breaks & (pl.col("usual") > 0) & (surge >= 1.3)).fill_null(False),
            marked=(close < pl.col("sma")).fill_null(False),
        )
        .collect()
    )


def run(path: Path) -> tuple[list[tuple[Any, ...]], list[tuple[Any, float]]]:
    """W's closed trades (symbol, entry, fill, quantity, exit, fill, reason) and its equity by session."""
    frame = features(path)
    sessions = frame["date"].unique().sort()
    columns = {name: frame[name].to_numpy() for name in ("open", "high", "low", "close", "marked")}
    day_of = frame["date"].to_physical().to_numpy()
    spans = (
        frame.with_row_index()
        .group_by("symbol", maintain_order=True)
        .agg(first=pl.col("index").first(), rows=pl.len())
    )
    span = {symbol: (first, first + rows) for symbol, first, rows in spans.iter_rows()}
    ranked = frame.filter("candidate").sort(["date", "roc", "symbol"], descending=[False, True, False])
    chosen = {
        day: list(zip(group["symbol"], group["close"], strict=True))
        for (day,), group in ranked.group_by("date", maintain_order=True)
    }
    cash, held, trades, equity = CASH, dict[str, Any](), list[tuple[Any, ...]](), list[tuple[Any, float]]()
    entries: list[tuple[str, int]] = []
    cursor: dict[str, int] = {}
    for day, number in zip(sessions, sessions.to_physical(), strict=True):
        bars = {}
        for symbol in [*held, *(symbol for symbol, _ in entries)]:
            at, end = cursor.get(symbol, span[symbol][0]), span[symbol][1]
            while at < end and day_of[at] < number:
                at += 1
            cursor[symbol] = at
            if at < end and day_of[at] == number:
                bars[symbol] = at
        for symbol in sorted(held):
            position = held[symbol]
            if position["marked"] and symbol in bars:
                fill = columns["open"][bars[symbol]] * (1 - SLIP)
                cash += position["qty"] * fill
                trades.append(
                    (symbol, position["day"], position["fill"], position["qty"], day, fill, "signal")
                )
                del held[symbol]
        for symbol, qty in entries:
            if symbol not in bars or len(held) >= POSITIONS:
                continue
            fill = columns["open"][bars[symbol]] * (1 + SLIP)
            qty = qty if qty * fill <= cash else math.floor(cash / fill)
            if qty > 0:
                cash -= qty * fill
                held[symbol] = {
                    "qty": qty,
                    "fill": fill,
                    "day": day,
                    "peak": fill,
                    "marked": False,
                    "last": fill,
                }
        for symbol in sorted(held):
            if symbol not in bars:
                continue
            position, at = held[symbol], bars[symbol]
            stop = (1 - TRAIL) * position["peak"]
            if columns["low"][at] <= stop:
                level = stop if position["day"] == day else min(columns["open"][at], stop)
                fill = level * (1 - SLIP)
                cash += position["qty"] * fill
                trades.append((symbol, position["day"], position["fill"], position["qty"], day, fill, "stop"))
                del held[symbol]
                continue
            position["peak"] = max(position["peak"], columns["high"][at])
            position["last"] = columns["close"][at]
            position["marked"] = position["marked"] or bool(columns["marked"][at])
        worth = cash + sum(position["qty"] * position["last"] for position in held.values())
        equity.append((day, worth))
        free = [pair for pair in chosen.get(day, ()) if pair[0] not in held][:BUYS]
        entries = [(symbol, qty) for symbol, close in free if (qty := math.floor(SIZE * worth / close)) > 0]
    return trades, equity


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("bars", type=Path)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    trades, equity = run(arguments.bars)
    if arguments.json:
        print(json.dumps({"trades": trades, "equity": equity[-1][1]}, default=str))
    else:
        print(f"{len(trades)} trades, equity {equity[-1][1]:,.2f}")


if __name__ == "__main__":
    main()

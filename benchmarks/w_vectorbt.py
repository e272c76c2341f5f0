"""W with vectorbt: `Portfolio.from_order_func`, compiled by numba, on wide arrays with the bare script's signals.

    python benchmarks/w_vectorbt.py BARS.parquet

Prints one JSON document: the closed trades as W writes them down, and the last equity. The signals come from
bare_w's query, since a window of a wide array would run over sessions, and W's run over a symbol's own bars.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import polars as pl
import vectorbt as vbt
from numba import njit
from vectorbt.portfolio import nb

from bare_w import BUYS, CASH, POSITIONS, SIZE, SLIP, TRAIL, features

OPEN, ENTER, STOP, CLOSE, DONE = range(5)


class W(NamedTuple):
    """The market as arrays of session by symbol, NaN where there is no bar, and what is kept from call to call."""

    open: Any
    high: Any
    low: Any
    close: Any
    roc: Any
    candidate: Any
    below: Any
    phase: Any  # the step of the session, the place in it, the session
    marked: Any
    entered: Any
    peak: Any
    last: Any
    chosen: Any
    quantity: Any
    equity: Any
    signal: Any  # session by symbol: sold because it closed below its mean


@njit
def at_close(c: Any, w: Any, day: int) -> None:
    """Mark what closes below its mean, and choose what to enter."""
    worth = c.last_cash[c.group]
    for column in range(c.from_col, c.to_col):
        if c.last_position[column] > 0:
            if not np.isnan(w.close[day, column]):
                w.last[column] = w.close[day, column]
                w.marked[column] = w.marked[column] or w.below[day, column]
            worth += c.last_position[column] * w.last[column]
    w.equity[day] = worth
    w.chosen[:] = -1
    for place in range(BUYS):
        best = -1
        for column in range(c.from_col, c.to_col):
            if not w.candidate[day, column] or c.last_position[column] > 0 or column in w.chosen:
                continue
            if best < 0 or w.roc[day, column] > w.roc[day, best]:
                best = column
        w.chosen[place] = best
        if best >= 0:
            w.quantity[place] = np.floor(SIZE * worth / w.close[day, best])


@njit
def order_w(c: Any, w: Any) -> Any:
    """The next order of this session: asked again until there is none. `w.state` remembers where it stands."""
    day, phase = c.i, w.phase
    if phase[2] != day:  # the first call of a session
        phase[0], phase[1], phase[2] = OPEN, 0, day
    while phase[0] == OPEN:
        column = phase[1]
        if column == c.to_col:
            phase[0], phase[1] = ENTER, 0
            break
        phase[1] += 1
        if w.marked[column] and c.last_position[column] > 0 and not np.isnan(w.open[day, column]):
            w.marked[column] = False
            w.signal[day, column] = True
            return column, nb.order_nb(-c.last_position[column], w.open[day, column], slippage=SLIP)
    while phase[0] == ENTER:
        place = phase[1]
        if place == BUYS:
            phase[0], phase[1] = STOP, 0
            break
        phase[1] += 1
        column = w.chosen[place]
        if column < 0 or np.isnan(w.open[day, column]):
            continue
        if np.sum(c.last_position > 0) >= POSITIONS:
            continue
        fill = w.open[day, column] * (1 + SLIP)
        quantity = w.quantity[place]
        if quantity * fill > c.last_cash[c.group]:
            quantity = np.floor(c.last_cash[c.group] / fill)
        if quantity > 0:
            w.entered[column], w.peak[column] = day, fill
            w.marked[column] = False
            return column, nb.order_nb(quantity, w.open[day, column], slippage=SLIP)
    while phase[0] == STOP:
        column = phase[1]
        if column == c.to_col:
            phase[0] = CLOSE
            break
        phase[1] += 1
        if c.last_position[column] <= 0 or np.isnan(w.low[day, column]):
            continue
        stop = (1 - TRAIL) * w.peak[column]
        if w.low[day, column] <= stop:
            level = stop if w.entered[column] == day else min(w.open[day, column], stop)
            return column, nb.order_nb(-c.last_position[column], level, slippage=SLIP)
        w.peak[column] = max(w.peak[column], w.high[day, column])
    if phase[0] == CLOSE:
        phase[0] = DONE
        at_close(c, w, day)
    return -1, nb.order_nothing_nb()


def arrays(frame: pl.DataFrame) -> tuple[W, list[Any], list[str]]:
    """Wide arrays of W's bars and signals, with their sessions and symbols."""
    days = frame["date"].unique().sort()
    symbols = frame["symbol"].unique(maintain_order=True)
    at = (
        days.search_sorted(frame["date"]).to_numpy(),
        frame["symbol"].rle_id().to_numpy(),
    )
    shape = (len(days), len(symbols))

    def wide(name: str, empty: Any) -> Any:
        values = np.full(shape, empty)
        values[at] = frame[name].fill_null(empty).to_numpy()
        return values

    return (
        W(
            **{name: wide(name, np.nan) for name in ("open", "high", "low", "close", "roc")},
            candidate=wide("candidate", False),
            below=wide("marked", False),
            phase=np.array([OPEN, 0, -1]),
            marked=np.zeros(shape[1], bool),
            entered=np.full(shape[1], -1),
            peak=np.zeros(shape[1]),
            last=np.zeros(shape[1]),
            chosen=np.full(BUYS, -1),
            quantity=np.zeros(BUYS),
            equity=np.zeros(shape[0]),
            signal=np.zeros(shape, bool),
        ),
        days.to_list(),
        symbols.to_list(),
    )


def run(path: Path) -> tuple[list[tuple[Any, ...]], float]:
    """The closed trades, and the last equity."""
    w, days, symbols = arrays(features(path))
    portfolio = vbt.Portfolio.from_order_func(
        pd.DataFrame(w.close),
        order_w,
        w,
        flexible=True,
        init_cash=CASH,
        group_by=True,
        cash_sharing=True,
        max_orders=4 * len(days) * BUYS + 100,
    )
    records = portfolio.exit_trades.records
    trades = [
        (
            symbols[row.col], days[row.entry_idx], row.entry_price, int(row.size), days[row.exit_idx],
            row.exit_price, "signal" if w.signal[row.exit_idx, row.col] else "stop",
        )
        for row in records[records["status"] == 1].itertuples()
    ]  # fmt: skip
    return trades, float(w.equity[-1])


if __name__ == "__main__":
    found, equity = run(Path(sys.argv[1]))
    print(json.dumps({"trades": found, "equity": equity}, default=str))

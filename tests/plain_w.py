"""The reference strategy W as plain loops over lists: written from its definition, to be read beside it.

    python tests/plain_w.py BARS.parquet

prints one JSON document: the closed trades, and the last equity.

Nothing here is shared with the engine, and nothing is quick. A window runs over a symbol's own bars; a window that
is not full, and a ratio over 0, are None, and a condition on None does not hold. A mean is the float64 nearest to
the exact one, so that no rounding puts a close below the mean of closes that all equal it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from math import floor, fsum
from pathlib import Path
from typing import NamedTuple

import polars as pl

CASH = 100_000.0
SLIPPAGE = 0.0005
POSITIONS = 6
ENTRIES = 2


class Trade(NamedTuple):
    """A closed trade. Fills are in dollars; `reason` is stop or signal."""

    symbol: str
    entered: date
    entry_fill: float
    quantity: int
    left: date
    exit_fill: float
    reason: str


@dataclass(frozen=True, slots=True)
class Bars:
    """One symbol's daily bars, oldest first."""

    days: Sequence[date]
    opens: Sequence[float]
    highs: Sequence[float]
    lows: Sequence[float]
    closes: Sequence[float]
    volumes: Sequence[float]


@dataclass(slots=True)
class Position:
    """What is held of a symbol, and what is known of it."""

    quantity: int
    fill: float
    entered: date
    peak: float
    last_close: float
    is_marked: bool = False


Market = Mapping[str, Bars]
Equity = list[tuple[date, float]]


def read(frame: pl.DataFrame) -> Market:
    """Bars of a frame with the columns symbol, date, open, high, low, close, volume, sorted by symbol and date."""
    return {
        str(symbol): Bars(*(group[n].to_list() for n in ("date", "open", "high", "low", "close", "volume")))
        for (symbol,), group in frame.group_by("symbol", maintain_order=True)
    }


def mean(values: Sequence[float], beside: float) -> float:
    """The mean of the values; exact to the last bit where it lies next to what it is compared with."""
    rough = fsum(values) / len(values)
    if abs(rough - beside) > 1e-9 * abs(beside):
        return rough
    return float(sum(map(Fraction, values)) / len(values))


def momentum(bars: Bars, t: int) -> float | None:
    """roc_10d."""
    if t < 10 or bars.closes[t - 10] == 0:
        return None
    return bars.closes[t] / bars.closes[t - 10] - 1


def gaps_up(bars: Bars, t: int) -> bool:
    """gap_up > 0.01."""
    return t >= 1 and bars.closes[t - 1] != 0 and bars.opens[t] / bars.closes[t - 1] - 1 > 0.01


def breaks_out(bars: Bars, t: int) -> bool:
    """breakout_5d."""
    return t >= 5 and bars.closes[t] > max(bars.highs[t - 5 : t])


def surges(bars: Bars, t: int) -> bool:
    """volume_surge >= 1.3."""
    if t < 20:
        return False
    usual = mean(bars.volumes[t - 20 : t], bars.volumes[t])
    return usual != 0 and bars.volumes[t] / usual >= 1.3


def is_candidate(bars: Bars, t: int) -> bool:
    """W's filter at the close of bar t."""
    rate = momentum(bars, t)
    if not (bars.closes[t] > 5 and rate is not None and rate >= 0.03):
        return False
    follows_through = bars.closes[t] > bars.opens[t]
    return ((gaps_up(bars, t) and follows_through) or breaks_out(bars, t)) and surges(bars, t)


def is_below_its_mean(bars: Bars, t: int) -> bool:
    """close < sma_20."""
    return t >= 19 and bars.closes[t] < mean(bars.closes[t - 19 : t + 1], bars.closes[t])


def run(market: Market, cash: float = CASH) -> tuple[list[Trade], Equity]:
    """W's closed trades in the order in which they were closed, and its equity at each session's close."""
    symbols = sorted(market)
    sessions = sorted({day for bars in market.values() for day in bars.days})
    following = dict.fromkeys(symbols, 0)  # each symbol's first bar that is not over
    held: dict[str, Position] = {}
    chosen: list[tuple[str, int]] = []
    trades: list[Trade] = []
    equity: Equity = []

    def sell(symbol: str, day: date, fill: float, reason: str) -> None:
        nonlocal cash
        position = held.pop(symbol)
        cash += position.quantity * fill
        bought = (position.entered, position.fill, position.quantity)
        trades.append(Trade(symbol, *bought, day, fill, reason))

    for day in sessions:
        today: dict[str, int] = {}
        for symbol in symbols:
            t = following[symbol]
            if t < len(market[symbol].days) and market[symbol].days[t] == day:
                today[symbol] = t
                following[symbol] = t + 1

        # 1. Open
        for symbol in sorted(held):
            if held[symbol].is_marked and symbol in today:
                sell(symbol, day, market[symbol].opens[today[symbol]] * (1 - SLIPPAGE), "signal")

        # 2. Entries
        for symbol, quantity in chosen:
            if symbol not in today or len(held) == POSITIONS:
                continue
            fill = market[symbol].opens[today[symbol]] * (1 + SLIPPAGE)
            if quantity * fill > cash:
                quantity = floor(cash / fill)
            if quantity == 0:
                continue
            cash -= quantity * fill
            held[symbol] = Position(quantity, fill, day, peak=fill, last_close=fill)

        # 3. Stops
        for symbol in sorted(held):
            if symbol not in today:
                continue
            bars, t, position = market[symbol], today[symbol], held[symbol]
            stop = 0.95 * position.peak
            if bars.lows[t] <= stop:
                level = stop if position.entered == day else min(bars.opens[t], stop)
                sell(symbol, day, level * (1 - SLIPPAGE), "stop")
            else:
                position.peak = max(position.peak, bars.highs[t])

        # 4. Close
        for symbol, position in held.items():
            if symbol in today:
                position.last_close = market[symbol].closes[today[symbol]]
                if is_below_its_mean(market[symbol], today[symbol]):
                    position.is_marked = True
        worth = cash + sum(held[symbol].quantity * held[symbol].last_close for symbol in sorted(held))
        equity.append((day, worth))
        ranked = []
        for symbol, t in today.items():
            if symbol not in held and is_candidate(market[symbol], t):
                rate = momentum(market[symbol], t)
                assert rate is not None
                ranked.append((-rate, symbol, market[symbol].closes[t]))
        first = sorted(ranked)[:ENTRIES]
        sized = [(symbol, floor(0.10 * worth / close)) for _, symbol, close in first]
        chosen = [(symbol, quantity) for symbol, quantity in sized if quantity > 0]
    return trades, equity


if __name__ == "__main__":
    found, worth_each_day = run(read(pl.read_parquet(Path(sys.argv[1])).sort("symbol", "date")))
    print(json.dumps({"trades": found, "equity": worth_each_day[-1][1]}, default=date.isoformat))

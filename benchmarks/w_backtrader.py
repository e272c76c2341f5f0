"""W with backtrader: market and stop orders, given before each open (cheat-on-open), on the bare script's signals.

    python benchmarks/w_backtrader.py BARS.parquet

Prints one JSON document: the closed trades as W writes them down, and the last equity. Its own trailing stop follows
closes, W's follows highs, so that stop orders are given anew each session. Its broker refuses an order that cash does
not cover, so that the size is cut before the order is given.
"""

from __future__ import annotations

import json
import math
import sys
from datetime import date
from pathlib import Path
from typing import Any

import backtrader as bt
import polars as pl

from bare_w import BUYS, CASH, POSITIONS, SIZE, SLIP, TRAIL, features

NUMBERS = ("open", "high", "low", "close", "volume", "roc", "candidate", "marked")


class Bars(bt.feed.DataBase):
    """One symbol's bars with W's signals as lines of their own."""

    lines: Any = ("roc", "candidate", "marked")
    params: Any = (("columns", None),)

    def start(self) -> None:
        super().start()
        self._rows = zip(*self.p.columns, strict=True)

    def _load(self) -> bool:
        row = next(self._rows, None)
        if row is None:
            return False
        self.lines.datetime[0] = row[0]
        for name, value in zip(NUMBERS, row[1:], strict=True):
            getattr(self.lines, name)[0] = value
        return True


class W(bt.Strategy):
    """The strategy; `trades` are the closed ones."""

    def __init__(self) -> None:
        self.trades: list[tuple[object, ...]] = []
        self.positions_held: dict[str, dict[str, Any]] = {}
        self.chosen: list[tuple[str, int]] = []
        self.by_name = dict(zip(self.getdatanames(), self.datas, strict=True))
        self.worth = CASH
        self.now = 0.0

    def trades_today(self, symbol: str) -> bool:
        data = self.by_name[symbol]
        return len(data) > 0 and data.datetime[0] == self.now

    def prenext_open(self) -> None:
        self.next_open()

    def prenext(self) -> None:
        self.next()

    def next_open(self) -> None:
        self.now = max(
            data.datetime[0] for data in self.datas if len(data)
        )  # before the strategy's own moves
        cash = self.broker.getcash()
        leaving = []
        for symbol in sorted(self.positions_held):
            position, data = self.positions_held[symbol], self.by_name[symbol]
            if not self.trades_today(symbol):
                continue
            if position["marked"]:
                leaving.append(symbol)
                self.sell(data, size=position["qty"], reason="signal")
                cash += position["qty"] * data.open[0] * (1 - SLIP)
            else:
                self.protect(symbol)
        held = len(self.positions_held) - len(leaving)
        for symbol, quantity in self.chosen:
            if not self.trades_today(symbol) or held >= POSITIONS:
                continue
            fill = self.by_name[symbol].open[0] * (1 + SLIP)
            if quantity * fill > cash:
                quantity = math.floor(cash / fill)
            if quantity > 0:
                cash -= quantity * fill
                held += 1
                self.buy(self.by_name[symbol], size=quantity)
                self.positions_held[symbol] = {"qty": quantity, "peak": fill, "marked": False}
                self.protect(symbol)

    def protect(self, symbol: str) -> None:
        position = self.positions_held[symbol]
        stop = (1 - TRAIL) * position["peak"]
        position["stop"] = self.sell(
            self.by_name[symbol], size=position["qty"], exectype=bt.Order.Stop, price=stop, reason="stop"
        )

    def notify_order(self, order: Any) -> None:
        symbol = order.data._name
        if order.status != bt.Order.Completed:
            return
        day, fill = bt.num2date(order.executed.dt).date(), order.executed.price
        if order.isbuy():
            self.positions_held[symbol] |= {"entered": day, "fill": fill}
            return
        position = self.positions_held.pop(symbol)
        bought = (position["entered"], position["fill"], position["qty"])
        self.trades.append((symbol, *bought, day, fill, order.info.reason))

    def next(self) -> None:
        for symbol, position in self.positions_held.items():
            if self.trades_today(symbol):
                data = self.by_name[symbol]
                self.cancel(position["stop"])
                position["peak"] = max(position["peak"], data.high[0])
                position["marked"] = position["marked"] or bool(data.marked[0])
        self.worth = self.broker.getvalue()
        ranked = sorted(
            (-data.roc[0], symbol, data.close[0])
            for symbol, data in self.by_name.items()
            if self.trades_today(symbol) and data.candidate[0] and symbol not in self.positions_held
        )
        sized = ((symbol, math.floor(SIZE * self.worth / close)) for _, symbol, close in ranked[:BUYS])
        self.chosen = [(symbol, quantity) for symbol, quantity in sized if quantity > 0]


def run(path: Path) -> tuple[list[tuple[Any, ...]], float]:
    """The closed trades, and the last equity."""
    cerebro = bt.Cerebro(stdstats=False, cheat_on_open=True, runonce=False, preload=True)
    cerebro.broker = bt.brokers.BackBroker(coo=True)
    cerebro.broker.setcash(CASH)
    cerebro.broker.set_slippage_perc(SLIP, slip_open=True, slip_match=True, slip_out=True)
    frame = features(path).with_columns(
        pl.col("roc").fill_null(0.0), pl.col("candidate", "marked").cast(pl.Float64)
    )
    number = {day: bt.date2num(day) for day in frame["date"].unique().to_list()}
    for (symbol,), bars in frame.group_by("symbol", maintain_order=True):
        columns = [[number[day] for day in bars["date"]], *(bars[name].to_list() for name in NUMBERS)]
        cerebro.adddata(Bars(columns=columns), name=symbol)
    cerebro.addstrategy(W)
    strategy = cerebro.run()[0]
    return strategy.trades, strategy.worth


if __name__ == "__main__":
    found, equity = run(Path(sys.argv[1]))
    print(json.dumps({"trades": found, "equity": equity}, default=date.isoformat))

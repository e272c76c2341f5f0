"""The desk: the only way from a plan to the broker. It takes orders of its plan, checks each again, sends it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from threading import Lock

from momentum.execution.account import portfolio
from momentum.execution.alarms import bare
from momentum.execution.closing import close_position
from momentum.execution.following import record_fills
from momentum.execution.opening import open_position
from momentum.execution.outcomes import ended
from momentum.execution.trading import Trading
from momentum.model.decision import Execution, Plan, PlannedOrder, Refusal
from momentum.model.portfolio import Portfolio
from momentum.risk.book import MarketState
from momentum.risk.gate import recheck


class TradingDesk:
    """Carries out one plan. `done` holds every execution in order; `tried` every order that was begun.

    Once shut it takes nothing more: an executor's thread that outlives its scan finds it so.
    """

    def __init__(self, trading: Trading, plan: Plan, market: MarketState) -> None:
        self._trading = trading
        self._plan = plan
        self._market = market
        self._shut = False
        self._one_at_a_time = Lock()
        self.tried: list[PlannedOrder] = []
        self.done: list[Execution] = []

    def portfolio(self) -> Portfolio:
        """The account as it is now."""
        return portfolio(self._trading)

    def close(self, order: PlannedOrder) -> Execution:
        """Sell a position of the plan, once."""
        return self._once(order, self._plan.closes, self._close)

    def buy(self, order: PlannedOrder) -> Execution:
        """Buy what the plan approved, once, as far as the limits allow at this moment."""
        return self._once(order, self._plan.buys, self._buy)

    def shut(self) -> None:
        """Take nothing more, once what is being carried out is done; what nobody carried out is dropped."""
        with self._one_at_a_time:
            self._shut = True
        for order in (*self._plan.closes, *self._plan.buys):
            if order not in self.tried:
                self.done.append(ended(order, "dropped", text="no executor carried it out"))

    def _once(
        self, order: PlannedOrder, planned: tuple[PlannedOrder, ...], act: Callable[[PlannedOrder], Execution]
    ) -> Execution:
        """Carry out an order that is of the plan and was not begun before.

        Whatever fails on the way may have failed after the order was sent: it is on record as unknown and
        left to reconciliation, never tried again.
        """
        with self._one_at_a_time:
            if self._shut or order not in planned or order in self.tried:
                why = (
                    "the desk is shut"
                    if self._shut
                    else "it is not an order of the plan, or was tried already"
                )
                return ended(order, "refused", text=why)
            self.tried.append(order)
            try:
                execution = act(order)
            except Exception as error:
                execution = ended(order, "unknown", text=f"{type(error).__name__}: {error}")
            self.done.append(execution)
            return execution

    def _close(self, order: PlannedOrder) -> Execution:
        view = self.portfolio()
        checked = self._rechecked(order, view)
        if isinstance(checked, PlannedOrder):
            return close_position(self._trading, checked)
        if view.position(order.symbol) is None:  # its stop sold it since the plan was made
            record_fills(self._trading)
            return ended(order, "dropped", text="the position is gone already")
        return ended(order, "refused", text=checked.text)

    def _buy(self, order: PlannedOrder) -> Execution:
        trading = self._trading
        view = self.portfolio()
        checked = self._rechecked(order, view)
        if isinstance(checked, Refusal):
            return ended(order, "refused", text=checked.text)
        is_held = view.position(order.symbol) is not None
        return open_position(trading, checked, self._at_entry(checked, view), is_held=is_held)

    def _rechecked(self, order: PlannedOrder, view: Portfolio) -> PlannedOrder | Refusal:
        """The gate's rules on the portfolio, the prices and the clock of this moment."""
        now = self._trading.broker.moment() or self._trading.now
        quotes = {**self._market.quotes, **self._trading.prices.quotes([order.symbol], now)}
        market = replace(
            self._market,
            now=now,
            quotes=quotes,
            is_open=self._market.is_open and self._trading.broker.is_open(),
            halt=self._trading.halted() or bare(self._trading) or self._market.halt,
        )
        expected = self._trading.broker.expected_fill(order.side, market.price(order.symbol))
        return recheck(order, view, market, self._trading.limits, price=expected)

    def _at_entry(self, order: PlannedOrder, view: Portfolio) -> dict[str, object]:
        """What the trade is to remember of its entry; shares of the account in percent."""
        earned = {
            name.removeprefix("score:"): points
            for name, points in order.context.items()
            if name.startswith("score:") and points
        }
        return {
            **order.context,
            "composite_score": order.score,
            "cap": order.cap,
            "scan_type": self._trading.slot,
            "entry_signals": earned,
            "cash_pct": view.cash / view.equity * 100 if view.equity else None,
            "exposure_pct": view.exposure * 100,
            "positions_held": float(len(view.positions)),
        }

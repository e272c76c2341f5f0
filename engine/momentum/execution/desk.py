"""The desk: the only way from a plan to the broker. It takes orders of its plan, checks each again, sends it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from momentum.errors import BrokerError
from momentum.execution.account import portfolio
from momentum.execution.closing import close_position, filled
from momentum.execution.sending import follow, record_fills, send
from momentum.execution.trading import Trading
from momentum.halt import halted
from momentum.model.decision import Execution, Plan, PlannedOrder, Refusal
from momentum.model.orders import OrderRequest, Refused, Unknown
from momentum.model.portfolio import Portfolio
from momentum.risk.book import MarketState
from momentum.risk.gate import recheck


class TradingDesk:
    """Carries out one plan. `done` holds every execution in order."""

    def __init__(self, trading: Trading, plan: Plan, market: MarketState) -> None:
        self._trading = trading
        self._plan = plan
        self._market = market
        self.done: list[Execution] = []

    def portfolio(self) -> Portfolio:
        """The account as it is now."""
        return portfolio(self._trading)

    def close(self, order: PlannedOrder) -> Execution:
        """Sell a position of the plan, once."""
        if order not in self._plan.closes or self._tried(order):
            return self._note(_refused(order, "it is not an order of the plan, or was tried already"))
        return self._note(self._guarded(order, lambda: self._close(order)))

    def buy(self, order: PlannedOrder) -> Execution:
        """Buy what the plan approved, once, as far as the limits allow at this moment."""
        if order not in self._plan.buys or self._tried(order):
            return self._note(_refused(order, "it is not an order of the plan, or was tried already"))
        return self._note(self._guarded(order, lambda: self._buy(order)))

    def _close(self, order: PlannedOrder) -> Execution:
        view = self.portfolio()
        checked = self._rechecked(order, view)
        if isinstance(checked, PlannedOrder):
            return close_position(self._trading, checked)
        if view.position(order.symbol) is None:  # its stop sold it since the plan was made
            record_fills(self._trading)
            return replace(_refused(order, "the position is gone already"), status="dropped")
        return _refused(order, checked.text)

    def _rechecked(self, order: PlannedOrder, view: Portfolio) -> PlannedOrder | Refusal:
        price = self._market.price(order.symbol)
        return recheck(order, view, self._market, self._trading.limits, price=price)

    def _buy(self, order: PlannedOrder) -> Execution:
        trading = self._trading
        reason = halted(trading.workspace)
        if reason is not None:
            return _refused(order, f"trading is halted: {reason}")
        view = self.portfolio()
        checked = self._rechecked(order, view)
        if isinstance(checked, Refusal):
            return _refused(order, checked.text)
        wanted = OrderRequest("", checked.symbol, "buy", "market", checked.qty)
        request, outcome = send(trading, wanted, "buy", checked.reason, self._at_entry(checked, view))
        if isinstance(outcome, Refused):
            return _refused(order, f"{outcome.kind}: {outcome.message}", request.client_id)
        if isinstance(outcome, Unknown):
            return Execution(
                order.symbol,
                "buy",
                "unknown",
                order.asked,
                0,
                None,
                request.client_id,
                order.reason,
                outcome.message,
            )
        bought = follow(trading, request.client_id)
        return filled(
            order, request, bought.filled_qty if bought else 0, bought.fill_price if bought else None
        )

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

    def _tried(self, order: PlannedOrder) -> bool:
        return any((done.symbol, done.side) == (order.symbol, order.side) for done in self.done)

    def _guarded(self, order: PlannedOrder, act: Callable[[], Execution]) -> Execution:
        """A broker that stops answering in the middle leaves the order for reconciliation, not for a retry."""
        try:
            return act()
        except BrokerError as error:
            return Execution(
                order.symbol, order.side, "unknown", order.asked, reason=order.reason, text=str(error)
            )

    def _note(self, execution: Execution) -> Execution:
        self.done.append(execution)
        return execution


def _refused(order: PlannedOrder, text: str, client_id: str = "") -> Execution:
    return Execution(
        order.symbol, order.side, "refused", order.asked, client_id=client_id, reason=order.reason, text=text
    )

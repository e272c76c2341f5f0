"""A paper account that behaves as a real broker at a distance may: late, twice, in part, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from random import Random

from momentum.errors import BrokerError
from momentum.model.orders import (
    Confirmed,
    Fill,
    Order,
    OrderRequest,
    Outcome,
    RefusalKind,
    Refused,
    Side,
    Unknown,
)
from momentum.model.portfolio import Account, Holding
from momentum_plugins.paper.broker import PaperBroker
from momentum_plugins.paper.fault_settings import Faults

_ARRIVES_BY_NOW = 0.5
"""The chance, at each look, that a late request has arrived."""
_REFUSALS = {
    RefusalKind.NOT_TRADABLE: "asset {symbol} is not tradable",
    RefusalKind.DAY_TRADE_RULE: "trade denied due to pattern day trading protection",
    RefusalKind.SUB_PENNY: "sub-penny increment does not fulfill minimum pricing criteria",
    RefusalKind.OTHER: "request is not authorized",
    RefusalKind.INSUFFICIENT_FUNDS: "insufficient buying power",
}
_BUYERS_OWN = RefusalKind.INSUFFICIENT_FUNDS


class FaultyBroker:
    """A `momentum.ports.Broker` around a paper account, with faults drawn from `random`.

    A look is a call of account, holdings, orders, find or fills. What is on its way (late orders, cancels,
    fills) is kept with the account: a process that dies leaves it to the next one. It never says Refused of
    an order that it took in, except as the duplicate of itself.
    """

    knows_at_once = False

    def __init__(self, account: PaperBroker, faults: Faults, random: Random) -> None:
        self.account_id = account.account_id
        self._account = account
        self._faults = faults
        self._random = random

    def moment(self) -> datetime | None:
        """The last moment that the account has lived through."""
        return self._account.moment()

    def advance(self, until: datetime) -> tuple[Fill, ...]:
        """Take the account to a moment. Where time passes, everything on its way arrives before it does."""
        moment = self._account.moment()
        if moment is None or until < moment:
            return self._account.advance(until)
        if until == moment:
            self._let_arrive()
            return ()
        for request in self._account.pending.in_flight():
            self._taken(request)
        return self._account.advance(until)

    def reset(self) -> None:
        """Forget the account, with all that is on its way."""
        self._account.reset()

    def is_open(self) -> bool:
        """True inside a session, its closing moment included."""
        self._reach()
        return self._account.is_open()

    def account(self) -> Account:
        """Equity, cash and buying power."""
        self._look()
        return self._account.account()

    def holdings(self) -> tuple[Holding, ...]:
        """All positions, in symbol order."""
        self._look()
        return self._account.holdings()

    def orders(self, *, open_only: bool = True) -> tuple[Order, ...]:
        """Open orders, or all, oldest first; those that have not arrived are not among them."""
        self._look()
        return self._account.orders(open_only=open_only)

    def find(self, client_id: str) -> Order | None:
        """The order with that client id, or None where it has not arrived, or never will."""
        self._look()
        return self._account.find(client_id)

    def fills(self, after: datetime | None) -> tuple[Fill, ...]:
        """Fills later than `after`: some not told yet, some told twice, and not always in their order."""
        self._look()
        told = [fill for fill in self._account.fills(after) if not self._drawn("late_fills")]
        told += [fill for fill in told if self._drawn("repeated_fills")]
        if self._drawn("repeated_fills"):
            self._random.shuffle(told)
        return tuple(told)

    def expected_fill(self, side: Side, price: float) -> float:
        """The price with slippage."""
        return self._account.expected_fill(side, price)

    def submit(self, request: OrderRequest) -> Outcome:
        """Send an order, through a network that may lose, delay or double it."""
        if self._drawn("lost_requests"):
            return _silence("lost_requests")
        if self._drawn("late_requests"):
            with suppress(BrokerError):
                self._account.pending.delay(request)
            return _silence("late_requests")
        return self._answered(lambda: self._taken(request))

    def cancel(self, order_id: str) -> Outcome:
        """Ask for a cancel; one that is accepted may take some looks, and its shares some more."""
        if self._drawn("lost_requests"):
            return _silence("lost_requests")
        return self._answered(lambda: self._account.cancel(order_id, still=self._drawn))

    def replace(self, order_id: str, client_id: str, qty: int) -> Outcome:
        """Change an open order's quantity."""

        def act() -> Outcome:
            if self._account.find(client_id) is None and self._drawn("replace_refused"):
                return _refused(RefusalKind.NOT_CANCELABLE, "unable to replace order in current state")
            return self._account.replace(order_id, client_id, qty)

        if self._drawn("lost_requests"):
            return _silence("lost_requests")
        return self._answered(act)

    def _answered(self, act: Callable[[], Outcome]) -> Outcome:
        try:
            outcome = act()
            if isinstance(outcome, Confirmed) and self._drawn("repeated_requests"):
                outcome = self._random.choice((outcome, act()))
        except BrokerError as error:
            return Unknown(str(error))
        return _silence("lost_replies") if self._drawn("lost_replies") else outcome

    def _taken(self, request: OrderRequest) -> Outcome:
        """An order reaches the broker. One whose id is taken is left to the account, which refuses it."""
        if self._account.find(request.client_id) is None:
            refused = self._refusal(request)
            if refused is not None:
                self._account.pending.land(request.client_id)
                return refused
        return self._account.submit(request, still=self._drawn)

    def _refusal(self, request: OrderRequest) -> Refused | None:
        is_stop = request.type in ("stop", "trailing_stop")
        if self._drawn("refused") or (is_stop and self._drawn("refused_stops")):
            kinds = [kind for kind in _REFUSALS if request.side == "buy" or kind is not _BUYERS_OWN]
            kind = self._random.choice(kinds)
            return _refused(kind, _REFUSALS[kind].format(symbol=request.symbol))
        if self._faults.wash_trade and request.side == "buy":
            for order in self._account.orders():
                if order.symbol == request.symbol and order.is_stop:
                    message = f"potential wash trade detected. use complex orders; existing order {order.id}"
                    return _refused(RefusalKind.WASH_TRADE, message)
        return None

    def _look(self) -> None:
        self._reach()
        self._let_arrive()

    def _reach(self) -> None:
        if self._drawn("unreachable"):
            raise BrokerError(f"{self.account_id}: the broker does not answer (paper.faults.unreachable)")

    def _let_arrive(self) -> None:
        self._account.pending.settle(self._drawn)
        for request in self._account.pending.in_flight():
            if self._random.random() < _ARRIVES_BY_NOW:
                self._taken(request)

    def _drawn(self, fault: str) -> bool:
        """Whether a fault happens now. One that is off draws nothing."""
        chance: float = getattr(self._faults, fault)
        return chance > 0 and self._random.random() < chance


def _refused(kind: RefusalKind, message: str) -> Refused:
    return Refused(kind, f"{message} (paper.faults)")


def _silence(fault: str) -> Unknown:
    return Unknown(f"the broker did not answer (paper.faults.{fault})")

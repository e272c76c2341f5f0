"""A broker plugin behind a guard: whatever it raises is one of ours, and no text of it shows a secret."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TypeVar

from momentum.errors import BrokerError, MomentumError
from momentum.model.orders import Confirmed, Fill, Order, OrderRequest, Outcome, Refused, Side, Unknown
from momentum.model.portfolio import Account, Holding
from momentum.ports import Broker, Delists, StartsAnew

_T = TypeVar("_T")
Hide = Callable[[str], str]


class GuardedBroker:
    """A `momentum.ports.Broker` around another. A read that fails is a `BrokerError`; a write that raises may
    have arrived, and is Unknown."""

    def __init__(self, broker: Broker, hide: Hide) -> None:
        self._broker = broker
        self._hide = hide
        self.account_id = broker.account_id
        self.knows_at_once = bool(getattr(broker, "knows_at_once", False))

    def moment(self) -> datetime | None:
        return self._read(self._broker.moment)

    def advance(self, until: datetime) -> tuple[Fill, ...]:
        return self._read(lambda: self._broker.advance(until))

    def is_open(self) -> bool:
        return self._read(self._broker.is_open)

    def account(self) -> Account:
        return self._one(Account, self._broker.account)

    def holdings(self) -> tuple[Holding, ...]:
        return self._several(Holding, self._broker.holdings)

    def orders(self, *, open_only: bool = True) -> tuple[Order, ...]:
        return self._several(Order, lambda: self._broker.orders(open_only=open_only))

    def find(self, client_id: str) -> Order | None:
        found = self._read(lambda: self._broker.find(client_id))
        return None if found is None else self._one(Order, lambda: found)

    def fills(self, after: datetime | None) -> tuple[Fill, ...]:
        return self._several(Fill, lambda: self._broker.fills(after))

    def expected_fill(self, side: Side, price: float) -> float:
        return self._read(lambda: self._broker.expected_fill(side, price))

    def submit(self, request: OrderRequest) -> Outcome:
        return self._write(lambda: self._broker.submit(request))

    def cancel(self, order_id: str) -> Outcome:
        return self._write(lambda: self._broker.cancel(order_id))

    def replace(self, order_id: str, client_id: str, qty: int) -> Outcome:
        return self._write(lambda: self._broker.replace(order_id, client_id, qty))

    def _read(self, ask: Callable[[], _T]) -> _T:
        try:
            return ask()
        except MomentumError as error:
            raise type(error)(self._hide(str(error))) from error
        except Exception as error:
            raise BrokerError(self._hide(f"{self.account_id}: {type(error).__name__}: {error}")) from error

    def _one(self, kind: type[_T], ask: Callable[[], _T]) -> _T:
        answer = self._read(ask)
        if not isinstance(answer, kind):
            raise self._misshapen(kind, answer)
        return answer

    def _several(self, kind: type[_T], ask: Callable[[], Iterable[_T]]) -> tuple[_T, ...]:
        answer: object = self._read(ask)
        if not isinstance(answer, tuple | list) or not all(isinstance(one, kind) for one in answer):
            raise self._misshapen(kind, answer)
        return tuple(answer)

    def _misshapen(self, kind: type, answer: object) -> BrokerError:
        return BrokerError(
            f"{self.account_id}: the broker plugin answered {type(answer).__name__}, no {kind.__name__}"
        )

    def _write(self, ask: Callable[[], Outcome]) -> Outcome:
        try:
            outcome = ask()
        except Exception as error:
            return Unknown(self._hide(f"{type(error).__name__}: {error}"))
        if not isinstance(outcome, Confirmed | Refused | Unknown):
            return Unknown(f"the broker plugin answered {type(outcome).__name__}, no Outcome")
        if isinstance(outcome, Refused):
            return Refused(outcome.kind, self._hide(outcome.message))
        return Unknown(self._hide(outcome.message)) if isinstance(outcome, Unknown) else outcome


class GuardedOwnBroker(GuardedBroker):
    """The same for an account that may be started anew."""

    def reset(self) -> None:
        """Forget the account."""
        if isinstance(self._broker, StartsAnew):
            self._read(self._broker.reset)

    def delist(self, symbol: str, price: float, client_id: str) -> None:
        """Close the position in a symbol that has ended."""
        broker = self._broker
        if isinstance(broker, Delists):
            self._read(lambda: broker.delist(symbol, price, client_id))


def guarded(broker: Broker, hide: Hide) -> GuardedBroker:
    """A broker behind its guard."""
    kind = GuardedOwnBroker if isinstance(broker, StartsAnew) else GuardedBroker
    return kind(broker, hide)

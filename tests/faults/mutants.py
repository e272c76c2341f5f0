"""Four ways to get orders wrong, each of which the campaign must notice. They are put in, and taken out again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from momentum.execution import closing, opening, sending
from momentum.execution.desk import TradingDesk
from momentum.execution.trading import Trading
from momentum.model.decision import PlannedOrder, Refusal
from momentum.model.orders import OrderRequest, Outcome, Unknown
from momentum.model.portfolio import Portfolio


def _no_intent(trading: Trading, request: OrderRequest, kind: str, *_: object) -> OrderRequest:
    """An order gets its id and is not written down."""
    return replace(request, client_id=sending.next_id(trading, request.symbol, kind))


def _blind_resend(trading: Trading, request: OrderRequest, *more: Any) -> tuple[OrderRequest, Outcome]:
    """What was not answered is sent again, under a new id."""
    sent, outcome = _send(trading, request, *more)
    for _ in range(2):
        if isinstance(outcome, Unknown):
            sent, outcome = _send(trading, request, *more)
    return sent, outcome


def _send(trading: Trading, request: OrderRequest, *more: Any) -> tuple[OrderRequest, Outcome]:
    """As `sending.send`, but what was not answered is not looked up."""
    request = sending.write_down(trading, request, *more)
    outcome = trading.broker.submit(request)
    trading.ledger.record_outcome(request.client_id, outcome)
    return request, outcome


def _no_cover(trading: Trading, symbol: str) -> None:
    """Nothing is put back over what was not sold."""


def _blind_recheck(self: TradingDesk, order: PlannedOrder, view: Portfolio) -> PlannedOrder | Refusal:
    """What the plan closes counts as gone, whatever became of it: its slot is given away."""
    if order.side == "buy":
        closed = {close.symbol for close in self._plan.closes}
        view = replace(view, positions=tuple(one for one in view.positions if one.symbol not in closed))
    return _rechecked(self, order, view)


_rechecked = TradingDesk._rechecked

MUTANTS: Mapping[str, tuple[tuple[Any, str, Callable[..., Any]], ...]] = {
    "no intent before submit": ((sending, "write_down", _no_intent), (closing, "write_down", _no_intent)),
    "blind resend after a timeout": ((opening, "send", _blind_resend),),
    "stop not restored after a failed close": ((closing, "cover", _no_cover),),
    "buy after a failed close": ((TradingDesk, "_rechecked", _blind_recheck),),
}
"""The parts that each replaces: a module or class, a name in it, and what stands there instead."""


@contextmanager
def mutated(name: str) -> Iterator[None]:
    """The engine with one mutant in it."""
    parts = MUTANTS[name]
    real = [getattr(module, part) for module, part, _ in parts]
    for module, part, mutant in parts:
        setattr(module, part, mutant)
    try:
        yield
    finally:
        for (module, part, _), original in zip(parts, real, strict=True):
            setattr(module, part, original)

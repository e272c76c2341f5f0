"""A paper account kept in memory instead of a file: it is somebody else's machine, and outlives the program's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from momentum.execution.book import Change
from momentum.model.orders import Fill, Order, OrderRequest
from momentum_plugins.paper.store import Kept


class MemoryStore:
    """The same as `momentum_plugins.paper.store.Store` for one account, some ten times as quick."""

    path = Path("/")

    def __init__(self) -> None:
        self._kept: Kept | None = None
        self._orders: dict[str, Order] = {}
        self._by_client: dict[str, str] = {}
        self._fills: tuple[Fill, ...] = ()
        self._flying: dict[str, OrderRequest] = {}
        self._lags: dict[str, int] = {}

    @contextmanager
    def writing(self) -> Iterator[None]:
        before = (
            self._kept, dict(self._orders), dict(self._by_client), self._fills, dict(self._flying), dict(self._lags)
        )  # fmt: skip
        try:
            yield
        except BaseException:
            self._kept, self._orders, self._by_client, self._fills, self._flying, self._lags = before
            raise

    @contextmanager
    def reading(self) -> Iterator[bool]:
        yield self._kept is not None

    def load(self, account: str) -> Kept | None:
        return self._kept

    def save(self, account: str, change: Change, moment: datetime | None) -> None:
        self._kept = Kept(change.book, moment)
        for order in change.orders:
            self._orders[order.id] = order
            self._by_client[order.client_id] = order.id
        self._fills = (*self._fills, *change.fills)

    def find(self, account: str, client_id: str) -> Order | None:
        id = self._by_client.get(client_id)
        return None if id is None else self._orders[id]

    def in_flight(self, account: str) -> tuple[OrderRequest, ...]:
        return tuple(self._flying.values())

    def launch(self, account: str, request: OrderRequest, at: datetime) -> None:
        self._flying.setdefault(request.client_id, request)

    def land(self, account: str, client_id: str) -> None:
        self._flying.pop(client_id, None)

    def lagging(self, account: str) -> dict[str, tuple[str, int]]:
        return {id: (self._orders[id].symbol, shares) for id, shares in self._lags.items()}

    def set_lag(self, account: str, order_id: str, shares: int) -> None:
        self._lags.pop(order_id, None)
        if shares:
            self._lags[order_id] = shares

    def has_order(self, account: str, order_id: str) -> bool:
        return order_id in self._orders

    def orders(self, account: str, *, open_only: bool) -> tuple[Order, ...]:
        return tuple(order for order in self._orders.values() if order.state.is_open or not open_only)

    def fills(self, account: str, after: datetime | None) -> tuple[Fill, ...]:
        told = sorted(self._fills, key=_time)
        return tuple(fill for fill in told if after is None or fill.at > after)

    def close(self) -> None:
        """Nothing is open."""


def _time(fill: Fill) -> datetime:
    return fill.at

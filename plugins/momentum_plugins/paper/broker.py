"""The paper account as a broker: it lives on the bars and prices of the workspace's market data.

Orders, cancels and fills may be on their way to it, where it was told to behave so (see `faults`).
"""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from momentum.errors import BrokerError, DataError, UsageError
from momentum.execution import acceptance, corporate, matching
from momentum.execution.acceptance import Market
from momentum.execution.book import Book, Change, valued
from momentum.execution.costs import Costs
from momentum.market.calendar import shown
from momentum.model.market import Session
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
from momentum.ports import MarketData
from momentum_plugins.paper.pending import Pending, Still
from momentum_plugins.paper.store import Kept, Store

_COLUMNS = ("symbol", "ts", "ends", "open", "high", "low", "close", "volume")
_MICROSECOND = timedelta(microseconds=1)
_UNUSED = Refused(RefusalKind.MARKET_CLOSED, "the paper account has not begun; a scan takes it to a moment")


class PaperBroker:
    """A `momentum.ports.Broker`. The account begins with `cash` dollars at the first moment it is taken to.

    It belongs to one source of market data, whose prices it trades at. `series` gives a new account the
    beginning of its order and fill ids, so that an account begun anew never repeats those of the old one.
    """

    knows_at_once = True

    def __init__(
        self, store: Store, data: MarketData, *, cash: float, costs: Costs, series: Callable[[], str]
    ) -> None:
        self.account_id = f"paper:{data.source}"
        self._store = store
        self._data = data
        self._cash = cash
        self._costs = costs
        self._series = series
        self.pending = Pending(store, self.account_id, costs, self._market)
        """What is on its way to the account."""

    def moment(self) -> datetime | None:
        """The last moment that the account has lived through."""
        return self._read().moment

    def advance(self, until: datetime) -> tuple[Fill, ...]:
        """Take the open orders through every bar up to `until`, and end the day orders of closed sessions."""
        until = until.astimezone(UTC)
        moment = self.moment()
        self._never_back(moment, until)
        if moment == until and not self.pending:
            return ()
        for request in self.pending.in_flight():
            self.submit(request)
        with self._store.writing():
            kept = self._begun()
            self._never_back(kept.moment, until)
            book, arrived = self.pending.arrive(kept, _done)
            change = self._live(book, kept.moment, until)
            self._store.save(self.account_id, change, until)
        return (*arrived, *change.fills)

    def reset(self) -> None:
        """Forget the account; its next use begins with its cash of the settings, under new ids."""
        with self._store.writing():
            self._store.delete(self.account_id)

    def is_open(self) -> bool:
        """True inside a session, its closing moment included."""
        moment = self.moment()
        return moment is not None and self._session(moment) is not None

    def account(self) -> Account:
        """Cash, and equity at the last known prices."""
        kept = self._read()
        equity = kept.book.cash + sum(holding.qty * holding.price for holding in self._valued(kept))
        return Account(self.account_id, equity, kept.book.cash, kept.book.buying_power)

    def holdings(self) -> tuple[Holding, ...]:
        """All positions, in symbol order; one whose price nobody knows stands at its entry price."""
        return self._valued(self._read())

    def orders(self, *, open_only: bool = True) -> tuple[Order, ...]:
        """Open orders, or all, oldest first."""
        return self._store.orders(self.account_id, open_only=open_only)

    def find(self, client_id: str) -> Order | None:
        """The order with that client id, or None."""
        return self._store.find(self.account_id, client_id)

    def fills(self, after: datetime | None) -> tuple[Fill, ...]:
        """All fills later than `after`, oldest first."""
        return self._store.fills(self.account_id, after)

    def expected_fill(self, side: Side, price: float) -> float:
        """The price with slippage."""
        return self._costs.buy_fill(price) if side == "buy" else self._costs.sell_fill(price)

    def submit(self, request: OrderRequest, *, still: Still | None = None) -> Outcome:
        """Take an order in at the account's moment; inside a session a market order fills at once.

        It is left unfilled where `still("pending_fills")`.
        """
        still = still or _done

        def act(kept: Kept, at: datetime) -> Order | Refused:
            self._store.land(self.account_id, request.client_id)
            used = self._used(request.client_id)
            lags = self.pending.lags(kept.book, request.symbol, request.qty)
            if lags and request.side == "sell" and not used:
                return lags
            market = self._market(request.symbol, at)
            fill = request.type != "market" or market.session is None or not still("pending_fills")
            return self._kept(acceptance.submit(kept.book, request, market, self._costs, used, fill=fill), at)

        return self._write(act)

    def cancel(self, order_id: str, *, still: Still | None = None) -> Outcome:
        """Cancel an open order, at once; or later, in `pending.settle`, where `still("pending_cancels")`."""

        def act(kept: Kept, at: datetime) -> Order | Refused:
            if refused := self._unknown(order_id):
                return refused
            if still is None:
                return self._kept(acceptance.cancel(kept.book, order_id, at), at)
            change = acceptance.ask_cancel(kept.book, order_id, at)
            asked = self._kept(change, at)
            if isinstance(change, Change) and not still("pending_cancels"):
                return self.pending.end(change.book, change.orders[-1], at, still).orders[-1]
            return asked

        return self._write(act)

    def replace(self, order_id: str, client_id: str, qty: int) -> Outcome:
        """Change an open order's quantity, in one step."""

        def act(kept: Kept, at: datetime) -> Order | Refused:
            if refused := self._unknown(order_id):
                return refused
            old, used = kept.book.orders.get(order_id), self._used(client_id)
            sells = old is not None and old.side == "sell" and not used
            lags = self.pending.lags(kept.book, old.symbol, qty - old.remaining) if old and sells else None
            if lags:
                return lags
            change = acceptance.replace_quantity(kept.book, order_id, client_id, qty, at, self._costs, used)
            return self._kept(change, at)

        return self._write(act)

    def delist(self, symbol: str, price: float, client_id: str) -> None:
        """Close the position in a symbol that has ended, at its last price."""
        with self._store.writing():
            kept = self._begun()
            if kept.moment is not None:
                change = corporate.delist(kept.book, symbol, price, kept.moment, client_id)
                self._store.save(self.account_id, change, kept.moment)

    def take_number(self) -> int:
        """A number that this account never gave before, as order or otherwise; 0 before the account begins."""
        if not self._store.path.exists():
            return 0
        with self._store.writing():
            return self._store.take_number(self.account_id)

    def _write(self, act: Callable[[Kept, datetime], Order | Refused]) -> Outcome:
        """Carry out one request in one transaction, and tell what became of the order it was about."""
        try:
            with self._store.writing():
                kept = self._begun()
                if kept.moment is None:
                    return _UNUSED
                answer = act(kept, kept.moment)
        except DataError as error:
            return Refused(RefusalKind.NO_PRICE, str(error))
        except BrokerError as error:
            return Unknown(str(error))
        return answer if isinstance(answer, Refused) else Confirmed(answer)

    def _kept(self, change: Change | Refused, at: datetime) -> Order | Refused:
        if isinstance(change, Refused):
            return change
        self._store.save(self.account_id, change, at)
        return change.orders[-1]

    def _never_back(self, moment: datetime | None, until: datetime) -> None:
        if moment is not None and until < moment:
            raise UsageError(
                f"the account {self.account_id} has lived up to {_shown(moment)} and cannot go back to "
                f"{_shown(until)}; look with --dry-run, or begin anew with `momentum paper reset`"
            )

    def _read(self) -> Kept:
        with self._store.reading() as ready:
            kept = self._store.load(self.account_id) if ready else None
        return kept or Kept(Book(self._cash), None)

    def _begun(self) -> Kept:
        return self._store.load(self.account_id) or Kept(Book(self._cash, self._series()), None)

    def _live(self, book: Book, since: datetime | None, until: datetime) -> Change:
        if since is None or not book.orders:
            return Change(book)
        symbols = sorted({order.symbol for order in book.orders.values()})
        frame = self._data.bars(symbols, since, until).select(_COLUMNS)
        closes = [s.closes for s in self._data.sessions().days if since < s.closes <= until]
        bars = [matching.Bar(*row) for row in frame.iter_rows()]
        change = matching.live_through(book, bars, closes, self._costs)
        # A bar may have begun before the account's last moment. Nobody knew then of a fill at its open.
        fills = (fill if fill.at > since else replace(fill, at=until) for fill in change.fills)
        return replace(change, fills=tuple(sorted(fills, key=_time)))

    def _market(self, symbol: str, at: datetime) -> Market:
        quote = self._data.quotes((symbol,), at).get(symbol)
        session = self._session(at)
        if session is None or not self._costs.by_volume:
            return Market(at, session, quote)
        volume, taken = self._last_bar(symbol, session, at)
        return Market(at, session, quote, volume, taken)

    def _last_bar(self, symbol: str, session: Session, at: datetime) -> tuple[float | None, int]:
        """The volume of the session's last bar, None before its first, and what the account has taken of it."""
        last = self._data.bars((symbol,), session.opens, at).select("ts", "volume").tail(1)
        if last.is_empty():
            return None, 0
        starts, volume = last.row(0)
        since = self._store.fills(self.account_id, starts - _MICROSECOND)
        return volume, sum(fill.qty for fill in since if fill.symbol == symbol)

    def _session(self, at: datetime) -> Session | None:
        session = self._data.sessions().last_opened(at)
        return session if session is not None and at <= session.closes else None

    def _valued(self, kept: Kept) -> tuple[Holding, ...]:
        book = kept.book
        if kept.moment is None or not book.holdings:
            return ()
        holdings = valued(book, self._data.quotes(sorted(book.holdings), kept.moment))
        lag = self.pending.lagging
        return tuple(replace(held, available=max(0, held.available - lag(held.symbol))) for held in holdings)

    def _used(self, client_id: str) -> Container[str]:
        return {client_id} if self._store.find(self.account_id, client_id) else ()

    def _unknown(self, order_id: str) -> Refused | None:
        if self._store.has_order(self.account_id, order_id):
            return None
        return Refused(RefusalKind.NOT_FOUND, f"order not found: {order_id}")


def _done(fault: str) -> bool:
    """Nothing is still on its way."""
    return False


def _time(fill: Fill) -> datetime:
    return fill.at


def _shown(at: datetime) -> str:
    return f"{shown(at)} time"

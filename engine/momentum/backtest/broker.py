"""The broker of a backtest: an account in memory, with the same acceptance and matching as the paper account."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from momentum.backtest.tape import Tape
from momentum.execution import acceptance, corporate, matching
from momentum.execution.acceptance import Market
from momentum.execution.book import Book, Change, valued
from momentum.execution.costs import Costs
from momentum.model.market import Quote, Session
from momentum.model.orders import Confirmed, Fill, Order, OrderRequest, Outcome, Refused, Side
from momentum.model.portfolio import Account, Holding

ACCOUNT = "backtest"


class MemoryBroker:
    """A `momentum.ports.Broker` whose time is moved by the backtest: to a moment, and through bars."""

    account_id = ACCOUNT
    knows_at_once = True

    def __init__(self, cash: float, costs: Costs, tape: Tape) -> None:
        self.book = Book(cash, ACCOUNT)
        self._costs = costs
        self._tape = tape
        self._orders: dict[str, Order] = {}
        self._fills: list[Fill] = []
        self._moment: datetime | None = None
        self._session: Session | None = None
        self._taken: Counter[str] = Counter()
        """Shares of each symbol that the account traded at the session's open."""

    def open(self, session: Session) -> None:
        """Go to the open of a session."""
        self._moment, self._session = session.opens, session
        self._taken.clear()

    def close(self, session: Session) -> tuple[Fill, ...]:
        """Live through a session's bar up to its close, and return what filled."""
        fills: tuple[Fill, ...] = ()
        if self.book.orders:
            symbols = sorted({order.symbol for order in self.book.orders.values()})
            bars = self._tape.bars(symbols)
            change = matching.match_bars(self.book, bars, self._costs, self._taken)
            self._keep(change)
            fills = change.fills
        self._moment, self._session = session.closes, session
        self._taken.clear()
        return fills

    def moment(self) -> datetime | None:
        """The last moment that the account has lived through."""
        return self._moment

    def advance(self, until: datetime) -> tuple[Fill, ...]:
        """Nothing: the backtest itself moves the account."""
        return ()

    def is_open(self) -> bool:
        """True inside a session."""
        return self._session is not None

    def account(self) -> Account:
        """Equity, cash and buying power."""
        book = self.book
        equity = book.cash + sum(holding.qty * holding.price for holding in self.holdings())
        return Account(ACCOUNT, equity, book.cash, book.buying_power)

    def holdings(self) -> tuple[Holding, ...]:
        """All positions, in symbol order."""
        book = self.book
        if not book.holdings or self._moment is None:
            return ()
        return valued(book, self._tape.quotes(sorted(book.holdings), self._moment))

    def orders(self, *, open_only: bool = True) -> tuple[Order, ...]:
        """Open orders, or all, oldest first."""
        return tuple(self.book.orders.values()) if open_only else tuple(self._orders.values())

    def find(self, client_id: str) -> Order | None:
        """The order with that client id."""
        return self._orders.get(client_id)

    def fills(self, after: datetime | None) -> tuple[Fill, ...]:
        """The fills that were not taken yet."""
        taken, self._fills = tuple(self._fills), []
        return taken

    def expected_fill(self, side: Side, price: float) -> float:
        """The price with slippage."""
        return self._costs.buy_fill(price) if side == "buy" else self._costs.sell_fill(price)

    def submit(self, request: OrderRequest) -> Outcome:
        """Take an order in; inside a session a market order fills at once."""
        assert self._moment is not None
        quote = self._tape.quotes((request.symbol,), self._moment).get(request.symbol)
        market = self._market(request.symbol, quote)
        return self._answer(acceptance.submit(self.book, request, market, self._costs, self._orders))

    def cancel(self, order_id: str) -> Outcome:
        """Cancel an open order, at once."""
        assert self._moment is not None
        return self._answer(acceptance.cancel(self.book, order_id, self._moment))

    def replace(self, order_id: str, client_id: str, qty: int) -> Outcome:
        """Change an open order's quantity, at once."""
        assert self._moment is not None
        change = acceptance.replace_quantity(
            self.book, order_id, client_id, qty, self._moment, self._costs, self._orders
        )
        return self._answer(change)

    def _market(self, symbol: str, quote: Quote | None) -> Market:
        assert self._moment is not None
        if not self._costs.by_volume:
            return Market(self._moment, self._session, quote)
        volume = next((bar.volume for bar in self._tape.bars((symbol,))), None)
        return Market(self._moment, self._session, quote, volume, self._taken[symbol])

    def delist(self, symbol: str, price: float, client_id: str) -> None:
        """Close the position in a symbol that has ended."""
        assert self._moment is not None
        self._keep(corporate.delist(self.book, symbol, price, self._moment, client_id))

    def _answer(self, change: Change | Refused) -> Outcome:
        if isinstance(change, Refused):
            return change
        self._keep(change)
        return Confirmed(self._orders[change.orders[-1].client_id])

    def _keep(self, change: Change) -> None:
        self.book = change.book
        for order in change.orders:
            self._orders[order.client_id] = order
        self._fills += change.fills
        for fill in change.fills:
            self._taken[fill.symbol] += fill.qty

"""What must hold, whatever goes wrong. Every rule is a function with a name; a broken one is a Violation."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from faults.market import SimulatedMarket
from faults.truth import BY_HAND, TrueAccount
from momentum.execution.alarms import NAKED, UNSETTLED
from momentum.halt import halted
from momentum.ledger.rows import INTENDED, LOST, REFUSED, UNKNOWN, Intent
from momentum.ledger.store import Ledger
from momentum.market.universe import Universe
from momentum.model.orders import Order, OrderRequest, OrderState, Outcome, Refused
from momentum.model.strategy import Limits

_SURELY_LOST = timedelta(minutes=10)
_FINAL = {state.value for state in OrderState if not state.is_open}
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that was broken, where, and how."""

    rule: str
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.rule} ({self.where}): {self.what}"


@dataclass(slots=True)
class Oracle:
    """Judges one seed: the account as it truly is against the ledger as it is on the disk.

    `where` is the command that runs; `bought` are the symbols that it sent buys of; `shouted` what it said
    aloud where it could not write.
    """

    account: TrueAccount
    ledger: Ledger
    market: SimulatedMarket
    universe: Universe
    limits: Limits
    directory: Path
    tell: Callable[[str], None]
    violations: list[Violation] = field(default_factory=list)
    where: str = ""
    max_buys: int | None = None
    bought: dict[str, str] = field(default_factory=dict)
    failed_closes: set[str] = field(default_factory=set)
    shouted: str = ""
    seen: dict[str, int] | None = None
    """The holdings as the program last read them, None where it has written since."""

    def begin(self, where: str, limits: Limits, max_buys: int | None) -> None:
        """A command begins."""
        self.where, self.limits, self.max_buys = where, limits, max_buys
        self.bought, self.failed_closes, self.shouted = {}, set(), ""

    def broken(self, rule: str, what: str) -> None:
        """Put a violation on record."""
        violation = Violation(rule, self.where, what)
        if violation not in self.violations:
            self.violations.append(violation)
            self.tell(f"!!! {violation}")

    # -- while a command runs -----------------------------------------------------------------------------

    def sending(self, request: OrderRequest) -> None:
        """The program is about to send an order."""
        if request.side == "sell":
            self.never_more_sold_than_held(request)
        else:
            self.no_limit_broken(request)

    def sent(self, request: OrderRequest, outcome: Outcome) -> None:
        """The program has sent it."""
        self.seen = None
        if request.side == "buy" and not isinstance(outcome, Refused):
            self.bought[request.client_id] = request.symbol

    def looked(self) -> None:
        """The program has read the holdings."""
        self.seen = self.account.shares()

    def arriving(self, request: OrderRequest) -> None:
        """An order of the program reaches the account."""
        if self.ledger.intent(request.client_id) is None:
            self.broken("written down before it is sent", f"{request.client_id} has no intent in the ledger")

    def lowered(self, order: Order, level: float) -> None:
        """A stop is never put back lower than it was, while its level is below the price."""
        self.broken(
            "a stop is never lowered", f"{order.symbol} had one at {level}, and has {order.stop_price}"
        )

    def never_more_sold_than_held(self, request: OrderRequest) -> None:
        """No sale is sent for more shares than are held; what was sold since the program looked, it cannot know."""
        held = max(one.get(request.symbol, 0) for one in (self.account.shares(), self.seen or {}))
        if request.qty > held:
            self.broken("never short", f"sale of {request.qty} {request.symbol} is sent, {held} are held")

    def no_limit_broken(self, request: OrderRequest) -> None:
        """A buy keeps every limit, with all that is held, open or on its way; and nothing forbids it."""
        limits, symbol = self.limits, request.symbol
        shares = {s: n for s, n in self.account.shares().items() if s not in limits.ignored}
        pending = [
            (order.symbol, order.remaining, order.limit_price)
            for order in self.account.open_orders()
            if order.side == "buy" and order.symbol not in limits.ignored
        ]
        pending += [
            (flying.symbol, flying.qty, flying.limit_price)
            for flying in self.account.pending.in_flight()
            if flying.side == "buy"
        ]
        taken = set(shares) | {one for one, _, _ in pending}
        price = self.account.price(symbol)
        self._may_be_bought(request, set(shares), {one for one, _, _ in pending})
        if symbol not in taken:
            self._slots(taken, symbol)
        value = sum(n * self.account.price(s) for s, n in shares.items())
        waiting = sum(n * (limit or self.account.price(s)) for s, n, limit in pending)
        equity = self.account.account().cash + value
        exposure = value + waiting + request.qty * price
        if not exposure <= limits.max_exposure * equity * (1 + _ROUNDING):
            self.broken(
                "max_exposure",
                f"{request.qty} {symbol} make {exposure:.2f} of {equity:.2f}, max {limits.max_exposure}",
            )
        if limits.max_order is not None and not request.qty * price <= limits.max_order * (1 + _ROUNDING):
            self.broken("max_order", f"{request.qty} {symbol} at {price}, max {limits.max_order}")
        self._buys_of_scan(symbol)

    def _may_be_bought(self, request: OrderRequest, held: set[str], pending: set[str]) -> None:
        symbol = request.symbol
        if symbol in self.limits.ignored:
            self.broken("ignored", f"{symbol} is somebody else's, and is bought")
        if symbol in pending:
            self.broken("no doubled order", f"{request.client_id}: a buy of {symbol} is open already")
        if symbol in held and not self.limits.add_to_positions:
            self.broken("no doubled order", f"{request.client_id}: {symbol} is held already")
        if halted(self.directory) is not None:
            self.broken("halt", f"{symbol} is bought while trading is halted")
        moment = self.account.moment()
        quote = self.market.quotes((symbol,), moment).get(symbol) if moment else None
        if quote is None or quote.halted or moment is None or moment - quote.at > self.limits.max_price_age:
            self.broken("stale or missing price", f"{symbol} is bought at {quote}")

    def _slots(self, taken: set[str], symbol: str) -> None:
        limits, cap = self.limits, self.universe.cap_of(symbol)
        of_cap = {one for one in taken if self.universe.cap_of(one) == cap}
        counts = (
            ("max_positions", taken, limits.max_positions),
            (f"max_positions of {cap} caps", of_cap, limits.for_cap(cap).max_positions),
        )
        for name, those, most in counts:
            if len(those) + 1 > most:
                failed = sorted(self.failed_closes & those)
                rule = "no buy after a failed close" if failed else name
                self.broken(
                    rule, f"{symbol} beside {sorted(those)}, max {most} ({name}); not closed: {failed}"
                )

    def _buys_of_scan(self, symbol: str) -> None:
        bought = {*self.bought.values(), symbol}
        cap = self.universe.cap_of(symbol)
        of_cap = {one for one in bought if self.universe.cap_of(one) == cap}
        most = self.limits.max_buys_per_scan
        most = most if self.max_buys is None else min(most, self.max_buys)
        if len(bought) > most:
            self.broken("max_buys_per_scan", f"{sorted(bought)}, max {most}")
        if len(of_cap) > self.limits.for_cap(cap).max_buys_per_scan:
            self.broken("max_buys_per_scan of a size class", f"{sorted(of_cap)} of {cap}")

    def handed_back(self, what: str) -> None:
        """The desk hands back an order: whatever is held is covered, or told."""
        for symbol, bare in self.bare().items():
            if not self.is_told(symbol):
                self.broken("covered when the desk hands back", f"{what}: {bare} {symbol} are bare")

    # -- after a command ----------------------------------------------------------------------------------

    def orders_are_on_record(self) -> None:
        """Every order of ours at the broker has its intent; every intent says what the broker says."""
        orders = {order.client_id: order for order in self.account.orders(open_only=False)}
        intents = {
            intent.client_id: intent for intent in self.ledger.intents(account=self.account.account_id)
        }
        for client_id in orders.keys() - intents.keys():
            if not client_id.startswith(BY_HAND):
                self.broken("written down before it is sent", f"{client_id} is at the broker only")
        for client_id, intent in intents.items():
            self._consistent(intent, orders.get(client_id))
        self._one_buy_a_scan(intents.values(), orders)

    def _consistent(self, intent: Intent, order: Order | None) -> None:
        status = intent.status
        if status in (REFUSED, LOST) and order is not None and (order.filled_qty or order.state.is_open):
            what = f"{intent.client_id} is {status} in the ledger and {order.state} at the broker"
            self.broken("no lost order", f"{what}, {order.filled_qty} filled")
        if order is not None and order.qty != intent.request.qty:
            return  # a split has changed it at the broker, as the ledger cannot
        if status in _FINAL and (order is None or order.state.value != status):
            there = order.state if order else "not there"
            self.broken(
                "states agree", f"{intent.client_id} is {status} in the ledger, at the broker {there}"
            )

    def _one_buy_a_scan(self, intents: Iterable[Intent], orders: dict[str, Order]) -> None:
        filled: Counter[tuple[str | None, str]] = Counter()
        for intent in intents:
            order = orders.get(intent.client_id)
            if intent.request.side == "buy" and order is not None and order.filled_qty:
                filled[intent.scan_id, intent.request.symbol] += 1
        for (scan, symbol), times in filled.items():
            if times > 1:
                self.broken("no doubled order", f"{symbol} was bought {times} times by scan {scan}")

    def fills_are_counted_once(self) -> None:
        """The ledger has no fill that the broker does not have, and none twice."""
        real = self.account.fills(None)
        told = self.ledger.fills(account=self.account.account_id)
        for id, times in Counter(fill.id for fill in told).items():
            if times > 1:
                self.broken("fills once each", f"fill {id} stands {times} times in the ledger")
        there: Counter[str] = Counter()
        for fill in real:
            there[fill.client_id] += fill.qty
        known: Counter[str] = Counter()
        for fill in told:
            known[fill.client_id] += fill.qty
        for client_id, qty in known.items():
            if qty > there[client_id]:
                self.broken(
                    "fills once each",
                    f"{client_id}: {qty} filled in the ledger, {there[client_id]} at the broker",
                )

    def unknown_is_young(self) -> None:
        """Nothing stays unknown for long."""
        moment = self.account.moment()
        for intent in self.ledger.open_intents(self.account.account_id):
            since = intent.intended_at
            if intent.status in (INTENDED, UNKNOWN) and (
                since is None or moment is None or moment - since >= _SURELY_LOST
            ):
                self.broken(
                    "settled after ten minutes", f"{intent.client_id} is {intent.status} since {since}"
                )

    def bare(self) -> dict[str, int]:
        """How many shares nothing covers, by symbol; a stop that is being cancelled covers nothing."""
        covered: dict[str, int] = defaultdict(int)
        for order in self.account.open_orders():
            sells_for_certain = order.side == "sell" and order.type != "limit"
            if sells_for_certain and order.state is not OrderState.PENDING_CANCEL:
                covered[order.symbol] += order.remaining
        return {
            symbol: qty - covered[symbol]
            for symbol, qty in self.account.shares().items()
            if qty > covered[symbol] and symbol not in self.limits.ignored
        }

    def is_told(self, symbol: str) -> bool:
        """Whether an alarm stands for it or for the account, or the command said aloud that it could write none."""
        alarms = self.ledger.alarms(self.account.account_id)
        if any(alarm.kind in (NAKED, UNSETTLED) and alarm.symbol in ("", symbol) for alarm in alarms):
            return True
        return bool(
            re.search(rf"CRITICAL: (Position {symbol}\b|A buy of \d+ {symbol}\b|the account)", self.shouted)
        )

    def covered_or_told(self, before: dict[str, int] | None = None) -> None:
        """Every share has a stop over it, or is being sold, or an alarm stands.

        A command that failed answers for what it left bare itself: what was so `before` it did anything is
        excused.
        """
        for symbol, bare in self.bare().items():
            if bare > (before or {}).get(symbol, 0) and not self.is_told(symbol):
                self.broken("covered or told", f"{bare} {symbol} are bare, and nothing stands in the ledger")

    def never_oversold(self) -> None:
        """Open sales are never for more shares than are held."""
        shares = self.account.shares()
        open_sales: Counter[str] = Counter()
        for order in self.account.open_orders():
            if order.side == "sell":
                open_sales[order.symbol] += order.remaining
        for symbol, qty in open_sales.items():
            if qty > shares.get(symbol, 0):
                self.broken("never short", f"{qty} {symbol} are for sale, {shares.get(symbol, 0)} are held")

    # -- at the end, when nothing goes wrong any more -----------------------------------------------------

    def ledger_equals_broker(self) -> None:
        """Trades are holdings, open intents are open orders, fills are fills, and no alarm stands."""
        account = self.account.account_id
        shares = {s: n for s, n in self.account.shares().items() if s not in self.limits.ignored}
        trades = {trade.symbol: trade.quantity for trade in self.ledger.open_trades(account)}
        trades = {s: n for s, n in trades.items() if s not in self.limits.ignored}
        if trades != shares:
            self.broken("ledger equals broker", f"trades {trades}, holdings {shares}")
        orders = {order.client_id: order for order in self.account.orders(open_only=False)}
        filled: Counter[str] = Counter()
        for fill in self.ledger.fills(account=account):
            filled[fill.client_id] += fill.qty
        for intent in self.ledger.intents(account=account):
            order = orders.get(intent.client_id)
            state = order.state.value if order else None
            expected = (REFUSED, LOST) if order is None else (state,)
            was_split = order is not None and order.qty != intent.request.qty
            if intent.status not in expected and not was_split:
                self.broken(
                    "ledger equals broker", f"{intent.client_id} is {intent.status}, at the broker {state}"
                )
            qty = order.filled_qty if order else 0
            if filled[intent.client_id] != qty and not was_split:
                what = f"{intent.client_id}: {filled[intent.client_id]} filled in the ledger, {qty} at the broker"
                self.broken("fills once each", what)
        for alarm in self.ledger.alarms(account):
            self.broken("no alarm stands at the end", alarm.text)
        for symbol, bare in self.bare().items():
            self.broken("covered at the end", f"{bare} {symbol} are bare")

    def state(self) -> tuple[object, ...]:
        """All that another fixing command must leave as it is."""
        account = self.account.account_id
        return (
            self.ledger.open_trades(account),
            self.ledger.trades(account),
            self.ledger.intents(account=account),
            self.ledger.fills(account=account),
            self.ledger.alarms(account),
            self.account.orders(open_only=False),
            self.account.shares(),
        )

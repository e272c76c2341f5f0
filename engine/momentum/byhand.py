"""What a person orders beside the scans: sell positions, sell everything, mend what stands unprotected.

Nothing here gets round the risk gate: a sale by hand is a decision like another, decided by a person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import Literal

from momentum.context import Context
from momentum.errors import LedgerError, LockHeldError, UsageError
from momentum.execution import points
from momentum.execution.account import portfolio
from momentum.execution.desk import TradingDesk
from momentum.execution.following import withdraw
from momentum.execution.reconcile import Reconciled, reconcile
from momentum.execution.stops import Protection, protect
from momentum.execution.trading import Trading
from momentum.ledger.lock import account_lock
from momentum.ledger.rows import Alarm, Trade
from momentum.market.calendar import exchange_sessions, shown
from momentum.market.clock import Moment, resolve_now
from momentum.model.decision import Decision, Execution, ExecutionPlan, Plan, PlannedOrder, PositionAction
from momentum.model.events import Event
from momentum.model.market import Session
from momentum.model.orders import Order
from momentum.model.portfolio import Portfolio
from momentum.ports import StartsAnew
from momentum.risk.book import MarketState
from momentum.risk.gate import gate
from momentum.situation import at_the_brokers_time
from momentum.telling import deliver, reconciled_events
from momentum.units import format_price

DECIDER = "by hand"
MANUAL = "manual"
"""The reason of a sale by hand: the trade's exit reason. It is no reversal's, so no poor signal is made of it."""

Waiting = Callable[[str], None]
"""Told, while another command holds the account, which one that is."""

_LOOK_AGAIN = 0.5
"""Seconds to wait for the account before looking who has it."""
_LONGEST_BREAK = timedelta(days=14)
"""Longer than the exchange is ever closed."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be sold: those `symbols`, or (None) everything, with the pending buys cancelled before.

    `at` is a moment as a person writes it, None for now; `command` goes into the client order ids.
    """

    command: Literal["close", "flatten"]
    symbols: tuple[str, ...] | None
    at: str | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Sale:
    """What became of it. `before` is the account with the pending buys cancelled, `after` as it is now.

    `cancelled` are the pending buys as the broker last told them; `trades` those that were sold from, by
    the ledger's account; `dry_run` is true where it was asked for, or where the moment is not the broker's.
    """

    id: str
    moment: Moment
    dry_run: bool
    reconciled: Reconciled
    cancelled: tuple[Order, ...]
    before: Portfolio
    plan: Plan
    executed: tuple[Execution, ...]
    protections: tuple[Protection, ...]
    after: Portfolio
    trades: tuple[Trade, ...]
    alarms: tuple[Alarm, ...]
    untold: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mended:
    """What was found and mended: `cleared` are the alarms that stood before and do not stand now."""

    moment: Moment
    reconciled: Reconciled
    protections: tuple[Protection, ...]
    cleared: tuple[Alarm, ...]
    alarms: tuple[Alarm, ...]
    after: Portfolio
    untold: tuple[str, ...] = ()


def sell(context: Context, wanted: Wanted, waiting: Waiting) -> Sale:
    """Sell by hand, once no other command writes orders for the account.

    The account is reconciled and protected first, and protected again whatever becomes of the sale. A dry run
    takes no lock, sends nothing and leaves the account where it is. Raises `UsageError` for a moment that
    cannot be, `BrokerError`, `DataError` and `LedgerError` where these fail.
    """
    if wanted.dry_run:
        return _rehearsed(context, wanted, moment_of(context, wanted.at))
    with held(context, waiting):
        moment = moment_of(context, wanted.at)
        if not at_the_brokers_time(context, moment.now):
            return _rehearsed(context, wanted, moment)
        sale = _sell(context, wanted, moment)
    return replace(sale, untold=deliver(context.host, context.ledger, context.settings.timeouts.notify))


def mend(context: Context, at: str | None, waiting: Waiting) -> Mended:
    """Bring ledger and broker together and every share under a stop, once no other command writes orders.

    Raises as `sell` does, and `UsageError` where `at` is not the broker's time.
    """
    account = context.broker.account_id
    with held(context, waiting):
        moment = moment_of(context, at)
        if not at_the_brokers_time(context, moment.now):
            raise UsageError(
                f"--at: {shown(moment.now)} is not the broker's time; leave it out, the account is mended now"
            )
        trading = _trading(context, "fix", moment)
        before = context.ledger.alarms(account)
        reconciled = reconcile(trading)
        protections = protect(trading)
        alarms = context.ledger.alarms(account)
        _record_events(context, trading, reconciled, (), alarms)
        standing = {(alarm.kind, alarm.symbol) for alarm in alarms}
        cleared = tuple(alarm for alarm in before if (alarm.kind, alarm.symbol) not in standing)
        after = portfolio(trading)
    untold = deliver(context.host, context.ledger, context.settings.timeouts.notify)
    return Mended(moment, reconciled, protections, cleared, alarms, after, untold)


def left_over(wanted: Wanted, sale: Sale) -> tuple[str, ...]:
    """The symbols whose sale, or the cancelling of whose buy, was wanted and did not go through.

    A dry run that was asked for leaves what the gate refuses; one that the moment made leaves everything.
    """
    if sale.dry_run:
        refused = [refusal.symbol for refusal in sale.plan.refusals]
        planned = [] if wanted.dry_run else [order.symbol for order in sale.plan.closes]
        return tuple(sorted({*refused, *planned}))
    all_of = wanted.symbols is None
    still = {p.symbol for p in sale.after.positions if all_of or p.symbol in (wanted.symbols or ())}
    still |= {done.symbol for done in sale.executed if done.status not in ("filled", "dropped")}
    still |= {order.symbol for order in sale.after.pending_buys if all_of}
    return tuple(sorted(still))


def known_symbols(context: Context, names: Sequence[str]) -> tuple[str, ...]:
    """The symbols that a person means, each once and in capitals.

    Raises `UsageError` for one that neither the account, the universe nor the data knows.
    """
    wanted = tuple(dict.fromkeys(name.strip().upper() for name in names))
    known = {holding.symbol for holding in context.broker.holdings()} | set(context.universe.symbols or ())
    if not known.issuperset(wanted):
        known.update(context.data.symbols())
    for symbol in wanted:
        if symbol not in known:
            near = get_close_matches(symbol, sorted(known), n=1)
            hint = f"; did you mean {near[0]}?" if near else "; `momentum positions` lists what is held"
            raise UsageError(f"no symbol {symbol!r}{hint} (nothing was done)")
    return wanted


@contextmanager
def held(context: Context, waiting: Waiting) -> Iterator[None]:
    """Hold the account alone; where another command has it, say which, and wait until that has ended."""
    said = ""
    with ExitStack() as stack:
        while True:
            try:
                stack.enter_context(
                    account_lock(context.settings.directory, context.broker.account_id, wait=_LOOK_AGAIN)
                )
                break
            except LockHeldError as error:  # waiting in one long call, Ctrl-C might be missed just before it
                holder = str(error).rpartition("; ")[0]
                if holder != said:
                    waiting(holder)
                    said = holder
        yield


def moment_of(context: Context, at: str | None) -> Moment:
    """The moment that a command by hand is about: as a scan's, but the broker's own where the account is no
    paper account and no other is asked for."""
    sessions = context.data.sessions()
    brokers = None if isinstance(context.broker, StartsAnew) else context.broker.moment()
    session = sessions.last_opened(brokers) if brokers is not None else None
    if at is None and brokers is not None and session is not None:
        return Moment(brokers, session, "now, by the broker's clock")
    return resolve_now(at, context.clock, sessions)


def next_open(context: Context, now: datetime) -> Session | None:
    """The next session that opens after a moment, by the data's own calendar, else the exchange's."""
    known = context.data.sessions().days
    later = (*known, *exchange_sessions(now.date(), (now + _LONGEST_BREAK).date()).days)
    return min((s for s in later if s.opens > now), key=lambda s: s.opens, default=None)


def _trading(context: Context, command: str, moment: Moment) -> Trading:
    """What execution works with; the command is named by when it ran, so that no two are named alike."""
    ran = f"{context.clock.now():%Y%m%dT%H%M%S.%f}"[:-3]
    return context.trading(moment.now, moment.session.day, command, f"{command}-{ran}")


def _sell(context: Context, wanted: Wanted, moment: Moment) -> Sale:
    trading = _trading(context, wanted.command, moment)
    account = trading.account
    reconciled = reconcile(trading)
    protections = protect(trading)
    executed: list[Execution] = []
    try:
        view = portfolio(trading)
        cancelled: tuple[Order, ...] = ()
        if wanted.symbols is None:
            cancelled = _cancel_buys(trading, view)
            view = portfolio(trading)
        market = _market(context, trading, view)
        plan = _plan(context, wanted, view, market)
        desk = TradingDesk(trading, plan, market)
        try:
            for order in plan.closes:
                desk.close(order)
        finally:
            desk.shut()
            executed += desk.done
        points.reach("executed")
    finally:  # whatever became of it, Ctrl-C included: what was not sold is protected, and told
        protections = protect(trading)
        with suppress(LedgerError):
            _record_events(context, trading, reconciled, executed, context.ledger.alarms(account))
    sold = {done.symbol for done in executed if done.qty}
    return Sale(
        trading.scan_id, moment, False, reconciled, cancelled, view, plan, tuple(executed), protections,
        after=portfolio(trading),
        trades=tuple(_sold_from(context, symbol) for symbol in sorted(sold)),
        alarms=context.ledger.alarms(account),
    )  # fmt: skip


def _rehearsed(context: Context, wanted: Wanted, moment: Moment) -> Sale:
    """What a sale would do, of the account as it stands."""
    trading = _trading(context, wanted.command, moment)
    view = portfolio(trading)
    plan = _plan(context, wanted, view, _market(context, trading, view))
    return Sale(
        trading.scan_id, moment, True, Reconciled(), (), view, plan,
        executed=tuple(map(_planned, plan.closes)), protections=(), after=view, trades=(),
        alarms=context.ledger.alarms(trading.account),
    )  # fmt: skip


def _cancel_buys(trading: Trading, view: Portfolio) -> tuple[Order, ...]:
    """Cancel every pending buy, and return each as the broker last told it."""
    cancelled = []
    for order in view.pending_buys:
        if order.id:  # one that nobody confirmed has no id, and is reconciliation's to find
            last = withdraw(trading, order)
            trading.ledger.record_order(last)
            cancelled.append(last)
    return tuple(cancelled)


def _market(context: Context, trading: Trading, view: Portfolio) -> MarketState:
    """The prices of what is held or ordered, and whether orders fill: an account of ours trades whenever the data
    has a session, its close included; any other broker knows by itself."""
    session = trading.sessions.of(trading.session)
    in_session = session is not None and session.opens <= trading.now <= session.closes
    symbols = {position.symbol for position in view.positions} | {order.symbol for order in view.open_orders}
    return MarketState(
        now=trading.now,
        is_open=in_session if isinstance(context.broker, StartsAnew) else context.broker.is_open(),
        quotes=trading.data.quotes(sorted(symbols), trading.now),
        caps={symbol: trading.universe.cap_of(symbol) for symbol in symbols},
    )


def _plan(context: Context, wanted: Wanted, view: Portfolio, market: MarketState) -> Plan:
    """The gate's word on selling what is wanted; a symbol that is not held is not asked for."""
    held_now = tuple(position.symbol for position in view.positions)
    symbols = tuple(s for s in held_now if wanted.symbols is None or s in wanted.symbols)
    decision = Decision(
        position_actions=tuple(PositionAction(symbol, "CLOSE", 0.0, MANUAL) for symbol in symbols),
        execution_plan=ExecutionPlan(closes=symbols),
        decider=DECIDER,
    )
    return gate(decision, view, market, context.settings.limits, candidates=(), max_buys=0)


def _planned(order: PlannedOrder) -> Execution:
    return Execution(
        order.symbol, order.side, "planned", order.asked, order.qty, order.price, reason=order.reason
    )


def _sold_from(context: Context, symbol: str) -> Trade:
    """The newest trade of a symbol that something was sold from."""
    trades = context.ledger.trades(context.broker.account_id)
    return next(t for t in reversed(trades) if t.symbol == symbol and t.exit_quantity)


def _record_events(
    context: Context,
    trading: Trading,
    reconciled: Reconciled,
    executed: Sequence[Execution],
    alarms: Sequence[Alarm],
) -> None:
    """Put what happened into the outbox: each alarm, each sale, each fill and order found on the way."""
    acted, now = trading.scan_id, trading.now
    events = [
        Event(
            f"{acted}:{alarm.kind}:{alarm.symbol}", alarm.kind, "critical", now,
            f"{alarm.symbol or 'the account'} is not protected", alarm.text, {"symbol": alarm.symbol},
        )
        for alarm in alarms
    ]  # fmt: skip
    events += [
        Event(
            f"{acted}:order:{done.symbol}", f"order.{done.status}",
            "info" if done.status == "filled" else "warning", now, _told(done), data={"symbol": done.symbol},
        )
        for done in executed
    ]  # fmt: skip
    events += reconciled_events(acted, now, reconciled)
    notifiers = context.host.roles.get("notify", ())
    with context.ledger.transaction():
        for event in events:
            context.ledger.record_event(event, notifiers, account=trading.account)


def _told(done: Execution) -> str:
    if done.qty and done.price is not None:
        rest = f" ({done.text})" if done.text else ""
        return f"sold {done.qty} {done.symbol} at {format_price(done.price)} by hand{rest}"
    return f"selling {done.symbol} by hand: {done.status}: {done.text}"

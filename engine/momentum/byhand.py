"""Selling by hand: single positions, or everything.

Nothing here gets round the risk gate: a sale by hand is a decision like another, decided by a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Literal

from momentum.acting import (
    Waiting,
    held,
    moment_of,
    record_events,
    tell,
    told_where_it_fails,
    trading_by_hand,
)
from momentum.context import Context
from momentum.errors import UsageError
from momentum.execution import points
from momentum.execution.account import portfolio
from momentum.execution.desk import TradingDesk
from momentum.execution.following import withdraw, withdraw_ours
from momentum.execution.outcomes import planned
from momentum.execution.reconcile import Reconciled, settle
from momentum.execution.stops import Protection, protect
from momentum.execution.trading import Trading
from momentum.ledger.rows import Alarm, Trade
from momentum.market.clock import Moment
from momentum.model.decision import Decision, Execution, ExecutionPlan, Plan, PositionAction
from momentum.model.orders import Order
from momentum.model.portfolio import Portfolio
from momentum.ports import StartsAnew
from momentum.risk.book import MarketState
from momentum.risk.gate import gate
from momentum.situation import at_the_brokers_time, in_session, state_of

DECIDER = "by hand"
MANUAL = "manual"
"""The reason of a sale by hand: the trade's exit reason. It is no reversal's, so no poor signal is made of it."""


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
        with told_where_it_fails(context):
            sale = _sell(context, wanted, moment)
    return replace(sale, untold=tell(context))


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

    Raises `UsageError` for one that neither the account, the universe nor the data knows, and for one that the
    settings ignore.
    """
    wanted = tuple(dict.fromkeys(name.strip().upper() for name in names))
    known = {holding.symbol for holding in context.broker.holdings()} | set(context.universe.symbols or ())
    if not known.issuperset(wanted):
        known.update(context.data.symbols())
    for symbol in wanted:
        if symbol in context.settings.limits.ignored:
            raise UsageError(
                f"limits.ignore leaves {symbol} to somebody else; take it out there to sell it (nothing was done)"
            )
        if symbol not in known:
            near = get_close_matches(symbol, sorted(known), n=1)
            hint = f"; did you mean {near[0]}?" if near else "; `momentum positions` lists what is held"
            raise UsageError(f"no symbol {symbol!r}{hint} (nothing was done)")
    return wanted


def _sell(context: Context, wanted: Wanted, moment: Moment) -> Sale:
    trading = trading_by_hand(context, wanted.command, moment)
    reconciled = settle(trading)[0]
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
        try:
            protections = protect(trading)
        finally:
            record_events(context, trading, reconciled, executed)
    sold = {done.symbol for done in executed if done.qty}
    return Sale(
        trading.scan_id, moment, False, reconciled, cancelled, view, plan, tuple(executed), protections,
        after=portfolio(trading),
        trades=tuple(trade for symbol in sorted(sold) for trade in _sold_from(context, symbol)),
        alarms=context.ledger.alarms(trading.account),
    )  # fmt: skip


def _rehearsed(context: Context, wanted: Wanted, moment: Moment) -> Sale:
    """What a sale would do, of the account as it stands."""
    trading = trading_by_hand(context, wanted.command, moment)
    view = portfolio(trading)
    plan = _plan(context, wanted, view, _market(context, trading, view))
    return Sale(
        trading.scan_id, moment, True, Reconciled(), (), view, plan,
        executed=tuple(map(planned, plan.closes)), protections=(), after=view, trades=(),
        alarms=context.ledger.alarms(trading.account),
    )  # fmt: skip


def _cancel_buys(trading: Trading, view: Portfolio) -> tuple[Order, ...]:
    """Cancel every pending buy, whoever gave it, and return each as the broker last told it."""
    cancelled = []
    for order in view.pending_buys:
        if order.id:  # one that nobody confirmed has no id, and is reconciliation's to find
            last = withdraw_ours(trading, order) or withdraw(trading, order)
            cancelled.append(last)
    return tuple(cancelled)


def _market(context: Context, trading: Trading, view: Portfolio) -> MarketState:
    """The prices of what is held or ordered, and whether orders fill: an account of ours trades whenever the data
    has a session, its close included; any other broker knows by itself."""
    is_open = in_session(trading) if isinstance(context.broker, StartsAnew) else context.broker.is_open()
    return state_of(trading, view, is_open=is_open)


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


def _sold_from(context: Context, symbol: str) -> tuple[Trade, ...]:
    """The newest trade of a symbol that something was sold from, if any."""
    trades = context.ledger.trades(context.broker.account_id)
    return tuple(trade for trade in trades if trade.symbol == symbol and trade.exit_quantity)[-1:]

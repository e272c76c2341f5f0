"""The way of a scan, step by step; each step is one function, and each arrow goes one way."""

from __future__ import annotations

from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from typing import Protocol

from momentum.context import Context
from momentum.deciding import Verdict, ask
from momentum.errors import LedgerError, UsageError
from momentum.executing import execute
from momentum.execution import points
from momentum.execution.account import portfolio
from momentum.execution.outcomes import planned
from momentum.execution.reconcile import Reconciled, settle
from momentum.execution.stops import Protection, protect
from momentum.ledger.rows import Alarm
from momentum.market.clock import Moment
from momentum.market.context import market_context
from momentum.market.panel import load_panel
from momentum.market.screen import Screen, readings, screen
from momentum.model.decision import Execution, Plan, ScanInfo, Situation
from momentum.model.market import Reading, ScanType
from momentum.model.portfolio import Portfolio
from momentum.recording import record, record_failure
from momentum.risk.gate import gate
from momentum.risk.proposal import exit_demands
from momentum.situation import at_the_brokers_time, cautions, market_state, situate
from momentum.telling import deliver


@dataclass(frozen=True, slots=True)
class ScanRequest:
    """What is asked of a scan. `cap` is a size class or all; `max_buys` can only narrow the limits.

    `at_next_open` leaves the plan to whoever asks: a replay of daily bars carries it out at the next open.
    """

    moment: Moment
    type: ScanType
    cap: str = "all"
    max_buys: int | None = None
    dry_run: bool = False
    at_next_open: bool = False


@dataclass(frozen=True, slots=True)
class ScanResult:
    """Everything that a scan saw and did. `before` and `after` are the portfolio around it.

    `notes` are what a person should know besides; `untold` is which notifiers failed, and how.
    """

    info: ScanInfo
    moment: Moment
    reconciled: Reconciled
    before: Portfolio
    readings: tuple[Reading, ...]
    screen: Screen
    situation: Situation
    verdict: Verdict
    plan: Plan
    executed: tuple[Execution, ...]
    protections: tuple[Protection, ...]
    after: Portfolio
    alarms: tuple[Alarm, ...]
    notes: tuple[str, ...]
    untold: tuple[str, ...] = ()


class Watcher(Protocol):
    """Somebody who follows a scan while it runs, such as the command line."""

    def begin(self, step: int, title: str) -> None:
        """A step begins; there are five."""

    def end(self, step: int, result: object) -> None:
        """A step is done, with what it found."""


def run(context: Context, request: ScanRequest, watcher: Watcher) -> ScanResult:
    """Run one scan: look, decide, pass the gate, execute, protect, record, tell.

    Raises `LockHeldError` at once where another command writes orders for the account, `UsageError` where
    the account is past the scan's moment, `DataError`, `BrokerError` and `LedgerError` where these fail; the
    scan is then on record as failed. A dry run takes no lock, asks everything, sends nothing and leaves the
    account where it is.
    """
    info = identify(context, request)
    account = context.broker.account_id
    lock = nullcontext() if info.dry_run else context.ledger.locked(context.settings.directory, account)
    with lock:
        info = context.ledger.begin_scan(info, account, context.clock.now())
        try:
            result = _run(context, info, request, watcher)
        except BaseException as error:
            with suppress(LedgerError):  # the first error is the one to tell
                record_failure(context, info, error)
                deliver(context.host, context.ledger, context.settings.timeouts.notify)
            raise
    if info.dry_run:
        return result
    return replace(result, untold=deliver(context.host, context.ledger, context.settings.timeouts.notify))


def _run(context: Context, info: ScanInfo, request: ScanRequest, watcher: Watcher) -> ScanResult:
    settings = context.settings
    moment = request.moment
    trading = context.trading(info.now, info.session, info.type, info.id)

    watcher.begin(1, "Fetching account and positions")
    reconciled = Reconciled() if info.dry_run else settle(trading)[0]
    before = portfolio(trading)
    watcher.end(1, (before, reconciled))

    watcher.begin(2, "Calculating reversal scores for positions")
    seen = dict.fromkeys([*(p.symbol for p in before.positions), *(fill.symbol for fill in reconciled.fills)])
    panel = load_panel(context.data, context.universe, info.cap, seen, info.now, moment.session)
    market = market_context(panel, context.data, info.now)
    found = screen(context.program, panel, context.universe, settings.limits, market, tuple(seen))
    signs = readings(context.program, found, before.positions)
    watcher.end(2, (before, signs))

    watcher.begin(3, "Running momentum scanner")
    watcher.end(3, found)

    watcher.begin(4, "Getting decision")
    prices = market_state(context, trading, before, found)
    situation = situate(context, info, before, found, signs, prices)
    verdict = ask(context.host, situation, settings.timeouts.decide)
    plan = gate(
        verdict.decision,
        before,
        prices,
        settings.limits,
        candidates=situation.candidates,
        max_buys=info.max_buys,
        skip_buys=situation.limits_left.skip_buys,
        exits=exit_demands(signs),
        readings=signs,
        close_reversal=settings.strategy.decide.close_reversal,
    )
    watcher.end(4, (verdict, plan))

    watcher.begin(5, "Executing decisions")
    executed: tuple[Execution, ...] = ()
    problems: tuple[str, ...] = ()
    protections: tuple[Protection, ...] = ()
    try:
        if info.dry_run or request.at_next_open:
            executed = tuple(planned(order) for order in (*plan.closes, *plan.buys))
        else:
            executed, problems = execute(context.host, trading, plan, prices)
        points.reach("executed")
    finally:  # whatever became of it, Ctrl-C included: what was bought is protected
        if not info.dry_run:
            protections = protect(trading)
    result = ScanResult(
        info, moment, reconciled, before, signs, found, situation, verdict, plan, executed, protections,
        after=before if info.dry_run else portfolio(trading),
        alarms=context.ledger.alarms(context.broker.account_id),
        notes=(*cautions(context, info.now, dry_run=info.dry_run), *map(context.host.hide, found.failures),
               *context.program.failures, *problems),
    )  # fmt: skip
    record(context, result)
    points.reach("recorded")
    watcher.end(5, result)
    return result


def identify(context: Context, request: ScanRequest) -> ScanInfo:
    """What scan this is; the ledger gives it its id.

    It may make no more buys than the limits allow, whatever is asked. At a moment that is not the broker's
    own it is a dry run: an order would be sent now, at prices of then.
    """
    settings = context.settings
    if context.universe.symbols is None and request.cap != "all":
        raise UsageError(
            f"universe: all has no size classes; leave out --cap {request.cap}, or name a universe file"
        )
    allowed = min(settings.strategy.decide.max_buys, settings.limits.max_buys_per_scan)
    return ScanInfo(
        id="",
        strategy=settings.strategy.name,
        session=request.moment.session.day,
        type=request.type,
        cap=request.cap,
        now=request.moment.now,
        dry_run=request.dry_run or not at_the_brokers_time(context, request.moment.now),
        max_buys=allowed if request.max_buys is None else min(request.max_buys, allowed),
    )

"""Mending by hand: ledger and broker brought together, and every share under a stop."""

from __future__ import annotations

from dataclasses import dataclass

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
from momentum.execution.account import portfolio
from momentum.execution.reconcile import Reconciled, settle
from momentum.execution.stops import Protection
from momentum.ledger.rows import Alarm
from momentum.market.calendar import shown
from momentum.market.clock import Moment
from momentum.model.portfolio import Portfolio
from momentum.situation import at_the_brokers_time


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
        with told_where_it_fails(context):
            trading = trading_by_hand(context, "fix", moment)
            before = context.ledger.alarms(account)
            reconciled = Reconciled()
            try:
                reconciled, protections = settle(trading)
            finally:
                record_events(context, trading, reconciled)
            after = portfolio(trading)
        alarms = context.ledger.alarms(account)
        standing = {(alarm.kind, alarm.symbol) for alarm in alarms}
        cleared = tuple(alarm for alarm in before if (alarm.kind, alarm.symbol) not in standing)
    return Mended(moment, reconciled, protections, cleared, alarms, after, tell(context))

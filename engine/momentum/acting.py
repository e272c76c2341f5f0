"""What every command by hand has in common: the account for itself, its moment, and telling what it did."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime, timedelta

from momentum.context import Context
from momentum.errors import LedgerError, LockHeldError
from momentum.execution.reconcile import Reconciled
from momentum.execution.trading import Trading
from momentum.market.calendar import exchange_sessions
from momentum.market.clock import Moment, resolve_now
from momentum.model.decision import Execution
from momentum.model.events import Event
from momentum.model.market import Session
from momentum.ports import StartsAnew
from momentum.telling import alarm_events, deliver, reconciled_events
from momentum.units import format_price

Waiting = Callable[[str], None]
"""Told, while another command holds the account, which one that is."""

_LOOK_AGAIN = 0.5
"""Seconds to wait for the account before looking who has it."""
_LONGEST_BREAK = timedelta(days=14)
"""Longer than the exchange is ever closed."""


@contextmanager
def held(context: Context, waiting: Waiting) -> Iterator[None]:
    """Hold the account alone; where another command has it, say which, and wait until that has ended."""
    said = ""
    with ExitStack() as stack:
        while True:
            try:
                stack.enter_context(
                    context.ledger.locked(
                        context.settings.directory, context.broker.account_id, wait=_LOOK_AGAIN
                    )
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
    return resolve_now(at, context.clock, sessions, lived=context.broker.moment())


def next_open(context: Context, now: datetime) -> Session | None:
    """The next session that opens after a moment, by the data's own calendar, else the exchange's."""
    known = context.data.sessions().days
    later = (*known, *exchange_sessions(now.date(), (now + _LONGEST_BREAK).date()).days)
    return min((s for s in later if s.opens > now), key=lambda s: s.opens, default=None)


def trading_by_hand(context: Context, command: str, moment: Moment) -> Trading:
    """What execution works with; the command is named by when it ran, so that no two are named alike."""
    ran = f"{context.clock.now():%Y%m%dT%H%M%S.%f}"[:-3]
    return context.trading(moment.now, moment.session.day, command, f"{command}-{ran}")


def tell(context: Context) -> tuple[str, ...]:
    """Deliver the outbox; returns which notifiers failed, and how."""
    return deliver(context.host, context.ledger, context.settings.timeouts.notify)


@contextmanager
def told_where_it_fails(context: Context) -> Iterator[None]:
    """What is on record by then is told, whatever ends the command; the first error is the one to raise."""
    try:
        yield
    except BaseException:
        with suppress(LedgerError):
            tell(context)
        raise


def record_events(
    context: Context, trading: Trading, reconciled: Reconciled, executed: Sequence[Execution] = ()
) -> None:
    """Put what happened into the outbox: each alarm, each sale, each fill and order found on the way.

    A ledger that cannot take it has been told of by then, and hides no other error.
    """
    with suppress(LedgerError):
        events = _events(context, trading, reconciled, executed)
        notifiers = context.host.roles.get("notify", ())
        with context.ledger.transaction():
            for event in events:
                context.ledger.record_event(event, notifiers, account=trading.account)


def _events(
    context: Context, trading: Trading, reconciled: Reconciled, executed: Sequence[Execution]
) -> list[Event]:
    acted, now = trading.scan_id, trading.now
    events = alarm_events(acted, now, context.ledger.alarms(trading.account))
    events += [
        Event(
            f"{acted}:order:{done.symbol}", f"order.{done.status}",
            "info" if done.status == "filled" else "warning", now, _told(done), data={"symbol": done.symbol},
        )
        for done in executed
    ]  # fmt: skip
    return events + reconciled_events(acted, now, reconciled)


def _told(done: Execution) -> str:
    if done.qty and done.price is not None:
        rest = f" ({done.text})" if done.text else ""
        return f"sold {done.qty} {done.symbol} at {format_price(done.price)} by hand{rest}"
    return f"selling {done.symbol} by hand: {done.status}: {done.text}"

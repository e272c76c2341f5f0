"""Telling people: events go into the ledger's outbox, and from there to every notifier, in order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from momentum.execution.alarms import NAKED, UNSETTLED
from momentum.execution.reconcile import Reconciled
from momentum.host.dispatch import call
from momentum.host.registry import Host
from momentum.ledger.rows import Alarm
from momentum.ledger.store import Ledger
from momentum.model.decision import ScanInfo
from momentum.model.events import Event
from momentum.units import format_price

if TYPE_CHECKING:
    from momentum.scan import ScanResult

_BATCH = 100


def deliver(host: Host, ledger: Ledger, budget: timedelta) -> tuple[str, ...]:
    """Deliver the outbox. A notifier that fails keeps its events, in order, for the next time."""
    problems: list[str] = []
    for plugin in host.listed("notify"):
        for delivery in ledger.undelivered(plugin.name, _BATCH):
            answer = call(host, plugin, "momentum_notify", budget=budget, event=delivery.event)
            ledger.settle_delivery(plugin.name, delivery.event.id, answer.error)
            if answer.error is not None:
                problems.append(answer.error)
                break
    return tuple(problems)


_ALARMS = {NAKED: "is not protected", UNSETTLED: "has a buy that may still fill"}


def alarm_events(id: str, at: datetime, alarms: Sequence[Alarm]) -> list[Event]:
    """One critical event for each alarm that stands; `id` is the scan or command that found it standing."""
    return [
        Event(
            f"{id}:{alarm.kind}:{alarm.symbol}", alarm.kind, "critical", at,
            f"{alarm.symbol or 'the account'} {_ALARMS.get(alarm.kind, alarm.kind)}", alarm.text,
            {"symbol": alarm.symbol, "scan": id},
        )
        for alarm in alarms
    ]  # fmt: skip


def failure_events(info: ScanInfo, alarms: Sequence[Alarm], why: str) -> list[Event]:
    """What a scan that failed has to tell: the alarms that stand, and that it failed."""
    title = f"{info.type} scan {info.id} failed: {why.splitlines()[0]}"
    failed = Event(f"{info.id}:failed", "scan.failed", "warning", info.now, title, why, {"scan": info.id})
    return [*alarm_events(info.id, info.now, alarms), failed]


def reconciled_events(id: str, at: datetime, found: Reconciled) -> list[Event]:
    """What had become of our orders since the last look; `id` is the scan or command that looked.

    What changed without an order of ours was put on record with the change itself.
    """
    events = [
        Event(
            f"{id}:filled:{fill.id}", "order.filled", "info", fill.at,
            f"{fill.side} {fill.qty} {fill.symbol} at {format_price(fill.price)} since the last look",
            data={"symbol": fill.symbol, "scan": id},
        )
        for fill in found.fills
    ]  # fmt: skip
    events += [
        Event(f"{id}:{kind}:{order}", f"order.{kind}", "warning", at, f"order {order} {what}")
        for kind, what, orders in (
            ("lost", "never reached the broker", found.lost),
            ("withdrawn", "was left open by a command that died, and is withdrawn", found.withdrawn),
        )
        for order in orders
    ]
    return events


def scan_events(result: ScanResult) -> tuple[Event, ...]:
    """What a scan has to tell: each position without a stop, each order that did not go as planned, its end."""
    info = result.info
    events = alarm_events(info.id, info.now, result.alarms)
    events += [
        Event(
            f"{info.id}:order:{done.symbol}:{done.side}", f"order.{done.status}", "warning", info.now,
            f"{done.side} {done.symbol} {done.status}: {done.text}", data={"symbol": done.symbol, "scan": info.id},
        )
        for done in result.executed
        if done.status not in ("filled", "planned")
    ]  # fmt: skip
    events += reconciled_events(info.id, info.now, result.reconciled)
    done = {side: [d.symbol for d in result.executed if d.side == side and d.qty] for side in ("buy", "sell")}
    parts = [f"{len(result.screen.candidates)} candidates"]
    parts.append(f"bought {', '.join(done['buy'])}" if done["buy"] else "bought nothing")
    if done["sell"]:
        parts.append(f"closed {', '.join(done['sell'])}")
    if result.plan.skip_buys:
        parts.append("SKIP MODE")
    title = f"{info.type} scan {info.id}: {', '.join(parts)}"
    text = result.verdict.decision.market_assessment
    data = {"scan": info.id, "bought": done["buy"], "closed": done["sell"]}
    return (*events, Event(f"{info.id}:finished", "scan.finished", "info", info.now, title, text, data))

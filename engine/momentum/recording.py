"""Writing down a scan: what it saw, decided, was refused and did, in one transaction."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl

from momentum.context import Context
from momentum.deciding import NOBODY
from momentum.document import document
from momentum.model.decision import ScanInfo, WatchEntry
from momentum.model.events import Event
from momentum.telling import failure_events, scan_events

if TYPE_CHECKING:
    from momentum.scan import ScanResult


def record(context: Context, result: ScanResult) -> None:
    """Record a scan, so that `explain` can account for every symbol of it later."""
    ledger = context.ledger
    info = result.info
    account = context.broker.account_id
    decision = result.verdict.decision
    with ledger.transaction():
        funnel = [{"rule": step.rule, "passed": step.passed} for step in result.screen.funnel]
        ledger.record_market(info.id, result.screen.market, funnel)
        ledger.record_candidates(info.id, account, result.screen.candidates, decision.candidate_actions)
        ledger.record_decision(info.id, decision, {"situation": result.situation})
        ledger.record_refusals(info.id, result.plan.refusals)
        if not info.dry_run:
            checks = (account, info.now, result.readings, result.before.positions)
            ledger.record_position_checks(*checks, scan_id=info.id)
            _update_peaks(context, result)
            if decision.decider != NOBODY:
                scanned = None if info.cap == "all" else result.screen.members
                ledger.update_watchlist(account, watch_entries(result), replacing=scanned)
        ledger.finish_scan(info.id, "finished", document(context, result), _blob(result.screen.frame))
        if not info.dry_run:
            _record_events(context, scan_events(result))


def record_failure(context: Context, info: ScanInfo, error: BaseException) -> None:
    """Record that a scan ended before its end, and what somebody must be told of it: the alarms that stand."""
    ledger = context.ledger
    with ledger.transaction():
        ledger.finish_scan(info.id, "failed", {}, b"")
        if not info.dry_run:
            alarms = ledger.alarms(context.broker.account_id)
            _record_events(
                context, failure_events(info, alarms, context.host.hide(str(error) or repr(error)))
            )


def _record_events(context: Context, events: Sequence[Event]) -> None:
    notifiers = context.host.roles.get("notify", ())
    for event in events:
        context.ledger.record_event(event, notifiers, account=context.broker.account_id)


def watch_entries(result: ScanResult) -> tuple[WatchEntry, ...]:
    """The decision's watchlist with each setup's score and reason."""
    actions = {action.symbol: action for action in result.verdict.decision.candidate_actions}
    listed = result.verdict.decision.execution_plan.new_watchlist
    return tuple(
        WatchEntry(symbol, result.info.session, actions[symbol].score, actions[symbol].reasoning)
        for symbol in listed
        if symbol in actions
    )


def _update_peaks(context: Context, result: ScanResult) -> None:
    for position in result.after.positions:
        peak = max(position.peak or position.price, position.price)
        context.ledger.update_peak(context.broker.account_id, position.symbol, peak)


def _blob(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd")
    return buffer.getvalue()

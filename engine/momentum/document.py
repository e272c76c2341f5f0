"""A scan as one JSON document: what `momentum scan --json` prints and the ledger keeps (see docs/json.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from momentum.context import Context
from momentum.ledger.rows import Alarm
from momentum.market.screen import earned
from momentum.model.decision import PlannedOrder
from momentum.model.market import Value
from momentum.model.portfolio import Portfolio, Position
from momentum.rules.program import Condition, Program

if TYPE_CHECKING:
    import polars as pl

    from momentum.scan import ScanResult


def document(context: Context, result: ScanResult) -> dict[str, object]:
    """Everything of a scan but the rows of its symbols, which `candidates` gives.

    Values are plain, or dataclasses and dates that `to_json` writes.
    """
    info = result.info
    return {
        "scan": {
            "id": info.id,
            "session": info.session,
            "type": info.type,
            "cap": info.cap,
            "now": info.now,
            "now_from": result.moment.why,
            "dry_run": info.dry_run,
            "strategy": info.strategy,
            "max_buys": info.max_buys,
            "account": context.broker.account_id,
            "data": context.data.title,
            "synthetic": context.data.synthetic,
            "universe": len(result.screen.members),
            "with_data": result.screen.with_data,
            "notes": (*context.data.notes(), *result.verdict.passed_over, *result.notes),
        },
        "rules": _rules(context.program),
        "funnel": result.screen.funnel,
        "market": result.screen.market,
        "since": result.reconciled,
        "readings": [
            {"symbol": r.symbol, "score": r.score, "signals": r.signals, "columns": r.columns}
            for r in result.readings
        ],
        "decision": result.verdict.decision,
        "plan": {
            "orders": [order_json(order) for order in (*result.plan.closes, *result.plan.buys)],
            "refusals": result.plan.refusals,
            "skip_buys": result.plan.skip_buys,
        },
        "executed": result.executed,
        "stops": result.protections,
        "portfolio": portfolio_json(result.after),
        "alarms": alarms_json(result.alarms),
    }


def candidates(frame: pl.DataFrame, program: Program) -> list[dict[str, object]]:
    """Every symbol of the scan: cap, score, points, the rule that rejected it (None for a candidate), columns."""
    names = [name for name in program.types if name not in ("symbol", "cap")]
    return [
        {
            "symbol": row["symbol"],
            "cap": row["cap"],
            "score": row["score"],
            "points": {points.name: points.points for points in earned(row, "score", program.score)},
            "rejected_by": row["rejected_by"],
            "columns": {name: row[name] for name in names},
        }
        for row in frame.filter("member").to_dicts()
    ]


def portfolio_json(view: Portfolio) -> dict[str, object]:
    """A portfolio; rates are fractions, money dollars."""
    return {
        "at": view.at,
        "equity": view.equity,
        "cash": view.cash,
        "exposure": view.exposure,
        "positions": [position_json(position) for position in view.positions],
        "open_orders": [order for order in view.open_orders if not order.is_stop],
    }


def position_json(position: Position) -> dict[str, Value | object]:
    """A position as `momentum positions --json` lists it; `pnl` in dollars, `pnl_fraction` of the entry price."""
    return {
        "symbol": position.symbol,
        "cap": position.cap,
        "qty": position.qty,
        "entry_price": position.entry_price,
        "price": position.price,
        "pnl": position.pnl,
        "pnl_fraction": position.pnl_fraction,
        "stop_qty": position.stop_qty,
        "stop_price": position.stop_price,
        "opened": position.opened,
        "peak": position.peak,
        "days": position.days,
        "sector": position.sector,
    }


def alarms_json(alarms: tuple[Alarm, ...]) -> list[dict[str, object]]:
    """Standing alarms."""
    return [{"kind": a.kind, "symbol": a.symbol, "text": a.text, "since": a.raised_at} for a in alarms]


def order_json(order: PlannedOrder) -> Mapping[str, object]:
    """An order that the gate approved."""
    return {
        "symbol": order.symbol,
        "side": order.side,
        "qty": order.qty,
        "asked": order.asked,
        "price": order.price,
        "value": order.value,
        "cap": order.cap,
        "reason": order.reason,
    }


def _rules(program: Program) -> dict[str, object]:
    """The rules of a scan as text, so that it can be explained after the strategy has changed."""

    def texts(conditions: tuple[Condition, ...]) -> list[dict[str, object]]:
        return [
            {"key": c.key, "name": c.name, "when": c.text, "points": c.points, "plugin": c.plugin}
            for c in conditions
        ]

    return {
        "features": {name: program.texts[name] for name, _ in program.features},
        "columns": {name: program.texts[name] for name, _ in program.columns},
        "filters": texts(program.filters),
        "score": texts(program.score),
        "reversal": texts(program.reversal),
        "exits": texts(program.exits),
        "close_when": texts(program.close_when),
        "rank": [f"{key.column} {'DESC' if key.descending else 'ASC'}" for key in program.rank],
    }

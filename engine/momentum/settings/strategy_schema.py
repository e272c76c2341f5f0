"""The JSON Schema of strategies/*.yaml; its keys may stand in momentum.yaml too, where they win."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from momentum.settings.costs import cost_properties
from momentum.settings.parts import IDENTIFIER, number, section, text, yes_or_no

_HIGHEST_SCORE = 1000
_ON_POSITIONS = "may name position.pnl, position.days, position.peak"


def strategy_properties(limits: Mapping[str, Any], monitor: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of a strategy; `limits` and `monitor` are the sections that its `backtest:` may change."""
    decide = _decide()
    return {
        "description": text("What the strategy looks for, in a sentence.", ""),
        "features": _features(),
        "columns": {
            "type": "object",
            "description": "Expressions over the row, after the features; each may use those above it.",
            "propertyNames": IDENTIFIER,
            "additionalProperties": {"type": "string", "minLength": 1},
        },
        "filters": _rules("What a symbol must pass to become a candidate, in this order."),
        "score": _points("What a candidate earns."),
        "reversal": _points(f"What speaks against a position that is held; {_ON_POSITIONS}."),
        "rank": text("The order of candidates; nulls last, ties by symbol.", "score DESC", minLength=1),
        "decide": decide,
        "exits": _exits(),
        "backtest": section(
            "What is otherwise in backtests and replays; live and paper trading ignore it.",
            {
                "cash": number("Dollars at the start.", 100_000, exclusiveMinimum=0, maximum=1e12),
                **cost_properties(),
                "close_delisted": yes_or_no(
                    "Close a position whose symbol has no more bars, at its last price; else it is held for ever.",
                    True,
                ),
                "limits": without_defaults(limits),
                "monitor": without_defaults(monitor),
                "decide": without_defaults(decide),
            },
        ),
    }


def _features() -> dict[str, Any]:
    lag = {"type": "integer", "minimum": 0, "maximum": 10_000, "description": "Bars ago."}
    return {
        "type": "object",
        "description": "name: {factory: parameter}, with further keywords, and lag: N for the value N bars ago.",
        "propertyNames": IDENTIFIER,
        "additionalProperties": {"type": "object", "minProperties": 1, "properties": {"lag": lag}},
    }


def _rules(description: str) -> dict[str, Any]:
    rule = {
        "type": ["string", "object"],
        "minLength": 1,
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": {"type": "string", "minLength": 1},
    }
    return {
        "type": "array",
        "items": rule,
        "default": [],
        "description": f"{description} A rule, or name: rule.",
    }


def _points(description: str) -> dict[str, Any]:
    worth = {
        "type": "number",
        "minimum": -_HIGHEST_SCORE,
        "maximum": _HIGHEST_SCORE,
        "description": "What it is worth; 1 where it is not said.",
    }
    item = {
        "type": ["string", "object"],
        "minLength": 1,
        "properties": {
            "points": worth,
            "when": text("The rule.", minLength=1),
            "name": text(
                "What it is called where scores are explained; the rule itself by default.", minLength=1
            ),
        },
        "required": ["when"],
        "additionalProperties": False,
    }
    return {"type": "array", "items": item, "default": [], "description": description}


def _decide() -> dict[str, Any]:
    settable = {"x-settable": True}
    score = {"minimum": 0, "maximum": _HIGHEST_SCORE, **settable}
    return section(
        "What the rules decider goes by, and what other deciders are told.",
        {
            "buy_score": number("The score from which a candidate is bought.", 12, **score),
            "buy_when": text("A rule that must hold besides; may name the score.", ""),
            "watch_score": number("The score from which a candidate is watched.", 8, **score),
            "take_profit": {
                "type": ["number", "null"],
                "x-unit": "fraction",
                "exclusiveMinimum": 0,
                "default": "15%",
                "description": "The profit that closes, or off.",
                **settable,
            },
            "close_reversal": {
                "type": "number",
                "description": "The reversal score that closes.",
                "x-follows": "monitor.auto_close_threshold",
                **score,
            },
            "max_buys": {
                "type": "integer",
                "minimum": 0,
                "maximum": 1000,
                "description": "How many of the highest ranked are proposed in a scan.",
                "x-follows": "limits.max_buys_per_scan",
                **settable,
            },
            "close_when": _rules(f"Rules on a held position that call for a close; {_ON_POSITIONS}."),
        },
    )


def _exits() -> dict[str, Any]:
    return section(
        "The engine's own exits, whoever decides.",
        {
            "trailing_stop": {
                "type": "number",
                "x-unit": "fraction",
                "exclusiveMinimum": 0,
                "exclusiveMaximum": 1,
                "description": "Below the highest price since entry.",
                "x-follows": "stops.trailing",
            },
            "signal": _rules(f"Sells at the next opportunity where one holds; {_ON_POSITIONS}."),
        },
    )


def without_defaults(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The same schema, for a layer that says only what it changes."""
    found = {key: value for key, value in schema.items() if key not in ("default", "x-follows", "x-settable")}
    if "properties" in found:
        found["properties"] = {key: without_defaults(part) for key, part in found["properties"].items()}
    return found

"""The JSON Schema of momentum.yaml: each key with its meaning, default and bounds, written once.

Besides JSON Schema's own words: `x-unit` is how people write a value (`fraction` 10%, `duration` 30m, `time`
09:35, `path`), `x-minimum` the least duration, `x-form` a pattern in words, `x-settable` marks what may be
changed while running, `x-follows` names the key whose value is taken where no layer sets this one, and
`x-hard` the limits that a change while running may tighten and never widen beyond the files.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from momentum.model.market import CAPS, SCAN_TYPES, Cap
from momentum.settings.convert import Schema, child_of
from momentum.settings.parts import (
    IDENTIFIER,
    duration,
    fraction,
    number,
    section,
    text,
    whole,
    yes_or_no,
)
from momentum.settings.strategy_schema import strategy_properties
from momentum.units import format_fraction

SHORT_NAMES: Mapping[str, str] = {
    "autoclose": "monitor.auto_close",
    "threshold": "monitor.auto_close_threshold",
    "alerts": "monitor.alerts",
}
"""What chat and `momentum set` may call a key."""

_MOST_POSITIONS = 1000
_HIGHEST_SCORE = 100
_THRESHOLDS: Mapping[Cap, tuple[float, str, str]] = {
    "large": (1.3, "1%", "3%"),
    "mid": (1.3, "1%", "3%"),
    "small": (1.5, "3%", "5%"),
}


def workspace_schema() -> dict[str, Any]:
    """All of momentum.yaml but the plugins' own sections; a strategy's keys may stand in it too."""
    properties = workspace_properties() | strategy_properties(limits_section(), monitor_section())
    return section("The workspace: what to trade, how much, when, and with which plugins.", properties)


def workspace_properties() -> dict[str, Any]:
    """The keys that no strategy may set."""
    return {
        "mode": text("Paper trading, or live with real money.", "paper", enum=["paper", "live"]),
        "name": text(
            "The workspace's name in order ids; the directory's name where it is not set.",
            pattern=r"^[A-Za-z0-9._-]{1,40}$",
            form="a name of at most 40 letters, digits, dots, dashes and underscores",
        ),
        "strategy": text("The strategy: strategies/NAME.yaml.", "momentum_breakout"),
        "plugins": _plugins(),
        "universe": text(
            "The file of symbols with their size classes, or `all`: whatever the data holds.",
            "data/universe.json",
            minLength=1,
        ),
        "caps": section("The size classes.", {cap: _cap(cap) for cap in CAPS}),
        "limits": limits_section(),
        "stops": _stops(),
        "monitor": monitor_section(),
        "schedule": _schedule(),
        "ledger": text(
            "Where the ledger is kept: a file, relative to the workspace, or a database on a PostgreSQL server.",
            "sqlite:///data/ledger.db",
            pattern=r"^(sqlite:///[^:]+|postgres(ql)?:.*)$",
            form="the address of a ledger: sqlite:///data/ledger.db, or postgresql://user:password@host:port/name",
        ),
        "timeouts": section(
            "How long a plugin may take before it is left behind.",
            {
                "decide": duration("A decider, for one decision.", "120s", "1s"),
                "notify": duration("A notifier, for one event.", "10s", "1s"),
            },
        ),
    }


def _plugins() -> dict[str, Any]:
    def one(default: str, description: str) -> dict[str, Any]:
        return text(description, default, minLength=1)

    def several(default: list[str], description: str) -> dict[str, Any]:
        items = {"type": "string", "minLength": 1}
        return {"type": "array", "items": items, "default": default, "description": description}

    return section(
        "Which plugins, and in what order: a name, or ./a_file.py.",
        {
            "data": one("sample", "The source of market data."),
            "broker": one("paper", "The account."),
            "signals": several(["rules", "momentum", "ta"], "Features, filters, points, reversal signals."),
            "decide": several(["rules"], "Deciders: the first that answers."),
            "execute": several(["market"], "Executors: the first that answers."),
            "notify": several(["console"], "Notifiers: all of them."),
            "learn": several([], "Learners: all of them."),
            "services": several([], "Services beside the daemon, and commands."),
        },
    )


def _cap(cap: Cap) -> dict[str, Any]:
    surge, gap, roc = _THRESHOLDS[cap]
    threshold = {
        "type": "number",
        "x-unit": "fraction",
        "description": "A threshold of your own, which rules may name.",
    }
    return {
        **section(
            f"Limits of {cap} caps, and thresholds that the strategy's rules may name.",
            {
                "max_positions": whole("Positions at a time.", 2, 0, _MOST_POSITIONS),
                "max_buys_per_scan": whole("Buys in one scan.", 2, 0, _MOST_POSITIONS),
                "min_volume_surge": number("Times the usual volume by this time of day.", surge, minimum=0),
                "min_gap_up": fraction("Today's open over yesterday's close.", gap),
                "min_roc_10d": fraction("The change over ten sessions.", roc),
            },
        ),
        "propertyNames": IDENTIFIER,
        "additionalProperties": threshold,
    }


def limits_section() -> dict[str, Any]:
    """The hard limits of the account."""
    hard = {"x-settable": True, "x-hard": True}
    return section(
        "Hard limits: no decider, plugin or chat can widen them.",
        {
            "max_positions": whole("Positions at a time.", 6, 0, _MOST_POSITIONS, **hard),
            "max_buys_per_scan": whole("Buys in one scan, all size classes.", 2, 0, _MOST_POSITIONS, **hard),
            "position_size": fraction(
                "Of equity, at the moment of the decision.", "10%", exclusiveMinimum=0, maximum=1, **hard
            ),
            "max_exposure": fraction(
                "All positions and pending buys, of equity.", "60%", minimum=0, maximum=1, **hard
            ),
            "reduce_to": fraction(
                "A buy that does not fit is cut to this share of its size at least, else refused.",
                "50%",
                minimum=0,
                maximum=1,
            ),
            "slots": text(
                "at_plan: a plan's own closes free their slots; at_fill: only fills do.",
                "at_plan",
                enum=["at_plan", "at_fill"],
            ),
            "add_to_positions": yes_or_no("Buy more of what is held.", False),
            "ignore": {
                "type": "array",
                "items": {"type": "string", "minLength": 1},
                "default": [],
                "description": "Symbols at the broker that are somebody else's: never bought, sold, protected "
                "or counted. All other positions found there are adopted and protected.",
            },
            "max_price_age": duration("An older price is stale: no order.", "15m", "1s"),
            "max_order": {
                "type": ["number", "null"],
                "exclusiveMinimum": 0,
                "default": None,
                "description": "Dollars: the largest single order, or off.",
                **hard,
            },
        },
    )


def _stops() -> dict[str, Any]:
    return section(
        "The stop over each position.",
        {
            "trailing": fraction(
                "Below the highest price since entry, over the whole position.",
                "5%",
                exclusiveMinimum=0,
                exclusiveMaximum=1,
            ),
            "attempts": whole("How often a stop is tried before the alarm.", 3, 1, 20),
            "retry_delay": duration("Between two attempts.", "1s", "0s"),
        },
    )


def monitor_section() -> dict[str, Any]:
    """What the monitor does about reversal scores."""
    settable = {"x-settable": True}
    return section(
        "The watch over open positions.",
        {
            "every": duration("How often positions are looked at.", "30m", "1m"),
            "alerts": yes_or_no("Tell weak reversals.", True, **settable),
            "alert_threshold": number(
                "The reversal score that is told.", 3, minimum=0, maximum=_HIGHEST_SCORE, **settable
            ),
            "auto_close": yes_or_no("Close on strong reversals.", True, **settable),
            "auto_close_threshold": number(
                "The reversal score that closes.", 5, minimum=3, maximum=10, **settable
            ),
            "skip_buys_when_healthy": yes_or_no(
                "No new buys while every older position is below healthy_threshold.", True, **settable
            ),
            "healthy_threshold": number(
                "The reversal score from which a position is not healthy.",
                3,
                minimum=0,
                maximum=_HIGHEST_SCORE,
                **settable,
            ),
        },
    )


def _schedule() -> dict[str, Any]:
    says = {
        "open": ("09:35", "Gap-up breakouts."),
        "midday": ("12:30", "Momentum continuation."),
        "close": ("15:30", "Pre-close review."),
    }
    scans: dict[str, Any] = {
        name: {"type": "string", "x-unit": "time", "default": says[name][0], "description": says[name][1]}
        for name in SCAN_TYPES
    }
    return section(
        "Times of the exchange (New York), on the NYSE calendar.",
        {
            "scans": section("09:35, open+5m or close-30m.", scans),
            "caps_apart": duration("Between the scans of two size classes.", "3m", "0s"),
        },
    )


def schema_at(schema: Schema, key: str) -> Schema | None:
    """The schema of a dotted key, or None where there is no such key."""
    for step in key.split("."):
        schema = child_of(schema, step)
        if not schema:
            return None
    return schema


def settable_keys(schema: Schema, prefix: str = "") -> tuple[str, ...]:
    """The dotted keys that may be changed while running."""
    found: list[str] = []
    for key, part in schema.get("properties", {}).items():
        if part.get("x-settable"):
            found.append(f"{prefix}{key}")
        if f"{prefix}{key}" != "backtest":
            found += settable_keys(part, f"{prefix}{key}.")
    return tuple(found)


def bounds_of(part: Schema) -> str:
    """What a value may be, as a person reads it: `3 to 10`, `over 0% to 100%`, `paper | live`, `on | off`."""
    if "enum" in part:
        return " | ".join(str(value) for value in part["enum"])
    if part.get("type") == "boolean":
        return "on | off"
    if "x-form" in part:
        return str(part["x-form"])
    if part.get("x-unit") == "time":
        return "a time of the session: 09:35, open+5m, close-30m"
    if part.get("type") == "array":
        return "a list"
    percent = part.get("x-unit") == "fraction"

    def shown(bound: float) -> str:
        return format_fraction(bound) if percent else f"{bound:g}"

    least = [f"from {shown(part['minimum'])}"] if "minimum" in part else []
    least += [f"over {shown(part['exclusiveMinimum'])}"] if "exclusiveMinimum" in part else []
    least += [f"from {part['x-minimum']}"] if "x-minimum" in part else []
    most = [f"to {shown(part['maximum'])}"] if "maximum" in part else []
    most += [f"under {shown(part['exclusiveMaximum'])}"] if "exclusiveMaximum" in part else []
    off = ["or off"] if isinstance(part.get("type"), list) and "null" in part["type"] else []
    return " ".join([*least, *most, *off])

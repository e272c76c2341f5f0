"""The settings as the program uses them: frozen, typed, checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from momentum.errors import Finding
from momentum.host.registry import Host
from momentum.model.market import CAPS, ScanType
from momentum.model.strategy import (
    CapLimits,
    DecideRules,
    Exits,
    FeatureCall,
    Limits,
    Points,
    Rule,
    Strategy,
)
from momentum.units import SlotTime

_CAP_KEYS = ("max_positions", "max_buys_per_scan")


@dataclass(frozen=True, slots=True)
class Stops:
    """The stop over each position: `trailing` is a fraction below the highest price since entry."""

    trailing: float
    attempts: int
    retry_delay: timedelta


@dataclass(frozen=True, slots=True)
class Monitor:
    """What the monitor does about reversal scores."""

    every: timedelta
    alerts: bool
    alert_threshold: float
    auto_close: bool
    auto_close_threshold: float
    skip_buys_when_healthy: bool
    healthy_threshold: float


@dataclass(frozen=True, slots=True)
class Schedule:
    """When scans run, in exchange time; `caps_apart` lies between the scans of two size classes."""

    scans: Mapping[ScanType, SlotTime]
    caps_apart: timedelta


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long a plugin may take before it is left behind."""

    decide: timedelta
    notify: timedelta


@dataclass(frozen=True, slots=True)
class BacktestSettings:
    """What a backtest begins with and pays, by the keys of `backtest:` (and of the costs under `paper:`).

    `cash`, the commission and the sell fees are dollars, but `commission_maximum`, which is a fraction as the
    slippage is; None is off. `momentum.execution.costs.costs_of(asdict(...))` makes the costs of it.
    """

    cash: float
    slippage: float
    slippage_by_volume: float | None
    max_volume_share: float | None
    commission: float
    commission_per_share: float
    commission_minimum: float
    commission_maximum: float | None
    sell_fees: Mapping[str, float | None]
    close_delisted: bool


@dataclass(frozen=True, slots=True)
class Settings:
    """A workspace's settings in force. `universe` is None for `all`; `backtest` is None outside backtests.

    `sections` hold the plugins' own settings by plugin name, defaults filled in. `ledger` is a URL with an
    absolute path. `values` are as a person writes them (10%, 30m), `origins` say where each was written;
    both go by dotted key.
    """

    directory: Path
    name: str
    mode: Literal["paper", "live"]
    strategy: Strategy
    limits: Limits
    stops: Stops
    monitor: Monitor
    schedule: Schedule
    plugins: Mapping[str, tuple[str, ...]]
    universe: Path | None
    sections: Mapping[str, Mapping[str, object]]
    ledger: str = field(repr=False)  # may hold a password
    timeouts: Timeouts
    backtest: BacktestSettings | None
    host: Host
    warnings: tuple[Finding, ...] = ()
    values: Mapping[str, object] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)


def describe(settings: Settings) -> Mapping[str, Mapping[str, object]]:
    """Each dotted key's value, as a person writes it, and its origin."""
    return {
        key: {"value": value, "origin": settings.origins.get(key, "")}
        for key, value in settings.values.items()
    }


Values = Mapping[str, Any]
"""Converted values of the document, all defaults filled in."""


def limits_of(values: Values) -> Limits:
    """The hard limits with those of each size class."""
    limits = values["limits"]
    order = limits["max_order"]
    return Limits(
        max_positions=int(limits["max_positions"]),
        max_buys_per_scan=int(limits["max_buys_per_scan"]),
        position_size=float(limits["position_size"]),
        max_exposure=float(limits["max_exposure"]),
        reduce_to=float(limits["reduce_to"]),
        slots=limits["slots"],
        add_to_positions=limits["add_to_positions"],
        max_price_age=limits["max_price_age"],
        max_order=None if order is None else float(order),
        caps={cap: _cap_limits(values["caps"][cap]) for cap in CAPS},
        ignored=frozenset(limits["ignore"]),
    )


def _cap_limits(cap: Values) -> CapLimits:
    thresholds = {key: float(value) for key, value in cap.items() if key not in _CAP_KEYS}
    return CapLimits(int(cap["max_positions"]), int(cap["max_buys_per_scan"]), thresholds)


def strategy_of(name: str, values: Values, sections: Mapping[str, Mapping[str, object]]) -> Strategy:
    """The strategy with the layers above it."""
    decide, exits = values["decide"], values["exits"]
    profit = decide["take_profit"]
    return Strategy(
        name=name,
        description=values["description"],
        features=tuple(_feature(key, call) for key, call in values.get("features", {}).items()),
        columns=tuple(values.get("columns", {}).items()),
        filters=_rules(values["filters"]),
        score=_points(values["score"]),
        reversal=_points(values["reversal"]),
        rank=values["rank"],
        decide=DecideRules(
            buy_score=float(decide["buy_score"]),
            buy_when=decide["buy_when"].strip(),
            watch_score=float(decide["watch_score"]),
            take_profit=None if profit is None else float(profit),
            close_reversal=float(decide["close_reversal"]),
            max_buys=int(decide["max_buys"]),
            close_when=_rules(decide["close_when"]),
        ),
        exits=Exits(float(exits["trailing_stop"]), _rules(exits["signal"])),
        sections=sections,
    )


def factory_of(call: Mapping[str, object]) -> str | None:
    """The key of a feature that names its factory: the first that is not `lag`; None where there is none."""
    return next((key for key in call if key != "lag"), None)


def _feature(name: str, call: Values) -> FeatureCall:
    factory = factory_of(call) or ""
    parameter = call.get(factory)
    more = {key: value for key, value in call.items() if key not in (factory, "lag")}
    lag = int(call.get("lag", 0))
    if isinstance(parameter, Mapping):
        return FeatureCall(name, factory, None, {**parameter, **more}, lag)
    return FeatureCall(name, factory, parameter, more, lag)


def _rules(items: Sequence[Any]) -> tuple[Rule, ...]:
    return tuple(_rule(item) for item in items)


def _rule(item: str | Mapping[str, str]) -> Rule:
    """`price > 5`, which is its own name, or `{cheap: price < 5}`."""
    if isinstance(item, str):
        return Rule(_one_line(item), item.strip())
    name, when = next(iter(item.items()))
    return Rule(_one_line(name), when.strip())


def _points(items: Sequence[Any]) -> tuple[Points, ...]:
    return tuple(_point(item) for item in items)


def _point(item: str | Mapping[str, Any]) -> Points:
    if isinstance(item, str):
        return Points(_one_line(item), item.strip())
    when = item["when"]
    return Points(_one_line(item.get("name", when)), when.strip(), float(item.get("points", 1)))


def _one_line(text: str) -> str:
    return " ".join(text.split())


def stops_of(values: Values) -> Stops:
    """The section `stops`."""
    stops = values["stops"]
    return Stops(float(stops["trailing"]), int(stops["attempts"]), stops["retry_delay"])


def monitor_of(values: Values) -> Monitor:
    """The section `monitor`."""
    monitor = values["monitor"]
    scores = ("alert_threshold", "auto_close_threshold", "healthy_threshold")
    return Monitor(**{**monitor, **{key: float(monitor[key]) for key in scores}})


def schedule_of(values: Values) -> Schedule:
    """The section `schedule`."""
    return Schedule(values["schedule"]["scans"], values["schedule"]["caps_apart"])


def backtest_of(values: Values) -> BacktestSettings:
    """What a backtest begins with and pays."""
    backtest = values["backtest"]
    others = ("sell_fees", "close_delisted")
    figures = (key.name for key in fields(BacktestSettings) if key.name not in others)
    return BacktestSettings(
        **{name: _figure(backtest[name]) for name in figures},
        close_delisted=backtest["close_delisted"],
        sell_fees={name: _figure(value) for name, value in backtest["sell_fees"].items()},
    )


def _figure(value: Any) -> Any:
    return None if value is None else float(value)

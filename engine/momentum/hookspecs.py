"""Every hook that a plugin may implement: this file is the manual for plugin authors.

A plugin is a module, or an object, with functions marked `@momentum.hookimpl` and named as the hooks below.
It is found by the entry-point group `momentum`, or by a path in `momentum.yaml` (`./my_signals.py`). It is
registered once; a hook is called only where the plugin stands under a role that the hook belongs to:

    signals    momentum_features, momentum_filter, momentum_score, momentum_reversal_signal
    decide     momentum_decide
    execute    momentum_execute
    notify     momentum_notify
    learn      momentum_learn
    data       momentum_market_data
    broker     momentum_broker
    services   momentum_start, momentum_stop, momentum_commands, momentum_jobs
    any        momentum_settings_schema

An implementation may take fewer arguments than its hook has, never others. Each implementation is called
alone, in the order of the YAML, timed and named; an exception in one never reaches another. Hook wrappers
are not supported. A plugin may set `MOMENTUM_API = 1`; one that asks for a newer version is not loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    import click
    import polars as pl

    from momentum.model.decision import Decision, Execution, Plan, Situation
    from momentum.model.events import Event
    from momentum.model.strategy import Points, Rule, Strategy
    from momentum.ports import Broker, Desk, Engine, History, MarketData, Workspace

PROJECT = "momentum"
API_VERSION = 1

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


# -- signals: called once for a scan, while its rules are compiled ------------------------------------------


@hookspec
def momentum_features() -> Mapping[str, Callable[..., pl.Expr]]:  # type: ignore[empty-body]
    """Name the features that this plugin can compute.

    Called when settings load; like all signals it has 30 seconds to answer. Returns a mapping from a name
    to a factory. A factory takes the parameters of the YAML as keywords (`roc_10d: {roc: 10}` calls
    `roc(10)`; a scalar goes to the first parameter) and returns a polars expression over one symbol's bars,
    oldest first, with the columns open, high, low, close, volume, day_fraction; the engine applies it to
    each symbol. It may look back, never ahead. A
    factory that needs no parameter can be named in a rule without a declaration.

    On failure: the plugin's features are missing; a strategy that names one is a finding, and nothing starts.
    """


@hookspec
def momentum_filter(strategy: Strategy) -> Sequence[Rule]:  # type: ignore[empty-body]
    """Give the rules that a symbol must pass to become a candidate.

    Called when a scan compiles its rules, and when settings are checked. Returns `momentum.Rule(name, when)`
    or plain `(name, when)` pairs; `when` is SQL text or a polars expression over the columns of one row
    (see docs/rules.md), with a boolean result. All rules of all plugins must hold; a null is false.

    On failure: the scan goes on without buys, and says which plugin failed.
    """


@hookspec
def momentum_score(strategy: Strategy) -> Sequence[Points]:  # type: ignore[empty-body]
    """Give the conditions that earn a candidate points.

    Called as `momentum_filter` is. Returns `momentum.Points(name, when, points)` or plain tuples, `(name,
    when)` being worth one point. All add up; the default strategy reaches 20 at most.

    On failure: as for `momentum_filter`.
    """


@hookspec
def momentum_reversal_signal(strategy: Strategy) -> Sequence[Points]:  # type: ignore[empty-body]
    """Give the conditions that count against a held position.

    Called as `momentum_filter` is. Returns as `momentum_score` does; the rules may besides name
    `position.pnl` (a fraction), `position.days` (sessions held), `position.peak`, `position.entry_price` and
    `position.qty`. All add up; the default strategy reaches 13 at most.

    On failure: the scan makes no buys and says which plugin failed; the other signals count.
    """


# -- decide: called once in a scan, after candidates and readings are known ---------------------------------


@hookspec
def momentum_decide(situation: Situation) -> Decision | None:
    """Decide what to close, buy and watch.

    Called whenever there is a candidate or a position, on a worker thread with a time budget. Deciders are
    asked in the order of the YAML; the first that returns a Decision is taken, None passes. A Decision is a
    proposal: the risk gate approves, reduces or refuses each order, and the engine adds its own exits.

    On failure (an exception, a hang, something that is not a Decision): the next decider is asked; after the
    last one the scan makes no buys.
    """


# -- execute: called once in a scan that is not a dry run, after the gate -----------------------------------


@hookspec
def momentum_execute(plan: Plan, desk: Desk) -> Sequence[Execution] | None:
    """Carry out the plan through the desk.

    Called in the order of the YAML; the first that returns a list of Executions is taken, None passes. The
    desk takes only orders of this plan, closes before buys, and checks each again. Stops are the engine's:
    they are placed after this returns or raises.

    On failure: if the desk was used, no other executor is asked; what was done is on record.
    """


# -- notify and learn: called from the outbox, after the fact; learners come with the daemon ----------------


@hookspec
def momentum_notify(event: Event) -> None:
    """Tell somebody of an event.

    Called for every notifier and every event, in order, at least once (`event.id` is stable, so that a
    repetition can be recognised), on a worker thread with a time budget.

    On failure: the event stays in the outbox for this notifier and is tried again.
    """


@hookspec
def momentum_learn(event: Event, history: History) -> Sequence[str] | None:
    """Learn from an event; return lessons, each one sentence for a decider to read.

    Called for every learner after an event is recorded. `history` is read-only.

    On failure: logged, and nothing else.
    """


# -- data and broker: called once, for the one plugin that is named -----------------------------------------


@hookspec
def momentum_market_data(workspace: Workspace) -> MarketData:  # type: ignore[empty-body]
    """Open the source of market data (see `momentum.ports.MarketData`).

    Called once when a command needs data. On failure: the command ends with exit code 4 and the text of
    the exception.
    """


@hookspec
def momentum_broker(workspace: Workspace) -> Broker:  # type: ignore[empty-body]
    """Open the account (see `momentum.ports.Broker`); `workspace.data` is the market data.

    Called once when a command needs the account. On failure: as for `momentum_market_data`.
    """


# -- services: for the daemon; until there is one, nothing calls them ----------------------------------------


@hookspec
def momentum_start(engine: Engine) -> None:
    """Start a service beside the daemon (a bot, a dashboard); must return at once.

    On failure: told, and the daemon goes on without it.
    """


@hookspec
def momentum_stop(engine: Engine) -> None:
    """Stop what `momentum_start` started, within five seconds. On failure: logged."""


@hookspec
def momentum_commands() -> Sequence[click.Command]:  # type: ignore[empty-body]
    """Give commands that join the command line. On failure: the command is missing, and a line says why."""


@hookspec
def momentum_jobs(engine: Engine) -> Sequence[Any]:  # type: ignore[empty-body]
    """Give jobs for the daemon's schedule. On failure: the jobs are missing, and it is told."""


# -- any role: called when settings load --------------------------------------------------------------------


@hookspec
def momentum_settings_schema() -> Mapping[str, Any]:  # type: ignore[empty-body]
    """Give a JSON Schema for the plugin's own section of the YAML, which stands under the plugin's name.

    `x-unit` on a property asks the engine to parse what people write: `fraction` (10%, 5bps, 0.10),
    `duration` (30m), `time` (09:35, close-30m), `path` (relative to the workspace). `default` is used where
    the YAML is silent. A plugin without a schema has no settings: its section is then an unknown key.

    On failure: a finding that names the plugin, and nothing starts.
    """

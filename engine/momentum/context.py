"""What a command works with once a workspace is open: settings, rules, market data, account and ledger."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

from momentum.errors import Finding, LedgerError, SettingsError, UsageError
from momentum.execution.guarded import guarded
from momentum.execution.trading import StopPolicy, Trading
from momentum.halt import halted
from momentum.host.dispatch import only
from momentum.host.registry import Host
from momentum.ledger.address import exists, is_postgres, ledger_path
from momentum.ledger.rows import Override
from momentum.ledger.store import Ledger, open_ledger
from momentum.market.universe import Universe, universe_of
from momentum.ports import Broker, Clock, MarketData, Progress, Workspace
from momentum.rules.program import Program, compile_program
from momentum.settings.load import Settings, load
from momentum.settings.secrets import environment


@dataclass(frozen=True, slots=True)
class Context:
    """An open workspace. Close it when the command is done."""

    settings: Settings
    universe: Universe
    program: Program
    data: MarketData
    broker: Broker
    ledger: Ledger
    clock: Clock
    sleep: Callable[[float], None] = time.sleep

    @property
    def host(self) -> Host:
        """The loaded plugins."""
        return self.settings.host

    def trading(self, now: datetime, session: date, slot: str, scan_id: str = "") -> Trading:
        """What execution works with at the moment `now` of a session, for the scan or command `slot`."""
        settings = self.settings
        trail = settings.strategy.exits.trailing_stop
        return Trading(
            broker=self.broker,
            ledger=self.ledger,
            prices=self.data,
            universe=self.universe,
            sessions=self.data.sessions(),
            limits=settings.limits,
            stops=StopPolicy(trail, settings.stops.attempts, settings.stops.retry_delay),
            halted=lambda: halted(settings.directory),
            name=settings.name,
            strategy=settings.strategy.name,
            session=session,
            slot=slot,
            scan_id=scan_id,
            now=now,
            sleep=self.sleep,
            notifiers=tuple(self.host.roles.get("notify", ())),
        )

    def last_look(self) -> Trading:
        """The account as of its last moment, for commands that only read; the clock's where it was never used."""
        now = self.broker.moment() or self.clock.now()
        session = self.data.sessions().last_opened(now)
        return self.trading(now, session.day if session else now.date(), "look")

    def close(self) -> None:
        """Close the ledger."""
        self.ledger.close()


def settings_in_force(
    directory: Path, *, strategy: str | None = None, sets: Sequence[str] = (), data: Path | None = None
) -> Settings:
    """The settings with the changes made while running, which the ledger keeps.

    A change that does not go with the files, or with the other changes, is a warning that names it, and is
    not used: no change may keep a person from the command that takes it back. Raises `SettingsError` where
    the files themselves are wrong, and `LedgerError` where there is a ledger that cannot be read: a change
    may have tightened a limit, so that it is not passed over.
    """
    settings = load(directory, strategy=strategy, sets=sets, data=data)
    if not exists(settings.ledger):
        return settings
    with ledger_of(settings) as ledger:
        overrides = ledger.overrides()
        migrated = ledger.migrated
    used: list[Override] = []
    refused: list[Finding] = []
    if migrated is not None and not migrated.is_new:
        refused.append(Finding("the ledger", str(migrated), severity="warning"))
    for override in overrides:
        try:
            settings = load(directory, strategy=strategy, sets=sets, data=data, overrides=[*used, override])
        except SettingsError as error:
            why = f"{override.value} does not go with the other settings ({error.findings[0].message})"
            way_out = f"it is not used; `momentum unset {override.key}` takes it back"
            refused.append(
                Finding(f"override by {override.who}", f"{why}; {way_out}", override.key, severity="warning")
            )
        else:
            used.append(override)
    return replace(settings, warnings=(*settings.warnings, *refused))


def ledger_of(settings: Settings) -> Ledger:
    """Open the ledger that the settings name, in a directory made for it where there is none yet."""
    if not is_postgres(settings.ledger):
        path = ledger_path(settings.ledger)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LedgerError(f"{path.parent}: cannot be made: {error.strerror}; set `ledger:`") from error
    return open_ledger(settings.ledger, settings.directory)


def check_mode(settings: Settings) -> None:
    """Raises `UsageError` where the mode does not go with the broker."""
    if settings.mode == "live" and settings.plugins["broker"] == ("paper",):
        raise UsageError("mode: live needs a real broker, but plugins.broker is paper; set mode: paper")


def open_context(settings: Settings, clock: Clock) -> Context:
    """Open the data source, the account and the ledger that the settings name.

    Raises `DataError` and `BrokerError` where they cannot be reached, `LedgerError` where the ledger cannot
    be used, `UsageError` where the settings ask for what is not allowed.
    """
    check_mode(settings)
    universe = universe_of(settings.universe)
    workspace = _workspace(settings, clock, universe.symbols)
    data = only(settings.host, "data", "momentum_market_data", workspace=workspace)
    broker = only(settings.host, "broker", "momentum_broker", workspace=replace(workspace, data=data))
    return Context(
        settings=settings,
        universe=universe,
        program=compile_program(settings.strategy, settings.host, settings.limits),
        data=data,
        broker=guarded(broker, settings.host.hide),
        ledger=ledger_of(settings),
        clock=clock,
    )


def open_data(settings: Settings, clock: Clock, progress: Progress | None = None) -> MarketData:
    """Open the data source alone, with every symbol it has, and tell `progress` how far it is.

    Raises `DataError` where it cannot be used. No account and no ledger is touched.
    """
    workspace = replace(_workspace(settings, clock, None), progress=progress)
    data: MarketData = only(settings.host, "data", "momentum_market_data", workspace=workspace)
    return data


def _workspace(settings: Settings, clock: Clock, symbols: tuple[str, ...] | None) -> Workspace:
    return Workspace(
        directory=settings.directory,
        mode=settings.mode,
        sections=settings.sections,
        environment=environment(settings.directory),
        clock=clock,
        symbols=symbols,
    )

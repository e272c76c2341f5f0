"""What a command works with once a workspace is open: settings, rules, market data, account and ledger."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime

from momentum.errors import UsageError
from momentum.execution.trading import StopPolicy, Trading
from momentum.host.dispatch import only
from momentum.host.registry import Host
from momentum.ledger.store import Ledger, open_ledger
from momentum.market.universe import Universe, load_universe
from momentum.ports import Broker, Clock, MarketData, Workspace
from momentum.rules.program import Program, compile_program
from momentum.settings.load import Settings
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
            data=self.data,
            universe=self.universe,
            sessions=self.data.sessions(),
            limits=settings.limits,
            stops=StopPolicy(trail, settings.stops.attempts, settings.stops.retry_delay),
            workspace=settings.directory,
            name=settings.name,
            strategy=settings.strategy.name,
            session=session,
            slot=slot,
            scan_id=scan_id,
            now=now,
            sleep=self.sleep,
        )

    def last_look(self) -> Trading:
        """The account as of its last moment, for commands that only read; the clock's where it was never used."""
        now = self.broker.moment() or self.clock.now()
        session = self.data.sessions().last_opened(now)
        return self.trading(now, session.day if session else now.date(), "look")

    def close(self) -> None:
        """Close the ledger."""
        self.ledger.close()


def open_context(settings: Settings, clock: Clock) -> Context:
    """Open the data source, the account and the ledger that the settings name.

    Raises `DataError` and `BrokerError` where they cannot be reached, `LedgerError` where the ledger cannot
    be used, `UsageError` where the settings ask for what is not allowed.
    """
    if settings.mode == "live" and settings.plugins["broker"] == ("paper",):
        raise UsageError("mode: live needs a real broker, but plugins.broker is paper; set mode: paper")
    universe = load_universe(settings.universe) if settings.universe is not None else Universe.everything()
    workspace = Workspace(
        directory=settings.directory,
        mode=settings.mode,
        sections=settings.sections,
        environment=environment(settings.directory),
        clock=clock,
        symbols=universe.symbols,
    )
    data = only(settings.host, "data", "momentum_market_data", workspace=workspace)
    broker = only(settings.host, "broker", "momentum_broker", workspace=replace(workspace, data=data))
    return Context(
        settings=settings,
        universe=universe,
        program=compile_program(settings.strategy, settings.host, settings.limits),
        data=data,
        broker=broker,
        ledger=open_ledger(settings.ledger),
        clock=clock,
    )

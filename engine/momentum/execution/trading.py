"""What execution works with: the account, its ledger, the limits, and the scan or command that it acts for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from momentum.ledger.records import Records
from momentum.market.universe import Universe
from momentum.model.market import Sessions
from momentum.model.strategy import Limits
from momentum.ports import Broker, Prices


@dataclass(frozen=True, slots=True)
class StopPolicy:
    """How positions are protected. `trail` is a fraction below the peak."""

    trail: float
    attempts: int
    retry_delay: timedelta


@dataclass(frozen=True, slots=True)
class Patience:
    """How long execution waits for a broker, and how often it looks."""

    fill: timedelta = timedelta(seconds=10)
    free_shares: timedelta = timedelta(seconds=5)
    poll: timedelta = timedelta(milliseconds=250)


@dataclass(frozen=True, slots=True)
class Trading:
    """Everything that an order needs besides itself.

    `slot` and `scan_id` say which scan or command acts; `now` is its moment, in UTC. `sleep` waits that many
    seconds; `halted` says why buying is halted, None where it is not. `notifiers` are the plugins that shall be
    told what happened.
    """

    broker: Broker
    ledger: Records
    prices: Prices
    universe: Universe
    sessions: Sessions
    limits: Limits
    stops: StopPolicy
    halted: Callable[[], str | None]
    name: str
    strategy: str
    session: date
    slot: str
    scan_id: str
    now: datetime
    sleep: Callable[[float], None]
    patience: Patience = Patience()
    notifiers: tuple[str, ...] = ()

    @property
    def account(self) -> str:
        """The account whose rows of the ledger this is about."""
        return self.broker.account_id

"""A replay: the engine's own scans on a simulated clock over recorded bars, with an account and a ledger of its own."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

from momentum.backtest.loop import Ran, with_bar, with_waiting
from momentum.context import Context
from momentum.executing import execute
from momentum.execution.account import portfolio
from momentum.execution.delisting import close_ended
from momentum.execution.guarded import guarded
from momentum.execution.reconcile import reconcile
from momentum.execution.stops import protect
from momentum.host.dispatch import only
from momentum.ledger.store import open_ledger
from momentum.market.calendar import EXCHANGE
from momentum.market.clock import Moment
from momentum.market.universe import universe_of
from momentum.model.decision import Plan, PlannedOrder
from momentum.model.market import CAPS, SCAN_TYPES, Quote, ScanType, Session, Sessions
from momentum.model.portfolio import Portfolio
from momentum.ports import MarketData, Progress, Timeframe, Workspace
from momentum.risk.book import MarketState
from momentum.rules.program import compile_program
from momentum.scan import ScanRequest, Watcher, run
from momentum.settings.load import Settings

_WHY = "replayed"


@dataclass
class SimulatedClock:
    """A clock that is set by a replay."""

    moment: datetime = field(default=datetime(1970, 1, 1, tzinfo=UTC))

    def now(self) -> datetime:
        """The moment, aware, in UTC."""
        return self.moment


class Unwatched:
    """A watcher of scans that nobody follows."""

    def begin(self, step: int, title: str) -> None:
        """Nothing."""

    def end(self, step: int, result: object) -> None:
        """Nothing."""


class KnownOpens:
    """Daily market data that knows each session's open prices at its open, for orders that wait for it.

    All else is the data's own. Bars of minutes need none of this.
    """

    timeframe: Timeframe = "day"

    def __init__(self, data: MarketData) -> None:
        self._data = data
        self.source = data.source
        self.title = data.title
        self.synthetic = data.synthetic
        self.resolution = data.resolution
        self._opens = {session.opens: session for session in data.sessions().days}

    def symbols(self) -> tuple[str, ...]:
        return self._data.symbols()

    def sessions(self) -> Sessions:
        return self._data.sessions()

    def daily(self, symbols: Sequence[str] | None, at: datetime, sessions: int) -> pl.DataFrame:
        return self._data.daily(symbols, at, sessions)

    def bars(self, symbols: Sequence[str], after: datetime, until: datetime) -> pl.DataFrame:
        return self._data.bars(symbols, after, until)

    def quotes(self, symbols: Sequence[str], at: datetime) -> Mapping[str, Quote]:
        """The last closes; at a session's opening moment the opens of what trades in it."""
        known = dict(self._data.quotes(symbols, at))
        session = self._opens.get(at)
        if session is None:
            return known
        today = self._data.bars(symbols, session.opens, session.closes).select("symbol", "open")
        return known | {symbol: Quote(symbol, price, at) for symbol, price in today.iter_rows()}

    def vix(self, at: datetime) -> float | None:
        return self._data.vix(at)

    def notes(self) -> tuple[str, ...]:
        return self._data.notes()


def replay(
    context: Context,
    clock: SimulatedClock,
    sessions: Sessions,
    watcher: Watcher,
    progress: Progress | None = None,
) -> Ran:
    """Go through sessions as they were scheduled; `clock` is the context's own.

    On daily bars a session's scans become one, at its close, whose orders are carried out at the next open. On
    minutes each scan of the schedule is made, and fills, at its minute.
    """
    assert context.settings.backtest is not None
    endings = _last_bars(context.data, sessions) if context.settings.backtest.close_delisted else {}
    gone: set[str] = set()
    closes: list[Portfolio] = []
    plan = Plan()
    for number, session in enumerate(sessions.days, 1):
        gone |= endings.get(session.day, frozenset())
        if context.data.timeframe == "day":
            waiting = _at_open(context, clock, session, plan)
            closes.append(_closed(context, clock, session, gone))
            plan = _at_close(context, clock, session, waiting, watcher)
        else:
            for at, kind, cap in _slots(context, session):
                clock.moment = at
                run(context, ScanRequest(Moment(at, session, _WHY), kind, cap), watcher)
            closes.append(_closed(context, clock, session, gone))
        if progress is not None:
            progress("sessions", number, len(sessions.days))
    account = context.broker.account_id
    orders = {intent.client_id: intent for intent in context.ledger.intents(account=account)}
    return Ran(tuple(closes), context.ledger.trades(account), orders)


def _at_open(
    context: Context, clock: SimulatedClock, session: Session, plan: Plan
) -> tuple[PlannedOrder, ...]:
    """Carry out the plan of the session before; returns the closes that wait for a bar."""
    if not plan.closes and not plan.buys:
        return ()
    clock.moment = session.opens
    trading = context.trading(session.opens, session.day, "close")
    symbols = [order.symbol for order in (*plan.closes, *plan.buys)]
    with context.ledger.locked(context.settings.directory, context.broker.account_id):
        reconcile(trading)
        quotes = trading.prices.quotes(symbols, session.opens)
        caps = {symbol: context.universe.cap_of(symbol) for symbol in symbols}
        market = MarketState(session.opens, True, quotes, caps)
        carried, waiting = with_bar(plan, market)
        execute(context.host, trading, carried, market)
        protect(trading)
    return waiting


def _at_close(
    context: Context,
    clock: SimulatedClock,
    session: Session,
    waiting: Sequence[PlannedOrder],
    watcher: Watcher,
) -> Plan:
    """Scan at the close; its plan, and what still waits, are for the next open."""
    clock.moment = session.closes
    request = ScanRequest(Moment(session.closes, session, _WHY), "close", at_next_open=True)
    result = run(context, request, watcher)
    return with_waiting(result.plan, waiting, result.after)


def _closed(context: Context, clock: SimulatedClock, session: Session, ended: Collection[str]) -> Portfolio:
    """The account at a session's close, without what has `ended`."""
    clock.moment = session.closes
    trading = context.trading(session.closes, session.day, "close")
    with context.ledger.locked(context.settings.directory, context.broker.account_id):
        reconcile(trading)
        if ended:
            close_ended(trading, ended)
        protect(trading)
        return portfolio(trading)


def _last_bars(data: MarketData, sessions: Sessions) -> Mapping[date, frozenset[str]]:
    """The symbols whose last bar is that of a session, though the market goes on."""
    last = sessions.days[-1]
    bars = data.daily(None, last.closes, len(data.sessions().days))
    found: dict[date, set[str]] = {}
    for symbol, day in bars.group_by("symbol").agg(pl.col("ts").max()).iter_rows():
        if day < last.day:
            found.setdefault(day, set()).add(symbol)
    return {day: frozenset(symbols) for day, symbols in found.items()}


def _slots(context: Context, session: Session) -> list[tuple[datetime, ScanType, str]]:
    """The scans that are due in a session, in order of time: those inside of it, one size class after the other."""
    schedule = context.settings.schedule
    opens, closes = (moment.astimezone(EXCHANGE) for moment in (session.opens, session.closes))
    caps = ("all",) if context.universe.symbols is None else CAPS
    due = [
        (slot.on(opens, closes).astimezone(UTC) + number * schedule.caps_apart, kind, cap)
        for kind, slot in schedule.scans.items()
        for number, cap in enumerate(caps)
    ]
    inside = [item for item in due if session.opens < item[0] <= session.closes]
    return sorted(inside, key=lambda item: (item[0], SCAN_TYPES.index(item[1])))


def open_replay(settings: Settings, data: MarketData, directory: Path, clock: SimulatedClock) -> Context:
    """A context for a replay, whose account and ledger are begun anew in `directory`.

    The account is a paper account with the cash and the costs of the strategy's `backtest:`. Raises what opening the
    plugins raises.
    """
    assert settings.backtest is not None
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    universe = universe_of(settings.universe)
    market = KnownOpens(data) if data.timeframe == "day" else data
    paper = {**settings.sections.get("paper", {}), **asdict(settings.backtest)}
    workspace = Workspace(
        directory=directory,
        mode="paper",
        sections={**settings.sections, "paper": paper},
        environment={},
        clock=clock,
        symbols=universe.symbols,
        data=market,
    )
    broker = only(settings.host, "broker", "momentum_broker", workspace=workspace)
    return Context(
        settings=replace(settings, directory=directory),
        universe=universe,
        program=compile_program(settings.strategy, settings.host, settings.limits),
        data=market,
        broker=guarded(broker, settings.host.hide),
        ledger=open_ledger(f"sqlite:///{(directory / 'ledger.db').resolve()}"),
        clock=clock,
        sleep=_at_once,
    )


def _at_once(seconds: float) -> None:
    """Nobody waits in a replay."""

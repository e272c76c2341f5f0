"""A backtest on daily bars, session for session: decide at the close, fill at the next open, stops inside the bar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from momentum.backtest.broker import MemoryBroker
from momentum.backtest.recorder import Recorder
from momentum.backtest.tape import Tape
from momentum.deciding import ask
from momentum.executing import execute
from momentum.execution.account import portfolio
from momentum.execution.costs import costs_of
from momentum.execution.delisting import close_ended
from momentum.execution.following import record_fills
from momentum.execution.stops import protect
from momentum.execution.trading import Patience, StopPolicy, Trading
from momentum.ledger.rows import Intent, Trade
from momentum.market.universe import Universe
from momentum.model.decision import Plan, PlannedOrder, ScanInfo, Situation
from momentum.model.market import Candidate, Session
from momentum.model.portfolio import Portfolio
from momentum.ports import Progress
from momentum.risk.book import MarketState
from momentum.risk.gate import gate
from momentum.risk.limits import limits_left, skip_buys
from momentum.risk.proposal import exit_demands
from momentum.settings.load import Settings

_NOTHING = Plan()


@dataclass(frozen=True, slots=True)
class Ran:
    """What became of the account: its portfolio at each session's close, its trades and its orders.

    `plans` are what was planned at each close for the next open, where it is planned so.
    """

    closes: tuple[Portfolio, ...]
    trades: tuple[Trade, ...]
    orders: Mapping[str, Intent]
    plans: tuple[Plan, ...] = ()


class Backtest:
    """One strategy on one tape. It lives for one run."""

    def __init__(self, settings: Settings, universe: Universe, tape: Tape) -> None:
        assert settings.backtest is not None
        self._settings = settings
        self._tape = tape
        self._closes_delisted = settings.backtest.close_delisted
        costs = costs_of(asdict(settings.backtest))
        self._broker = MemoryBroker(settings.backtest.cash, costs, tape)
        self._records = Recorder()
        self._universe = universe
        first = tape.sessions.days[0]
        self._trading = Trading(
            broker=self._broker,
            ledger=self._records,
            prices=tape,
            universe=universe,
            sessions=tape.sessions,
            limits=settings.limits,
            stops=StopPolicy(settings.strategy.exits.trailing_stop, 1, settings.stops.retry_delay),
            halted=_never,
            name=settings.name,
            strategy=settings.strategy.name,
            session=first.day,
            slot="close",
            scan_id="",
            now=first.opens,
            sleep=_at_once,
            patience=Patience(),
        )

    def run(self, progress: Progress | None = None) -> Ran:
        """Go through every session."""
        plan = _NOTHING
        closes, plans = [], []
        days = self._tape.sessions.days
        for number, session in enumerate(days, 1):
            waiting = self._open(session, plan)
            view = self._close(session)
            closes.append(view)
            plan = self._plan(session, view, waiting)
            plans.append(plan)
            if progress is not None:
                progress("sessions", number, len(days))
        return Ran(tuple(closes), tuple(self._records.trades), self._records.orders, tuple(plans))

    def _open(self, session: Session, plan: Plan) -> tuple[PlannedOrder, ...]:
        """Carry out the plan of the session before at this one's open; returns the closes that wait for a bar."""
        if not plan.closes and not plan.buys:
            return ()
        self._tape.at_open(session)
        self._broker.open(session)
        trading = self._trading = replace(self._trading, now=session.opens, session=session.day)
        symbols = [order.symbol for order in (*plan.closes, *plan.buys)]
        quotes = self._tape.quotes(symbols, session.opens)
        market = MarketState(session.opens, True, quotes, {s: self._universe.cap_of(s) for s in symbols})
        carried, waiting = with_bar(plan, market)
        execute(self._settings.host, trading, carried, market)
        protect(trading)
        return waiting

    def _close(self, session: Session) -> Portfolio:
        """Live through the session's bar, and look at the account at its close."""
        self._tape.at_close(session)
        self._trading = replace(self._trading, now=session.closes, session=session.day)
        for fill in self._broker.close(session):
            order = self._broker.find(fill.client_id)
            if order is not None:
                self._records.record_order(order)
        record_fills(self._trading)
        if self._closes_delisted and self._broker.book.holdings:
            close_ended(self._trading, self._tape.ended(self._broker.book.holdings))
        return portfolio(self._trading)

    def _plan(self, session: Session, view: Portfolio, waiting: Sequence[PlannedOrder]) -> Plan:
        """What is to be done at the next open."""
        settings, tape = self._settings, self._tape
        candidates = tape.candidates()
        if not candidates and not view.positions:
            return _NOTHING
        signs = tape.readings(view.positions)
        market = self._market(session, view, candidates)
        max_buys = min(settings.strategy.decide.max_buys, settings.limits.max_buys_per_scan)
        monitor = settings.monitor
        skip = monitor.skip_buys_when_healthy and skip_buys(
            view, signs, monitor.healthy_threshold, session.day
        )
        info = ScanInfo(
            session.day.isoformat(), settings.strategy.name, session.day, "close", "all", session.closes,
            dry_run=False, max_buys=max_buys,
        )  # fmt: skip
        left = limits_left(view, settings.limits, market, cap="all", max_buys=max_buys, skip_buys=skip)
        situation = Situation(info, settings.strategy, view, candidates, signs, tape.market(), left)
        verdict = ask(settings.host, situation, None)
        plan = gate(
            verdict.decision,
            view,
            market,
            settings.limits,
            candidates=candidates,
            max_buys=max_buys,
            skip_buys=skip,
            exits=exit_demands(signs),
            readings=signs,
            close_reversal=settings.strategy.decide.close_reversal,
        )
        return with_waiting(plan, waiting, view)

    def _market(self, session: Session, view: Portfolio, candidates: Sequence[Candidate]) -> MarketState:
        symbols = sorted({p.symbol for p in view.positions} | {c.symbol for c in candidates})
        caps = {symbol: self._universe.cap_of(symbol) for symbol in symbols}
        return MarketState(session.closes, True, self._tape.quotes(symbols, session.closes), caps)


def with_bar(plan: Plan, market: MarketState) -> tuple[Plan, tuple[PlannedOrder, ...]]:
    """The part of a plan whose symbols trade at the open that `market` is, and the closes that wait for a bar.

    A buy of a symbol without a bar is dropped.
    """
    here = {symbol for symbol, quote in market.quotes.items() if quote.at == market.now}
    closes = tuple(order for order in plan.closes if order.symbol in here)
    buys = tuple(order for order in plan.buys if order.symbol in here)
    waiting = tuple(order for order in plan.closes if order.symbol not in here)
    return replace(plan, closes=closes, buys=buys), waiting


def with_waiting(plan: Plan, waiting: Sequence[PlannedOrder], view: Portfolio) -> Plan:
    """A plan with the closes of an earlier one that still wait, in symbol order."""
    again = {order.symbol for order in plan.closes}
    still = (order for order in waiting if order.symbol not in again and view.position(order.symbol))
    return replace(plan, closes=tuple(sorted((*plan.closes, *still), key=_symbol)))


def _symbol(order: PlannedOrder) -> str:
    return order.symbol


def _never() -> None:
    return None


def _at_once(seconds: float) -> None:
    return None

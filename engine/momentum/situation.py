"""What a scan knows before it decides: the prices it may trade at, and all that a decider is told."""

from __future__ import annotations

from collections.abc import Sequence, Set
from datetime import datetime, timedelta

from momentum.context import Context
from momentum.execution.alarms import bare
from momentum.execution.trading import Trading
from momentum.halt import halted
from momentum.market.calendar import shown
from momentum.market.screen import OFFERED, Screen
from momentum.model.decision import ScanInfo, Situation
from momentum.model.market import Reading
from momentum.model.portfolio import Portfolio
from momentum.ports import StartsAnew
from momentum.risk.book import MarketState
from momentum.risk.limits import limits_left, skip_buys

_AGREEMENT = timedelta(minutes=2)
"""How far a scan's moment may be from the broker's."""


def at_the_brokers_time(context: Context, now: datetime) -> bool:
    """Whether orders of that moment may be sent: always to an account of ours, which lives at any moment."""
    if isinstance(context.broker, StartsAnew):
        return True
    moment = context.broker.moment()
    return moment is not None and abs(moment - now) <= _AGREEMENT


def cautions(context: Context, now: datetime, *, dry_run: bool) -> tuple[str, ...]:
    """What a person should know of how this scan meets its account."""
    moment = context.broker.moment()
    last = shown(moment) if moment else "not known"
    said = []
    halt = halted(context.settings.directory)
    if halt is not None:
        said.append(f"HALTED {halt}; nothing is bought until `momentum resume`")
    if dry_run and not at_the_brokers_time(context, now):
        said.append(f"a dry run, because the scan's moment is not the broker's, which is {last}")
    elif dry_run and moment is not None and moment != now:
        said.append(
            f"a dry run does not move the account: its positions are those of its last moment, {last}"
        )
    if not dry_run and context.data.timeframe == "day":
        said.append("daily bars only: orders fill at the close that the scan saw")
    return tuple(said)


def market_state(context: Context, trading: Trading, view: Portfolio, found: Screen) -> MarketState:
    """The prices of all that may be traded, whether the exchange is open (its close included), and any halt.

    A signal that failed halts buying too: without it a candidate might not be one. So does a position that
    could not be protected.
    """
    failures = (*context.program.failures, *found.failures)
    candidates = {candidate.symbol for candidate in found.candidates[:OFFERED]}
    halt = trading.halted() or context.host.hide("; ".join(failures)) or bare(trading)
    return state_of(trading, view, candidates, is_open=in_session(trading), halt=halt)


def in_session(trading: Trading) -> bool:
    """Whether the moment lies in the session, its close included."""
    session = trading.sessions.of(trading.session)
    return session is not None and session.opens <= trading.now <= session.closes


def state_of(
    trading: Trading, view: Portfolio, more: Set[str] = frozenset(), *, is_open: bool, halt: str | None = None
) -> MarketState:
    """The prices and size classes of all that is held or ordered, and of `more` symbols."""
    symbols = {position.symbol for position in view.positions} | {order.symbol for order in view.open_orders}
    symbols |= more
    return MarketState(
        now=trading.now,
        is_open=is_open,
        quotes=trading.prices.quotes(sorted(symbols), trading.now),
        caps={symbol: trading.universe.cap_of(symbol) for symbol in symbols},
        halt=halt,
    )


def situate(
    context: Context,
    info: ScanInfo,
    view: Portfolio,
    found: Screen,
    signs: Sequence[Reading],
    prices: MarketState,
) -> Situation:
    """Put together all that a decider is told."""
    settings = context.settings
    monitor = settings.monitor
    skip = monitor.skip_buys_when_healthy and skip_buys(view, signs, monitor.healthy_threshold, info.session)
    left = limits_left(view, settings.limits, prices, cap=info.cap, max_buys=info.max_buys, skip_buys=skip)
    return Situation(
        scan=info,
        strategy=settings.strategy,
        portfolio=view,
        candidates=found.candidates[:OFFERED],
        readings=tuple(signs),
        market=found.market,
        limits_left=left,
        watchlist=context.ledger.watchlist(context.broker.account_id),
    )

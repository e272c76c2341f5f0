"""A paper account at work: broker, ledger and desk in a temporary workspace, and a broker that misbehaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from fakes import FakeMarket, closes, daily_bar, day
from momentum.execution.account import portfolio
from momentum.execution.costs import Costs
from momentum.execution.desk import TradingDesk
from momentum.execution.following import follow
from momentum.execution.sending import send
from momentum.execution.trading import Patience, StopPolicy, Trading
from momentum.halt import halted
from momentum.ledger.store import open_ledger
from momentum.market.universe import Universe
from momentum.model.decision import Plan, PlannedOrder, ScanInfo
from momentum.model.orders import Order, OrderRequest, Outcome
from momentum.model.strategy import CapLimits, Limits
from momentum.risk.book import MarketState
from momentum_plugins.paper.broker import PaperBroker
from momentum_plugins.paper.store import Store

LIMITS = Limits(
    max_positions=6,
    max_buys_per_scan=2,
    position_size=0.10,
    max_exposure=0.60,
    reduce_to=0.5,
    slots="at_plan",
    add_to_positions=False,
    max_price_age=timedelta(minutes=15),
    max_order=None,
    caps={cap: CapLimits(2, 2) for cap in ("large", "mid", "small")},
)
BARS = tuple(
    daily_bar(symbol, number, 100, 104, 98, 102) for symbol in ("AAA", "BBB", "CCC") for number in range(4)
)
"""Three symbols that open at 100, reach 104 and 98, and close at 102, every session."""


class Moody:
    """A broker at a distance that passes everything on to a real one, except what a test replaces by name."""

    knows_at_once = False

    def __init__(self, broker: PaperBroker, **moods: Callable[..., Any]) -> None:
        self._broker = broker
        self.moods = moods
        self.sent: list[OrderRequest] = []

    def __getattr__(self, name: str) -> Any:
        if name in self.moods:
            return lambda *arguments, **keywords: self.moods[name](self._broker, *arguments, **keywords)
        return getattr(self._broker, name)

    def submit(self, request: OrderRequest) -> Outcome:
        self.sent.append(request)
        answer = self.moods.get("submit")
        outcome: Outcome = answer(self._broker, request) if answer else self._broker.submit(request)
        return outcome


def at_work(
    directory: Path, *, number: int = 0, bars: Any = BARS, cash: float = 100_000, **moods: Any
) -> Trading:
    """An account at the close of a session, in the middle of a scan; nobody waits on the wall clock."""
    (directory / "data").mkdir(exist_ok=True)
    market = FakeMarket(bars)
    paper = PaperBroker(
        Store(directory / "data" / "paper.db"),
        market,
        cash=cash,
        costs=Costs(0.0),
        series=lambda: uuid4().hex[:6],
    )
    paper.advance(closes(number))
    ledger = open_ledger(f"sqlite:///{directory / 'data' / 'ledger.db'}")
    info = ScanInfo("", "test", day(number), "close", "all", closes(number), dry_run=False, max_buys=2)
    scan = ledger.begin_scan(info, paper.account_id, closes(number))
    return Trading(
        broker=Moody(paper, **moods),  # type: ignore[arg-type]
        ledger=ledger,
        prices=market,
        universe=Universe.everything(),
        sessions=market.sessions(),
        limits=LIMITS,
        stops=StopPolicy(trail=0.05, attempts=3, retry_delay=timedelta(seconds=1)),
        halted=lambda: halted(directory),
        name="test",
        strategy="test",
        session=day(number),
        slot="close",
        scan_id=scan.id,
        now=closes(number),
        sleep=Sleep(),
        patience=Patience(),
    )


class Sleep:
    """Waits in no time, and remembers how long it was asked to."""

    def __init__(self) -> None:
        self.slept = 0.0

    def __call__(self, seconds: float) -> None:
        self.slept += seconds


def later(trading: Trading, number: int) -> Trading:
    """The same account in a scan of a later session."""
    return replace(trading, session=day(number), now=closes(number))


def order(side: str, symbol: str = "AAA", qty: int = 50, **more: Any) -> PlannedOrder:
    """A planned order at the price of the close."""
    return PlannedOrder(symbol, side, qty, qty, 102.0, "unclassified", more.pop("reason", "a test"), **more)  # type: ignore[arg-type]


def desk(trading: Trading, *orders: PlannedOrder, halt: str | None = None) -> TradingDesk:
    """A desk whose plan is these orders."""
    symbols = sorted({one.symbol for one in orders})
    market = MarketState(trading.now, True, trading.prices.quotes(symbols, trading.now), halt=halt)
    closes_, buys = ([one for one in orders if one.side == side] for side in ("sell", "buy"))
    return TradingDesk(trading, Plan(tuple(closes_), tuple(buys)), market)


def bought(trading: Trading, symbol: str = "AAA", qty: int = 50) -> None:
    """Buy a position, without a stop yet, as a command does that dies right after its buy."""
    request, _ = send(trading, OrderRequest("", symbol, "buy", "market", qty), "buy", "a test")
    bought = follow(trading, request.client_id)
    assert bought is not None and bought.filled_qty == qty


def open_stops(trading: Trading) -> list[Order]:
    """The open stops at the broker."""
    return [one for one in trading.broker.orders() if one.is_stop]


def held(trading: Trading) -> dict[str, int]:
    """Shares by symbol, as the broker has them."""
    return {position.symbol: position.qty for position in portfolio(trading).positions}

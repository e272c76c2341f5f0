"""Running a backtest: the settings, the market and the span in, a Result out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from momentum.backtest.loop import Backtest, Ran
from momentum.backtest.replay import SimulatedClock, Unwatched, open_replay, replay
from momentum.backtest.result import Day, Result
from momentum.backtest.survivorship import survivorship
from momentum.backtest.tape import Tape, record
from momentum.backtest.warmup import unsettled_note
from momentum.errors import DataError, UsageError
from momentum.execution.corporate import DELISTED
from momentum.ledger.rows import Trade
from momentum.market.universe import Universe
from momentum.model.market import Session, Sessions
from momentum.model.portfolio import Portfolio
from momentum.ports import MarketData, Progress
from momentum.rules.program import compile_program
from momentum.settings.load import Settings


def backtest(
    settings: Settings,
    data: MarketData,
    universe: Universe,
    *,
    start: date | None = None,
    end: date | None = None,
    cap: str = "all",
    progress: Progress | None = None,
) -> Result:
    """Run the strategy of the settings over the sessions from `start` to `end`.

    What lies before `start` only warms up its features. Daily bars are evaluated once, for all sessions; on
    minutes every scan of the schedule is made at its minute, as in a replay, whose ledger is not kept. Raises
    `UsageError` for a span without a session, `DataError` where the data has none at all.
    """
    sessions = chosen_sessions(data, start, end)
    tape = tape_of(settings, data, universe, sessions, cap)
    if data.timeframe == "day":
        return result_of(settings, data, universe, tape, Backtest(settings, universe, tape).run(progress))
    with TemporaryDirectory(prefix="momentum-") as place:
        return result_of(
            settings, data, universe, tape, _replayed(settings, data, sessions, Path(place), progress)
        )


def tape_of(
    settings: Settings, data: MarketData, universe: Universe, sessions: Sessions, cap: str = "all"
) -> Tape:
    """The market with all that the strategy of the settings makes of it."""
    program = compile_program(settings.strategy, settings.host, settings.limits)
    return record(data, universe, program, settings.limits, sessions, cap=cap)


def _replayed(
    settings: Settings, data: MarketData, sessions: Sessions, place: Path, progress: Progress | None
) -> Ran:
    clock = SimulatedClock()
    with closing(open_replay(settings, data, place / "replay", clock)) as context:
        return replay(context, clock, sessions, Unwatched(), progress)


def result_of(settings: Settings, data: MarketData, universe: Universe, tape: Tape, ran: Ran) -> Result:
    """What a run found, beside the market that it was on."""
    sessions = tape.sessions
    name, index = tape.benchmark()
    trades = tuple(_with_excursions(trade, tape, sessions.days[-1]) for trade in ran.trades)
    return Result(
        strategy=settings.strategy.name,
        description=settings.strategy.description,
        days=_days(ran, sessions.days, index),
        trades=trades,
        orders=ran.orders,
        sectors={trade.symbol: universe.sector_of(trade.symbol) for trade in trades},
        benchmark_name=name,
        settings={
            key: {"value": value, "origin": settings.origins.get(key)}
            for key, value in settings.values.items()
        },
        data=data.title,
        data_hash=_hash(tape),
        notes=(*data.notes(), *tape.failures, *_delisted(trades), *_warnings(data, tape)),
    )


def chosen_sessions(data: MarketData, start: date | None, end: date | None) -> Sessions:
    """The sessions of a span. Raises `UsageError` where it has none, and says what the data covers."""
    days = data.sessions().days
    if not days:
        raise DataError(
            f"{data.source}: the data holds no session at all; choose other data with --data PATH"
        )
    chosen = tuple(s for s in days if (start is None or s.day >= start) and (end is None or s.day <= end))
    if not chosen:
        span = f"{start or 'the beginning'} to {end or 'the end'}"
        raise UsageError(f"no session from {span}: the data covers {days[0].day} to {days[-1].day}")
    return Sessions(chosen)


def _delisted(trades: Sequence[Trade]) -> tuple[str, ...]:
    ended = [f"{trade.symbol} ({trade.exit_date})" for trade in trades if trade.exit_reason == DELISTED]
    if not ended:
        return ()
    return (f"closed at the last price because the symbol has no more bars: {', '.join(ended)}",)


def _warnings(data: MarketData, tape: Tape) -> tuple[str, ...]:
    """Why the result may be too good, or begin on shaky numbers."""
    first = tape.sessions.days[0].day
    before = sum(session.day < first for session in data.sessions().days)
    found = survivorship(tape.last_bars(), tape.sessions), unsettled_note(tape.features, before)
    return tuple(note for note in found if note is not None)


def _days(ran: Ran, sessions: Sequence[Session], index: Mapping[date, float]) -> tuple[Day, ...]:
    return tuple(
        _day(session.day, view, index.get(session.day))
        for session, view in zip(sessions, ran.closes, strict=True)
    )


def _day(day: date, view: Portfolio, benchmark: float | None) -> Day:
    return Day(day, view.equity, view.cash, view.equity - view.cash, len(view.positions), benchmark)


def _with_excursions(trade: Trade, tape: Tape, last: Session) -> Trade:
    """A trade with the largest moves for and against it: of the bars from its entry up to its exit."""
    until = trade.exit_date or last.day
    if trade.closed_at is not None and (sold := tape.sessions.of(until)) and trade.closed_at == sold.opens:
        until -= timedelta(days=1)  # sold at the open: that session's bar came after it
    seen = tape.excursions(trade.symbol, trade.entry_date, until)
    if seen is None:
        return trade
    high, low = seen
    return replace(
        trade,
        max_gain=max(0.0, high / trade.entry_price - 1),
        max_drawdown=min(0.0, low / trade.entry_price - 1),
    )


def _hash(tape: Tape) -> str:
    """A digest of the bars that were used: the same bars, the same digest."""
    bars = tape.bars_used()
    digest = sha256("\n".join(bars["symbol"].rle().struct.field("value")).encode())
    for column in bars.drop("symbol").iter_columns():
        digest.update(column.to_physical().to_numpy().tobytes())
    return digest.hexdigest()[:16]

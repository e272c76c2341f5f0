"""The whole market of a backtest, evaluated once: each session's bars, candidates and verdicts are slices of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import polars as pl

from momentum.execution.matching import Bar
from momentum.market.context import context_of, of_spy, with_vix
from momentum.market.panel import SPY
from momentum.market.screen import OFFERED, candidate_of, earned, judged, with_features
from momentum.market.universe import Universe
from momentum.model.market import Candidate, MarketContext, Quote, Reading, Session, Sessions
from momentum.model.portfolio import Position
from momentum.model.strategy import Limits
from momentum.ports import MarketData
from momentum.rules.columns import BAR, CONTEXT, POSITION, thresholds
from momentum.rules.features import finite
from momentum.rules.program import Condition, Program
from momentum.rules.rank import ranked

_PRICES = ("open", "high", "low", "close")


@dataclass(frozen=True, slots=True)
class Verdicts:
    """The conditions on a held position: those that the row alone decides, and those that need the position."""

    of_row: tuple[tuple[str, Condition], ...]
    of_position: tuple[tuple[str, Condition], ...]


class Tape:
    """A market's daily bars with all that a strategy makes of them. Nothing of a session is told before it is over
    but its opens.

    `phase` moves it: to the open of a session, then to its close; quotes are those of that moment.
    """

    def __init__(
        self,
        frame: pl.DataFrame,
        program: Program,
        sessions: Sessions,
        contexts: Mapping[date, MarketContext],
        candidates: Mapping[date, tuple[Candidate, ...]],
    ) -> None:
        self.sessions = sessions
        self._frame = frame
        self._program = program
        self._contexts = contexts
        self._candidates = candidates
        self._verdicts = _split(program)
        self._prices = {name: frame[name].to_numpy() for name in (*_PRICES, "volume")}
        self._days = frame["ts"].to_physical().to_numpy()
        runs = frame["symbol"].rle().struct.unnest()
        ends = runs["len"].cum_sum()
        self._places = dict(zip(runs["value"], zip(ends - runs["len"], ends, strict=True), strict=True))
        self._numbers = {session.day: _number(session.day) for session in sessions.days}
        self._session = sessions.days[0]
        self._is_open = True
        self._known: dict[str, Quote | None] = {}

    @property
    def failures(self) -> tuple[str, ...]:
        """Signals of plugins that could not be used."""
        return self._program.failures

    def bars_used(self) -> pl.DataFrame:
        """The bars that everything here is made of."""
        return self._frame.select("symbol", "ts", *_PRICES, "volume")

    @property
    def features(self) -> Sequence[tuple[str, pl.Expr]]:
        """The features of the strategy."""
        return self._program.features

    def evaluated(self) -> pl.DataFrame:
        """Every bar with all that the strategy makes of it: features, columns, verdicts and points.

        Sorted by symbol and ts. Verdicts stand under `filter:KEY`, `exit:KEY` and `close_when:KEY`, points under
        `score:KEY` and `reversal:KEY`; those that need the position are not there.
        """
        return self._frame

    def last_bars(self) -> Mapping[str, date]:
        """The session of each symbol's last bar."""
        return {symbol: _day(int(self._days[end - 1])) for symbol, (_, end) in self._places.items()}

    def excursions(self, symbol: str, first: date, last: date) -> tuple[float, float] | None:
        """The highest high and the lowest low of a symbol's bars from one session up to another."""
        place = self._places.get(symbol)
        if place is None:
            return None
        days = self._days[place[0] : place[1]]
        start, end = np.searchsorted(days, [_number(first), _number(last) + 1]) + place[0]
        if start >= end:
            return None
        return float(self._prices["high"][start:end].max()), float(self._prices["low"][start:end].min())

    def ended(self, symbols: Iterable[str]) -> frozenset[str]:
        """Those of the symbols that have no bar after this session, though the market goes on."""
        number = self._numbers[self._session.day]
        if self._session == self.sessions.days[-1]:
            return frozenset()
        return frozenset(s for s in symbols if self._days[self._places[s][1] - 1] <= number)

    def benchmark(self) -> tuple[str, Mapping[date, float]]:
        """The market to compare with: SPY's closes where every session has one, else all symbols weighted alike."""
        spy = {day: c.spy_price for day, c in self._contexts.items() if c.spy_price is not None}
        if len(spy) == len(self._contexts):
            return SPY, spy
        change = pl.col("close") / pl.col("close").shift(1).over("symbol") - 1
        means = (
            self._frame.lazy()
            .select("ts", change=change)
            .filter(pl.col("change").is_finite())
            .group_by("ts")
            .agg(pl.col("change").mean())
            .collect()
        )
        by_day = dict(means.iter_rows())
        value, index = 1.0, {}
        for day in self._contexts:
            value *= 1 + by_day.get(day, 0.0)
            index[day] = value
        return "equal-weight market", index

    def at_open(self, session: Session) -> None:
        """Go to the open of a session: its opens are known, and what was before."""
        self._session, self._is_open = session, True
        self._known.clear()

    def at_close(self, session: Session) -> None:
        """Go to the close of a session: its bars are known."""
        self._session, self._is_open = session, False
        self._known.clear()

    def quotes(self, symbols: Sequence[str], at: datetime) -> Mapping[str, Quote]:
        """The open of the session for what trades in it, at its open; else the last close."""
        known = self._known
        for symbol in symbols:
            if symbol not in known:
                known[symbol] = self._quote(symbol)
        return {symbol: quote for symbol in symbols if (quote := known[symbol]) is not None}

    def bars(self, symbols: Iterable[str]) -> list[Bar]:
        """The session's bars of these symbols, in their order."""
        session = self._session
        found = []
        for symbol in symbols:
            row = self._row(symbol)
            if row is not None:
                prices = (float(self._prices[name][row]) for name in (*_PRICES, "volume"))
                found.append(Bar(symbol, session.opens, session.closes, *prices))
        return found

    def candidates(self) -> tuple[Candidate, ...]:
        """The session's candidates, best first."""
        return self._candidates.get(self._session.day, ())

    def market(self) -> MarketContext:
        """The market around the session's close."""
        return self._contexts.get(self._session.day, MarketContext())

    def readings(self, positions: Sequence[Position]) -> tuple[Reading, ...]:
        """The reversal signals and exits of each position that has a bar of the session."""
        rows = [(position, row) for position in positions if (row := self._row(position.symbol)) is not None]
        around = _context_values(self.market())
        found = []
        for position, row in rows:
            columns = self._frame.row(row, named=True) | around | _of_position(position)
            if self._verdicts.of_position:
                columns |= self._asked(columns)
            signals = tuple(s for s in earned(columns, "reversal", self._program.reversal) if s.points)
            wanted = {name: columns[name] for name in self._shown}
            found.append(Reading(position.symbol, sum(s.points for s in signals), signals, wanted))
        return tuple(found)

    @property
    def _shown(self) -> tuple[str, ...]:
        types = (name for name in self._program.types if name != "symbol")
        verdicts = (name for name, _ in (*self._verdicts.of_row, *self._verdicts.of_position))
        return (*POSITION, *types, *verdicts)

    def _asked(self, columns: Mapping[str, object]) -> Mapping[str, object]:
        """The verdicts of the conditions that need the position."""
        names = (*POSITION, *self._program.types)
        schema = {**self._program.types, **POSITION}
        row = pl.DataFrame([{name: columns[name] for name in names}], schema={n: schema[n] for n in names})
        return row.select(
            _verdict(kind, condition).alias(name)
            for name, condition in self._verdicts.of_position
            for kind in [name.partition(":")[0]]
        ).row(0, named=True)

    def _row(self, symbol: str) -> int | None:
        """The row of a symbol's bar of the session."""
        place = self._places.get(symbol)
        if place is None:
            return None
        number = self._numbers[self._session.day]
        row = int(np.searchsorted(self._days[place[0] : place[1]], number)) + place[0]
        return row if row < place[1] and self._days[row] == number else None

    def _quote(self, symbol: str) -> Quote | None:
        row = self._row(symbol)
        if row is not None:
            if self._is_open:
                return Quote(symbol, float(self._prices["open"][row]), self._session.opens)
            return Quote(symbol, float(self._prices["close"][row]), self._session.closes)
        place = self._places.get(symbol)
        if place is None:
            return None
        number = self._numbers[self._session.day]
        before = int(np.searchsorted(self._days[place[0] : place[1]], number)) + place[0] - 1
        if before < place[0]:
            return None
        last = self.sessions.of(_day(int(self._days[before])))
        return Quote(symbol, float(self._prices["close"][before]), last.closes) if last else None


def _number(day: date) -> int:
    return (day - date(1970, 1, 1)).days


def _day(number: int) -> date:
    return date.fromordinal(number + date(1970, 1, 1).toordinal())


def _of_position(position: Position) -> dict[str, object]:
    return {
        "position.pnl": position.pnl_fraction,
        "position.days": float(position.days),
        "position.peak": position.peak,
        "position.entry_price": position.entry_price,
        "position.qty": float(position.qty),
    }


def on_positions(program: Program) -> list[tuple[str, Condition]]:
    """The conditions on a held position, by the name of their column."""
    return [
        *((f"reversal:{point.key}", point) for point in program.reversal),
        *((f"exit:{rule.key}", rule) for rule in program.exits),
        *((f"close_when:{rule.key}", rule) for rule in program.close_when),
    ]


def _split(program: Program) -> Verdicts:
    named = on_positions(program)
    needs = {name: bool(POSITION.keys() & set(c.expression.meta.root_names())) for name, c in named}
    return Verdicts(
        tuple(item for item in named if not needs[item[0]]), tuple(item for item in named if needs[item[0]])
    )


def _verdict(kind: str, condition: Condition) -> pl.Expr:
    if kind == "reversal":
        return pl.when(condition.expression.fill_null(False)).then(condition.points).otherwise(0.0)
    return condition.expression


def record(
    data: MarketData,
    universe: Universe,
    program: Program,
    limits: Limits,
    sessions: Sessions,
    *,
    cap: str = "all",
    offered: int = OFFERED,
) -> Tape:
    """Evaluate a strategy on every daily bar up to the last of `sessions`, which are those that are gone through.

    `offered` is how many candidates of a session a decider is shown, the best ranked ones.
    """
    members = _members(universe, cap)
    wanted = None if members is None else sorted({*members, SPY})
    last = sessions.days[-1]
    bars = data.daily(wanted, last.closes, len(data.sessions().days)).lazy()
    bars = bars.with_columns(day_fraction=1.0).with_columns(finite(name, kind) for name, kind in BAR.items())
    contexts = _contexts(bars, data, sessions)
    rows = with_features(bars, program).with_columns(price=pl.col("close"))
    rows = _with_thresholds(rows, universe, limits, members)
    used = _context_used(program)
    if used:
        rows = rows.join(_context_frame(contexts, used).lazy(), on="ts", how="left", maintain_order="left")
    verdicts = _split(program).of_row
    rows = judged(rows, program).with_columns(
        _verdict(name.partition(":")[0], condition).alias(name) for name, condition in verdicts
    )
    frame = rows.collect()
    candidates = _candidates(frame, program, offered, contexts)
    return Tape(frame, program, sessions, contexts, candidates)


def _members(universe: Universe, cap: str) -> tuple[str, ...] | None:
    """The symbols of the scan; None where they are all that the data holds."""
    if universe.symbols is None:
        return None
    return tuple(s for s in universe.symbols if cap in ("all", universe.cap_of(s)))


def _contexts(bars: pl.LazyFrame, source: MarketData, sessions: Sessions) -> Mapping[date, MarketContext]:
    rows = of_spy(bars.filter(pl.col("symbol") == SPY)).collect().to_dicts()
    by_day = {row["ts"]: row for row in rows}
    found = {}
    for session in sessions.days:
        index = source.vix(session.closes)
        row = by_day.get(session.day)
        found[session.day] = context_of(row, index) if row else with_vix(MarketContext(), index)
    return found


def _with_thresholds(
    rows: pl.LazyFrame, universe: Universe, limits: Limits, members: Sequence[str] | None
) -> pl.LazyFrame:
    names = thresholds(limits)
    if members is None:
        known = limits.for_cap("unclassified").thresholds
        return rows.with_columns(
            cap=pl.lit("unclassified"),
            member=pl.lit(True),
            **{name: pl.lit(known.get(name), dtype=pl.Float64) for name in names},
        )
    caps = [universe.cap_of(symbol) for symbol in members]
    table = pl.DataFrame(
        {"symbol": members, "cap": caps, "member": [True] * len(members)}
        | {name: [limits.for_cap(cap).thresholds.get(name) for cap in caps] for name in names},
        schema_overrides=dict.fromkeys(names, pl.Float64),
    )
    return rows.join(table.lazy(), on="symbol", how="left", maintain_order="left")


def _context_used(program: Program) -> tuple[str, ...]:
    conditions = (*program.filters, *program.score, *program.reversal, *program.exits, *program.close_when)
    expressions = [c.expression for c in conditions] + [expression for _, expression in program.columns]
    if program.buy_when is not None:
        expressions.append(program.buy_when.expression)
    named = {name for expression in expressions for name in expression.meta.root_names()}
    return tuple(name for name in CONTEXT if name in named)


def _context_frame(contexts: Mapping[date, MarketContext], names: Sequence[str]) -> pl.DataFrame:
    return pl.DataFrame(
        {"ts": list(contexts)}
        | {name: [getattr(context, name) for context in contexts.values()] for name in names},
        schema_overrides={name: CONTEXT[name] for name in names},
    )


def _context_values(context: MarketContext) -> dict[str, object]:
    return {name: getattr(context, name) for name in CONTEXT}


def _candidates(
    frame: pl.DataFrame, program: Program, offered: int, contexts: Mapping[date, MarketContext]
) -> Mapping[date, tuple[Candidate, ...]]:
    verdicts = [pl.col(f"filter:{rule.key}").fill_null(False) for rule in program.filters]
    first, last = min(contexts), max(contexts)
    passed = frame.filter(pl.col("member").fill_null(False), pl.col("ts").is_between(first, last), *verdicts)
    best = ranked(passed, program.rank).group_by("ts", maintain_order=True).head(offered)
    found: dict[date, list[Candidate]] = {}
    for row in best.iter_rows(named=True):
        of_day = found.setdefault(row["ts"], [])
        around = _context_values(contexts[row["ts"]])
        of_day.append(candidate_of(row | around, len(of_day) + 1, program))
    return {day: tuple(of_day) for day, of_day in found.items()}

"""The sample market as market data: two years of sessions up to the clock's, every minute of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import groupby

import numpy as np
import polars as pl

from momentum.errors import DataError
from momentum.market.calendar import EXCHANGE, exchange_sessions
from momentum.market.panel import SPY
from momentum.market.universe import load_universe
from momentum.model.market import Quote, Session, Sessions
from momentum.ports import Clock, Timeframe, Workspace
from momentum.settings.template import template_directory
from momentum_plugins.sample import DEFAULT_SEED, DEFAULT_YEARS, cache
from momentum_plugins.sample.daily import EPOCH, daily_bars
from momentum_plugins.sample.minutes import DayBars, Minutes, minutes_of
from momentum_plugins.sample.traits import Traits, traits_of

_MINUTE = timedelta(minutes=1)
_LONGEST_CLOSING = timedelta(days=14)
_BAR = ("open", "high", "low", "close", "volume")
_MOMENT = pl.Datetime("us", "UTC")
_OPENS = {"ts": pl.Date(), "opens": _MOMENT}
_BATCH = 2_000
"""Days of minutes that are made at once: enough to be quick, few enough for a small machine's memory."""


@dataclass(frozen=True, slots=True)
class _Loaded:
    """What has been made: the sessions up to the clock's, and the whole daily bars of all symbols.

    The last session's bar is whole here even while that session runs; only its minutes so far are given out.
    """

    sessions: Sessions
    bars: pl.DataFrame
    until: datetime
    """The opening of the next session."""


class SampleMarket:
    """A synthetic market (see `momentum.ports.MarketData`); the same seed is the same market."""

    synthetic = True
    timeframe: Timeframe = "minute"
    resolution = _MINUTE

    def __init__(self, seed: int, years: int, symbols: Iterable[str], clock: Clock) -> None:
        """`symbols` join those of the universe that is shipped, and SPY. Raises `DataError` before its first day."""
        self.source = f"sample:{seed}"
        self.title = f"sample (synthetic market, seed {seed})"
        self._seed = seed
        self._years = years
        self._clock = clock
        shipped = load_universe(template_directory() / "data" / "universe.json")
        self._traits: Traits = traits_of(seed, [*shipped.caps, *symbols, SPY], shipped)
        self._shared = dict(zip(self._traits.symbols, self._traits.shared, strict=True))
        self._made: _Loaded | None = None
        self._load()

    def symbols(self) -> tuple[str, ...]:
        """Every symbol of the market, sorted."""
        return self._traits.symbols

    def sessions(self) -> Sessions:
        """The sessions of the last years up to the one that opened last."""
        return self._load().sessions

    def daily(self, symbols: Sequence[str] | None, at: datetime, sessions: int) -> pl.DataFrame:
        """The last `sessions` daily bars up to `at`; where a session is open, its last row is made of the
        minutes that are over."""
        loaded, at = self._load(), self._known(at)
        held = self._held(symbols)
        days = [session for session in loaded.sessions.days if session.opens + _MINUTE <= at][-sessions:]
        if not days or sessions < 1:
            return loaded.bars.clear()
        bars = _rows(loaded, held, days)
        if days[-1].closes <= at:
            return bars
        today = pl.col("ts") == days[-1].day
        running = self._so_far(bars.filter(today), days[-1], at)
        return pl.concat([bars.filter(~today), running]).sort("symbol", "ts")

    def bars(self, symbols: Sequence[str], after: datetime, until: datetime) -> pl.DataFrame:
        """The minutes that end later than `after`, up to and with `until`."""
        loaded, after, until = self._load(), after.astimezone(UTC), self._known(until)
        held = self._held(symbols)
        parts = [_no_minutes()]
        for count, days in _by_length(
            s for s in loaded.sessions.days if s.closes > after and s.opens < until
        ):
            opens = pl.DataFrame(
                {"ts": [s.day for s in days], "opens": [s.opens for s in days]}, schema=_OPENS
            )
            rows = _rows(loaded, held, days).join(opens, on="ts", maintain_order="left")
            for batch in rows.iter_slices(_BATCH):
                minutes = self._minute_bars(batch, count)
                parts.append(minutes.filter(pl.col("ends") > after, pl.col("ends") <= until))
        return pl.concat(parts).sort("symbol", "ts")

    def quotes(self, symbols: Sequence[str], at: datetime) -> Mapping[str, Quote]:
        """The close of each symbol's last minute that is over at `at`."""
        session = self._load().sessions.last_opened(self._known(at) - _MINUTE)
        if session is None:
            return {}
        known = min(self._known(at), session.closes)
        minute = session.opens + (known - session.opens) // _MINUTE * _MINUTE
        last = self.daily(symbols, known, 1)
        return {
            symbol: Quote(symbol, close, minute)
            for symbol, close in last.select("symbol", "close").iter_rows()
        }

    def vix(self, at: datetime) -> float | None:
        """None: the sample market has no options."""
        return None

    def notes(self) -> tuple[str, ...]:
        """That none of it is real."""
        return (f"a synthetic market (seed {self._seed}) under real names: no price in it was ever traded",)

    def _known(self, at: datetime) -> datetime:
        """In UTC, and no later than the clock: what the market has not yet lived through is not given out."""
        return min(at, self._clock.now()).astimezone(UTC)

    def _held(self, symbols: Sequence[str] | None) -> list[str]:
        return list(self.symbols()) if symbols is None else sorted(set(symbols) & self._shared.keys())

    def _load(self) -> _Loaded:
        """The market up to the clock's session; made again only when another session has opened."""
        now = self._clock.now()
        if self._made is None or not self._made.sessions.days[-1].opens <= now < self._made.until:
            self._made = self._make(now)
        return self._made

    def _make(self, now: datetime) -> _Loaded:
        today = now.astimezone(EXCHANGE).date()
        calendar = exchange_sessions(EPOCH, today + _LONGEST_CLOSING)
        last = calendar.last_opened(now)
        following = calendar.after(last.day) if last else None
        if last is None or following is None:
            raise DataError(f"the sample market begins on {EPOCH}, and it is {today}; choose a later moment")
        lived = [session for session in calendar.days if session.day <= last.day]
        first = _years_before(last.day, self._years)
        make = partial(daily_bars, self._seed, self._traits, lived, first)
        bars = cache.kept(self._seed, self._traits, first, last.day, make)
        sessions = Sessions(tuple(session for session in lived if session.day >= first))
        return _Loaded(sessions, bars, following.opens)

    def _so_far(self, whole: pl.DataFrame, session: Session, at: datetime) -> pl.DataFrame:
        """Bars of a session that runs, from its whole ones, made of the minutes that are over (one at least)."""
        over = self._minutes(whole, _length(session)).first((at - session.opens) // _MINUTE)
        return whole.with_columns(
            **{name: pl.Series(total) for name, total in zip(_BAR, over.total(), strict=True)}
        )

    def _minutes(self, rows: pl.DataFrame, count: int) -> Minutes:
        """All minutes of daily bars whose sessions have `count` of them."""
        names = rows["symbol"].to_list()
        shared = np.array([self._shared[name] for name in names])
        numbers = (rows[name].to_numpy() for name in _BAR)
        return minutes_of(self._seed, DayBars(names, rows["ts"].to_list(), shared, *numbers), count)

    def _minute_bars(self, rows: pl.DataFrame, count: int) -> pl.DataFrame:
        """The same in long form; `rows` has the sessions' openings as `opens`."""
        minutes = self._minutes(rows, count)
        places = pl.int_range(count, eager=True).alias("minute")
        starts = pl.col("opens") + pl.col("minute") * _MINUTE
        frame = rows.select("symbol", "opens").join(
            places.to_frame(), how="cross", maintain_order="left_right"
        )
        numbers = {name: pl.Series(getattr(minutes, name).reshape(-1)) for name in _BAR}
        return frame.select("symbol", ts=starts, ends=starts + _MINUTE).with_columns(**numbers)


def open_market(workspace: Workspace) -> SampleMarket:
    """The sample market of a workspace: its section says which, its universe what besides, its clock how far."""
    section = workspace.section("sample")
    seed = int(str(section.get("seed", DEFAULT_SEED)))
    years = int(str(section.get("years", DEFAULT_YEARS)))
    return SampleMarket(seed, years, workspace.symbols or (), workspace.clock)


def _rows(loaded: _Loaded, symbols: Sequence[str], sessions: Sequence[Session]) -> pl.DataFrame:
    """Whole daily bars of some symbols and sessions."""
    days = [session.day for session in sessions]
    return loaded.bars.filter(pl.col("symbol").is_in(symbols), pl.col("ts").is_in(days))


def _no_minutes() -> pl.DataFrame:
    return pl.DataFrame(
        schema={"symbol": pl.String, "ts": _MOMENT, "ends": _MOMENT, **dict.fromkeys(_BAR, pl.Float64)}
    )


def _length(session: Session) -> int:
    """Minutes of a session."""
    return (session.closes - session.opens) // _MINUTE


def _by_length(sessions: Iterable[Session]) -> Iterable[tuple[int, list[Session]]]:
    """Sessions grouped by their minutes: half days apart from whole ones."""
    return ((count, list(group)) for count, group in groupby(sorted(sessions, key=_length), key=_length))


def _years_before(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year - years)
    except ValueError:  # 29 February
        return day.replace(year=day.year - years, day=28)

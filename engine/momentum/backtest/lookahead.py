"""Does a backtest see the future? Later bars are taken away, and names and dates; what came before must stay.

A backtest evaluates the whole market at once, so that a feature could use bars that nobody knew yet. Here the same
is evaluated with the bars up to a session only, for sessions spread over the span, and held against the whole. A
second look is at the same market under other names and dates: what a plugin reads elsewhere, a file of bars say, cannot
be cut off, but it is found no more. The account is compared too: a decider could remember what no column shows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from momentum.backtest.decisions import Difference, first_difference, is_bundled, who_may
from momentum.backtest.disguise import (
    LATER,
    Disguised,
    other_limits,
    other_session,
    other_universe,
)
from momentum.backtest.loop import Backtest, Ran
from momentum.backtest.nudge import looked_up
from momentum.backtest.parts import Part, culprits, parts_of, resting_on
from momentum.backtest.run import chosen_sessions
from momentum.backtest.tape import Tape, record
from momentum.market.lookahead import changed, computed, cuts
from momentum.market.universe import Universe
from momentum.model.market import Sessions
from momentum.ports import MarketData, Progress
from momentum.rules.columns import BAR
from momentum.rules.features import BROKEN, finite, why_broken
from momentum.rules.language import RuleError
from momentum.rules.program import Program, compile_program
from momentum.settings.load import Settings

CUTS = 8
"""After how many sessions the bars are cut off."""
COMPARED = 5
"""So many sessions before each cut are compared, of every symbol."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look for look-ahead came to. `findings` are what changes; `notes` what cannot be judged.

    The rest says what was looked at: features, rules (with columns, points and signals), symbols, and the sessions
    after which later bars were taken away.
    """

    strategy: str
    findings: tuple[str, ...]
    notes: tuple[str, ...]
    features: int
    rules: int
    symbols: int
    compared: int
    cut_after: tuple[date, ...]


def look_for_lookahead(
    settings: Settings,
    data: MarketData,
    universe: Universe,
    *,
    start: date | None = None,
    end: date | None = None,
    cap: str = "all",
    progress: Progress | None = None,
) -> Looked:
    """Look for parts of a strategy whose past values, and for deciders whose past decisions, later bars change.

    Raises as `backtest` does.
    """
    sessions = chosen_sessions(data, start, end)
    program = compile_program(settings.strategy, settings.host, settings.limits)
    look = _Look(_without_delistings(settings), data, universe, program, sessions, cap)
    return look.report(progress)


@dataclass(frozen=True, slots=True)
class _Seen:
    """One evaluation: the compared bars with all that was made of them, and what became of the account."""

    frame: pl.DataFrame
    ran: Ran


class _Look:
    def __init__(
        self,
        settings: Settings,
        data: MarketData,
        universe: Universe,
        program: Program,
        sessions: Sessions,
        cap: str,
    ) -> None:
        self.settings = settings
        self.data = data
        self.universe = universe
        self.program = program
        self.sessions = sessions
        self.cap = cap
        self.parts = parts_of(settings, program)
        self.days = [session.day for session in sessions.days]
        self.cuts = cuts(self.days, CUTS)
        self.told: dict[str, str] = {}
        self.notes: list[str] = []

    def report(self, progress: Progress | None) -> Looked:
        count = len(self.cuts) + 2
        whole = self._whole()
        steps: list[Callable[[], None]] = [
            *(lambda last=last: self._cut(whole, last) for last in self.cuts),
            lambda: self._disguised(whole),
        ]
        for number, step in enumerate(steps, 2):
            if progress is not None:
                progress("evaluations", number, count)
            step()
        program = self.program
        conditions = (program.filters, program.score, program.reversal, program.exits, program.close_when)
        return Looked(
            strategy=self.settings.strategy.name,
            findings=(*program.failures, *self.told.values()),
            notes=tuple(self.notes),
            features=len(program.features),
            rules=len(program.columns) + sum(map(len, conditions)) + (program.buy_when is not None),
            symbols=whole.frame["symbol"].n_unique(),
            compared=whole.frame.height,
            cut_after=tuple(self.cuts),
        )

    def _whole(self) -> _Seen:
        """All of it, run twice: who decides differently each time cannot be judged by what changes."""
        tape = self._tape(self.sessions)
        seen = self._seen(tape, self.cuts)
        again = Backtest(self.settings, self.universe, tape).run()
        if difference := first_difference(seen.ran, again):
            who = who_may(self.settings.host, difference)
            self._tell(
                "decider", f"{who} decides differently each time it is asked ({self._when(difference)})"
            )
        return seen

    def _tape(self, sessions: Sessions) -> Tape:
        limits = self.settings.limits
        return record(self.data, self.universe, self.program, limits, sessions, cap=self.cap)

    def _seen(self, tape: Tape, ends: Sequence[date]) -> _Seen:
        """Run the strategy on a tape, and keep of the bars those of the sessions before these ends."""
        wanted = {day for end in ends for day in self._before(end)}
        frame = tape.evaluated().filter(pl.col("ts").is_in(sorted(wanted)))
        return _Seen(frame, Backtest(self.settings, self.universe, tape).run())

    def _before(self, end: date) -> list[date]:
        place = self.days.index(end)
        return self.days[max(0, place + 1 - COMPARED) : place + 1]

    def _cut(self, whole: _Seen, last: date) -> None:
        """Evaluate without the bars after a session, and compare."""
        place = self.days.index(last)
        sessions = Sessions(self.sessions.days[: place + 1])
        try:
            tape = self._tape(sessions)
        except BROKEN as error:
            self._tell("", f"{self._broken(sessions, error)}, once the bars after {last} are taken away")
            return
        part = self._seen(tape, [last])
        before = whole.frame.filter(pl.col("ts").is_in(self._before(last)))
        found = self._changes(before, part.frame)
        if found is None:
            self._tell(
                "bars", f"the data {self.data.source} has other bars before {last} once later ones come"
            )
            return
        for culprit, row in found:
            values = f"{_value(part.frame, culprit, row)} with the bars up to {last}"
            values += f", {_value(before, culprit, row)} with all"
            self._tell(
                culprit.column,
                f"{culprit.called} looks ahead: at {_place(before, row)} it is {values}{self._rest(culprit)}",
            )
        if not self.told:
            self._decisions(whole, part)

    def _decisions(self, whole: _Seen, part: _Seen) -> None:
        if difference := first_difference(whole.ran, part.ran):
            who = who_may(self.settings.host, difference)
            self._tell(
                "decider",
                f"decisions change when later bars come: {who} looks ahead ({self._when(difference)})",
            )

    def _disguised(self, whole: _Seen) -> None:
        """Evaluate under other names and dates, and compare; what looks ahead by itself is told already."""
        if self.told:
            return
        sessions = Sessions(tuple(map(other_session, self.sessions.days)))
        universe, limits = other_universe(self.universe), other_limits(self.settings.limits)
        try:
            tape = record(Disguised(self.data), universe, self.program, limits, sessions, cap=self.cap)
        except BROKEN as error:
            text = why_broken(error)
            self._tell("", f"a plugin cannot compute the same bars under other names and dates: {text}")
            return
        wanted = pl.col("ts").is_in(sorted({day + LATER for end in self.cuts for day in self._before(end)}))
        found = self._changes(whole.frame, tape.evaluated().filter(wanted), same_names=False) or []
        for culprit, row in found:
            self._goes_by_names(culprit, _place(whole.frame, row))
        self._look_up(tape, wanted)
        if found:
            return
        settings = replace(self.settings, limits=limits)
        difference = first_difference(whole.ran, Backtest(settings, universe, tape).run())
        if difference is not None:
            self._tell(
                "decider",
                f"{who_may(self.settings.host, difference)} decides by the symbols' names or the dates, so that what "
                f"it looks up may be from later: under others its decisions differ ({self._when(difference)})",
            )

    def _goes_by_names(self, culprit: Part, place: str) -> None:
        if culprit.from_plugin:
            self._tell(
                culprit.column,
                f"{culprit.called} goes by the symbol's name or the date, so that what it looks up may be from later: "
                f"under others it is another one, first at {place}{self._rest(culprit)}",
            )
        else:
            text = "names symbols: whether they were chosen by what came later cannot be known"
            self.notes.append(f"{culprit.called} {text}")

    def _look_up(self, tape: Tape, wanted: pl.Expr) -> None:
        """See whether a feature of somebody else's finds its bars by their exact prices."""
        host, origins = self.settings.host, self.program.origins
        foreign = [
            (name, expression)
            for name, expression in self.program.features
            if not is_bundled(host.plugins[origins[name]].implementation)
        ]
        try:
            found = looked_up(foreign, tape.evaluated(), wanted) if foreign else {}
        except RuleError as error:
            self._tell("", f"once every price is moved by a billionth, {error}")
            return
        called = {part.column: part for part in self.parts}
        for name, share in found.items():
            self._tell(
                name,
                f"{called[name].called} looks up prices elsewhere, which may be from later: once every price is moved "
                f"by a billionth, {share:.1%} of its values are others{self._rest(called[name])}",
            )

    def _changes(
        self, before: pl.DataFrame, after: pl.DataFrame, *, same_names: bool = True
    ) -> list[tuple[Part, int]] | None:
        """The culprits and the first row of each; None where the frames do not hold the same bars."""
        if before.height != after.height:
            return None
        if same_names and not before.select("symbol", "ts").equals(after.select("symbol", "ts")):
            return None
        names = [part.column for part in self.parts if part.column in before.columns]
        rows = changed(before, after, names)
        return [(part, rows[part.column]) for part in culprits(self.parts, rows)]

    def _rest(self, culprit: Part) -> str:
        resting = [part.column for part in resting_on(self.parts, culprit.column)]
        return f"; on it rest {', '.join(resting)}" if resting else ""

    def _broken(self, sessions: Sessions, error: BaseException) -> str:
        """What cannot be computed, named where it is a feature."""
        bars = self.data.daily(None, sessions.days[-1].closes, len(self.days))
        bars = bars.with_columns(day_fraction=1.0).with_columns(finite(n, kind) for n, kind in BAR.items())
        for name, expression in self.program.features:
            try:
                computed([(name, expression)], bars)
            except RuleError as broken:
                return f"{self.program.origin(name)}: {broken}"
        return why_broken(error)

    def _when(self, difference: Difference) -> str:
        return f"first at the close of {self.days[difference.place]}"

    def _tell(self, about: str, text: str) -> None:
        """Keep a finding; of one thing only the first is told."""
        self.told.setdefault(about, self.settings.host.hide(text))


def _without_delistings(settings: Settings) -> Settings:
    """The settings with positions kept when a symbol ends: whether it does, only later bars can tell."""
    assert settings.backtest is not None
    return replace(settings, backtest=replace(settings.backtest, close_delisted=False))


def _value(frame: pl.DataFrame, part: Part, row: int) -> str:
    value = frame[part.column][row]
    return f"{value:.6g}" if isinstance(value, float) else "unknown" if value is None else str(value)


def _place(frame: pl.DataFrame, row: int) -> str:
    return f"{frame['symbol'][row]} on {frame['ts'][row]}"

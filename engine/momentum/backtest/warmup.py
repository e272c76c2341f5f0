"""How many bars the features need before they settle, and whether the data has them before the first session.

Some features have no value before their window is full, and are exact from then on. Others, such as Wilder's
averages, have one early, and carry their beginning along for long after: until they settle, their values are other
ones than with a longer history.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from momentum.market.lookahead import trial_bars
from momentum.market.panel import HISTORY
from momentum.market.universe import Universe
from momentum.model.market import Sessions
from momentum.ports import MarketData
from momentum.rules.columns import BAR
from momentum.rules.features import feature_type, finite

TOLERANCE = 1e-6
"""A value is settled within this share of itself, or of the feature's usual size where that is larger."""
SYMBOLS = 3
"""So many of the symbols with the longest histories are tried."""
_LONGEST = 2 * HISTORY
_ENDS = (0, 7, 19)
"""So many bars before the last one are left off: what is equal at one bar by chance is not at all of them."""

Features = Sequence[tuple[str, pl.Expr]]


@dataclass(frozen=True, slots=True)
class Need:
    """How many bars a feature needs: to have a value at all (`first`), and to have the one that stays (`settled`).

    None where the bars that were tried do not suffice, as for a sum over all bars there are.
    """

    feature: str
    first: int | None
    settled: int | None

    @property
    def moves(self) -> bool:
        """Whether it has values that are not settled yet."""
        return self.first is not None and self.settled != self.first


@dataclass(frozen=True, slots=True)
class WarmUp:
    """The needs of each feature, tried on `symbols` with up to `tried` bars each.

    `before` are the sessions of the data before the first one gone through, `start`.
    """

    needs: tuple[Need, ...]
    symbols: tuple[str, ...]
    tried: int
    before: int
    start: date

    @property
    def unsettled(self) -> tuple[Need, ...]:
        """The features that need more sessions than come before the first."""
        return tuple(need for need in self.needs if need.settled is None or need.settled > self.before + 1)


def warm_up(features: Features, data: MarketData, universe: Universe, sessions: Sessions) -> WarmUp:
    """Try the features on those symbols of the data that have the most bars up to the last of `sessions`."""
    all_days = data.sessions().days
    wanted = None if universe.symbols is None else list(universe.symbols)
    bars = data.daily(wanted, sessions.days[-1].closes, _LONGEST)
    counts = bars.group_by("symbol").len().sort("len", "symbol", descending=[True, False]).head(SYMBOLS)
    bars = bars.with_columns(day_fraction=1.0).with_columns(finite(name, kind) for name, kind in BAR.items())
    chosen = counts["symbol"].to_list()
    histories = [bars.filter(pl.col("symbol") == symbol) for symbol in chosen]
    parts = [history.head(-end) if end else history for history in histories for end in _ENDS]
    found = [needs_of(features, part) for part in parts if part.height]
    first = sessions.days[0].day
    return WarmUp(
        needs=tuple(_most(of_one) for of_one in zip(*found, strict=True)),
        symbols=tuple(chosen),
        tried=int(counts["len"].max() or 0),  # type: ignore[arg-type]
        before=sum(session.day < first for session in all_days),
        start=first,
    )


def unsettled_note(features: Features, before: int) -> str | None:
    """What to say where features have values before they are settled, and too few sessions come before the first.

    Tried on made-up bars, and at few lengths, so that it takes no time: `settled` is then rounded up.
    """
    if before >= HISTORY or not features:
        return None
    bars = trial_bars("TRIAL", HISTORY)
    lengths = sorted({HISTORY, *range(1, 64), *(int(n) for n in np.geomspace(64, HISTORY, 12))})
    late = [
        need
        for need in needs_of(features, bars, lengths)
        if need.moves and (need.settled is None or need.settled > before + 1)
    ]
    if not late:
        return None
    slowest = max(late, key=lambda need: need.settled or HISTORY)
    names = ", ".join(need.feature for need in late)
    sessions = "1 session" if before == 1 else f"{before} sessions"
    bars_needed = f"about {slowest.settled}" if slowest.settled is not None else f"more than {HISTORY}"
    return (
        f"not settled at the first session: {names} ({slowest.feature} needs {bars_needed} bars, and the data has "
        f"{sessions} before it); begin later with --from"
    )


def needs_of(
    features: Features, bars: pl.DataFrame, lengths: Sequence[int] | None = None
) -> tuple[Need, ...]:
    """What each feature needs, tried on one symbol's bars: at the last one, with so many bars before and with it.

    `lengths` are the numbers of bars tried, in order, all of them by default; the last is the whole history.
    """
    if not features:
        return ()
    tried = list(lengths or range(1, bars.height + 1))
    kinds = {name: feature_type(expression, name) for name, expression in features}
    made = _ends_of_tails(bars, tried).select(
        "tail", *(expression.over("tail").alias(name) for name, expression in features)
    )
    made = made.with_columns(finite(name, kind) for name, kind in kinds.items())
    whole = made.filter(pl.col("tail") == tried[-1])
    last = made.group_by("tail", maintain_order=True).last()
    return tuple(_need(name, last[name], whole[name], tried) for name, _ in features)


def _ends_of_tails(bars: pl.DataFrame, lengths: Sequence[int]) -> pl.DataFrame:
    """The last n bars for each n of the lengths, one under the other, each marked with its n as `tail`."""
    places = np.concatenate([np.arange(bars.height - length, bars.height) for length in lengths])
    tails = np.repeat(np.array(lengths), lengths)
    return bars[places].with_columns(pl.Series("tail", tails))


def _need(name: str, ends: pl.Series, history: pl.Series, lengths: Sequence[int]) -> Need:
    """From the values at the last bar, one for each length, the last of which is the one that counts."""
    final = ends[-1]
    known = [length for length, value in zip(lengths, ends, strict=True) if value is not None]
    if final is None:
        return Need(name, known[0] if known else None, None)
    if isinstance(final, float):
        usual = float(history.abs().median() or 0.0)  # type: ignore[arg-type]
        same = ((ends - final).abs() <= TOLERANCE * max(abs(final), usual)).fill_null(False)
    else:
        same = (ends == final).fill_null(False)
    differing = np.flatnonzero(~same.to_numpy())
    place = int(differing[-1]) + 1 if differing.size else 0
    # Equal only with the very last length is equal with itself, and proves nothing.
    settled = lengths[place] if place < len(lengths) - 1 or len(lengths) == 1 else None
    return Need(name, known[0], settled)


def _most(needs: Sequence[Need]) -> Need:
    """The larger of the needs that a feature showed on several symbols; unknown where it is on one."""
    firsts = [need.first for need in needs if need.first is not None]
    settled = [need.settled for need in needs if need.settled is not None]
    return Need(
        needs[0].feature,
        max(firsts) if len(firsts) == len(needs) else None,
        max(settled) if len(settled) == len(needs) else None,
    )

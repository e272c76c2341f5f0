"""The screen: every symbol of a scan through the strategy's features, filters and points, in one query."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from momentum.market.panel import Panel
from momentum.market.universe import Universe
from momentum.model.market import Candidate, EarnedPoints, MarketContext, Reading, Value
from momentum.model.portfolio import Position
from momentum.model.strategy import Limits
from momentum.rules import columns as known_columns
from momentum.rules.features import BROKEN, finite, why_broken
from momentum.rules.program import BUY_WHEN, Condition, Program
from momentum.rules.rank import ranked

OFFERED = 40
"""How many candidates of a scan a decider is shown, the best ranked: more than anybody weighs against each other."""

NO_DATA = "no data"
"""`rejected_by` of a symbol for which the source has no bar at all."""


@dataclass(frozen=True, slots=True)
class RuleCount:
    """One step of the funnel: how many symbols passed this rule and all before it."""

    rule: str
    passed: int


@dataclass(frozen=True, slots=True)
class Screen:
    """The result for every symbol of the scan, and for what is held.

    `frame` has a row per symbol: symbol, cap, member (False for what is only held), the bar, the strategy's
    features and columns, `filter:NAME` (true, false, or null for unknown), `score:NAME` (points earned),
    `score` and `rejected_by` (null for a candidate). `candidates` are ranked, best first; `with_data` counts
    the members that have a bar of this session. `failures` names the features that could not be computed,
    each with its plugin: they are unknown for every symbol.
    """

    frame: pl.DataFrame
    members: tuple[str, ...]
    session: date
    candidates: tuple[Candidate, ...]
    funnel: tuple[RuleCount, ...]
    market: MarketContext
    with_data: int
    failures: tuple[str, ...] = ()


def screen(
    program: Program,
    panel: Panel,
    universe: Universe,
    limits: Limits,
    market: MarketContext,
    held: Sequence[str] = (),
) -> Screen:
    """Evaluate a program on the last bar of each symbol of the panel.

    A feature that cannot be computed is null for every symbol, and a failure.
    """
    rows = _rows(panel, universe, limits, held)
    failures: tuple[str, ...] = ()
    try:
        frame = _evaluated(program, panel, rows, market)
    except BROKEN:
        broken = _broken_features(program, panel)
        if not broken:
            raise
        failures = tuple(
            f"{program.origin(name)}: feature {name} cannot be computed: {why}"
            for name, why in broken.items()
        )
        frame = _evaluated(_without(program, broken), panel, rows, market)
    today = pl.col("ts") == panel.session
    members = frame.filter(pl.col("member"))
    passed = ranked(members.filter(pl.col("rejected_by").is_null()), program.rank)
    breadth = frame["breadth"][0] if frame.height else None
    return Screen(
        frame=frame,
        members=panel.members,
        session=panel.session,
        candidates=tuple(candidate_of(row, rank, program) for rank, row in enumerate(passed.to_dicts(), 1)),
        funnel=_funnel(members.filter(today), program),
        market=replace(market, breadth=breadth),
        with_data=members.filter(today).height,
        failures=failures,
    )


def _evaluated(program: Program, panel: Panel, rows: pl.DataFrame, market: MarketContext) -> pl.DataFrame:
    """The rows with their last bar and all that the program makes of it."""
    today = pl.col("ts") == panel.session
    query = (
        rows.lazy()
        .join(_latest(program, panel), on="symbol", how="left", maintain_order="left")
        .with_columns(price=pl.col("close"), **_literals(market))
        .with_columns(breadth=(pl.col("close") > pl.col("_previous")).filter(pl.col("member") & today).mean())
    )
    query = judged(query, program)
    return query.with_columns(rejected_by=_rejected_by(program, panel)).drop("_previous").collect()


def _broken_features(program: Program, panel: Panel) -> Mapping[str, str]:
    """The features that cannot be computed, each tried alone, and why."""
    broken: dict[str, str] = {}
    for name, expression in program.features:
        found = program.types[name]
        column = expression.over("symbol").alias(name)
        try:
            made = panel.bars.select(column).select(finite(name, found)).dtypes[0]
        except BROKEN as error:
            broken[name] = why_broken(error)
            continue
        if made != found:
            broken[name] = f"it is {made} rather than {found}"
    return broken


def _without(program: Program, broken: Iterable[str]) -> Program:
    """The program with null in the place of the broken features."""
    nulls = {name: pl.lit(None, dtype=program.types[name]) for name in broken}
    features = tuple((name, nulls.get(name, expression)) for name, expression in program.features)
    return replace(program, features=features)


def with_features(bars: pl.LazyFrame, program: Program) -> pl.LazyFrame:
    """Bars, sorted by symbol and time, with the features of each, as they are computed."""
    own = [e.over("symbol").alias(name) for name, e in program.features if name not in program.lagged]
    lagged = [pl.col(of).shift(lag).over("symbol").alias(name) for name, (of, lag) in program.lagged.items()]
    return bars.with_columns(own).with_columns(lagged)


def judged(rows: pl.LazyFrame, program: Program) -> pl.LazyFrame:
    """Rows that have the features, thresholds and context, with columns, verdicts, points and score besides.

    Features that are not finite become null.
    """
    rows = rows.with_columns(finite(name, program.types[name]) for name, _ in program.features)
    for name, expression in program.columns:
        rows = rows.with_columns(expression.alias(name)).with_columns(finite(name, program.types[name]))
    points = [pl.col(f"score:{point.key}") for point in program.score]
    rows = rows.with_columns(
        *(rule.expression.alias(f"filter:{rule.key}") for rule in program.filters),
        *(_earned(point).alias(f"score:{point.key}") for point in program.score),
    ).with_columns(score=pl.sum_horizontal(pl.lit(0.0), *points))
    if program.buy_when is None:
        return rows
    return rows.with_columns(program.buy_when.expression.alias(BUY_WHEN))


def readings(program: Program, result: Screen, positions: Sequence[Position]) -> tuple[Reading, ...]:
    """The reversal signals of each position, in symbol order; what is unknown does not count.

    A position without a price of the session has no reading: nobody knows how it is. `columns` hold the
    row's numbers, what each signal earned as `reversal:NAME`, and the verdicts of the strategy's own exits
    as `exit:NAME` and `close_when:NAME`.
    """
    if not positions:
        return ()
    held = pl.DataFrame(
        [
            {
                "symbol": position.symbol,
                "position.pnl": position.pnl_fraction,
                "position.days": float(position.days),
                "position.peak": position.peak,
                "position.entry_price": position.entry_price,
                "position.qty": float(position.qty),
            }
            for position in positions
        ],
        schema={"symbol": pl.String(), **known_columns.POSITION},
    )
    known = result.frame.filter(pl.col("ts") == result.session, pl.col("close").is_not_null())
    frame = held.join(known, on="symbol", how="inner").select(
        "symbol",
        *(pl.col(name) for name in known_columns.POSITION),
        *(pl.col(name) for name in program.types if name != "symbol"),
        *(_earned(point).alias(f"reversal:{point.key}") for point in program.reversal),
        *(rule.expression.alias(f"exit:{rule.key}") for rule in program.exits),
        *(rule.expression.alias(f"close_when:{rule.key}") for rule in program.close_when),
    )
    return tuple(_reading(row, program) for row in frame.sort("symbol").to_dicts())


def _rows(panel: Panel, universe: Universe, limits: Limits, held: Sequence[str]) -> pl.DataFrame:
    """One row per symbol with its size class and that class's thresholds."""
    members = set(panel.members)
    symbols = [*panel.members, *sorted(set(held) - members)]
    caps = [universe.cap_of(symbol) for symbol in symbols]
    by_cap = {cap: limits.for_cap(cap).thresholds for cap in set(caps)}
    thresholds = {
        key: pl.Series(key, [by_cap[cap].get(key) for cap in caps], dtype=pl.Float64)
        for key in known_columns.thresholds(limits)
    }
    member = [symbol in members for symbol in symbols]
    return pl.DataFrame({"symbol": symbols, "cap": caps, "member": member, **thresholds}).with_columns(
        pl.col("symbol", "cap").cast(pl.String)
    )


def _latest(program: Program, panel: Panel) -> pl.LazyFrame:
    """Each symbol's last bar with the features, and the moment of that bar."""
    previous = pl.col("close").shift(1).over("symbol").alias("_previous")
    bars = panel.bars.lazy().with_columns(previous)
    return with_features(bars, program).group_by("symbol", maintain_order=True).last()


def _literals(market: MarketContext) -> Mapping[str, pl.Expr]:
    return {
        name: pl.lit(getattr(market, name), dtype=found)
        for name, found in known_columns.CONTEXT.items()
        if name != "breadth"
    }


def _earned(point: Condition) -> pl.Expr:
    return pl.when(point.expression.fill_null(False)).then(point.points).otherwise(0.0)


def _rejected_by(program: Program, panel: Panel) -> pl.Expr:
    """The first rule that a symbol does not pass; null where it passes all of them."""
    verdict = (
        pl.when(pl.col("ts").is_null())
        .then(pl.lit(NO_DATA))
        .when(pl.col("ts") != panel.session)
        .then(pl.lit(f"no bar on {panel.session}"))
    )
    for rule in program.filters:
        verdict = verdict.when(~pl.col(f"filter:{rule.key}").fill_null(False)).then(pl.lit(rule.key))
    return verdict.otherwise(pl.lit(None, dtype=pl.String))


def _funnel(members: pl.DataFrame, program: Program) -> tuple[RuleCount, ...]:
    """How many of the members with a bar of the session pass each filter and all before it."""
    passed = pl.lit(True)
    counts = []
    for rule in program.filters:
        passed = passed & pl.col(f"filter:{rule.key}").fill_null(False)
        counts.append(RuleCount(rule.key, members.filter(passed).height))
    return tuple(counts)


def candidate_of(row: Mapping[str, Value], rank: int, program: Program) -> Candidate:
    columns = {name: row[name] for name in program.types if name in row and name not in ("symbol", "cap")}
    if program.buy_when is not None:
        columns[BUY_WHEN] = row[BUY_WHEN]
    return Candidate(
        symbol=str(row["symbol"]),
        cap=row["cap"],  # type: ignore[arg-type]
        price=float(row["close"] or 0.0),
        score=float(row["score"] or 0.0),
        rank=rank,
        points=earned(row, "score", program.score),
        columns=columns,
    )


def earned(row: Mapping[str, Value], prefix: str, points: Sequence[Condition]) -> tuple[EarnedPoints, ...]:
    """What a row earned under each name, the bands of one name added up."""
    found: dict[str, float] = {}
    for point in points:
        found[point.name] = found.get(point.name, 0.0) + float(row[f"{prefix}:{point.key}"] or 0.0)
    return tuple(EarnedPoints(name, value) for name, value in found.items())


def _reading(row: Mapping[str, Value], program: Program) -> Reading:
    signals = tuple(signal for signal in earned(row, "reversal", program.reversal) if signal.points)
    columns = {name: value for name, value in row.items() if name != "symbol"}
    return Reading(str(row["symbol"]), sum(signal.points for signal in signals), signals, columns)

"""Findings about prices: splits, other securities, bad prints, and the large moves that remain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import sqrt
from typing import Any

import polars as pl

from momentum.market.quality.findings import DataFinding
from momentum.market.quality.levels import steps
from momentum.market.quality.steps import JUMP, OTHER, QUIET, SPIKE, SPLIT, judged
from momentum.market.quality.thresholds import Thresholds
from momentum.units import format_fraction, format_price

Row = Mapping[str, Any]
"""One step: a row of `steps.judged`."""

_OFTEN = 3
"""From so many steps on to another price and back, a symbol is told of once."""


def price_findings(moved: pl.DataFrame, thresholds: Thresholds) -> Iterator[DataFinding]:
    """What the steps in `moved` (see `levels.moves`) are, the worst of a kind by size and dollars traded."""
    found = judged(steps(moved, thresholds), thresholds).filter(pl.col("kind") != QUIET)
    excursions = found.filter(pl.col("away") | pl.col("returns"), pl.col("kind").is_in([OTHER, SPIKE]))
    for rows in excursions.partition_by("symbol", maintain_order=True):
        if rows.height >= _OFTEN:
            yield _to_and_fro(rows)
        else:
            yield from (_excursion(row) for row in rows.filter("away").iter_rows(named=True))
    single = found.filter(~((pl.col("away") | pl.col("returns")) & pl.col("kind").is_in([OTHER, SPIKE])))
    for row in single.iter_rows(named=True):
        yield {SPLIT: _split, OTHER: _other, JUMP: _jump}[row["kind"]](row)


def _split(row: Row) -> DataFinding:
    text = (
        f"looks like an unadjusted {row['old']} to {row['new']} split: {_from_to(row)},"
        " the dollars traded a day stayed"
    )
    return DataFinding("split", "warning", text, row["symbol"], row["ts"], weight=_weight(row))


def _other(row: Row) -> DataFinding:
    skipped = row["skipped"]
    gap = f" after {skipped} session{'s' * (skipped > 1)} without a bar" if skipped else ""
    text = f"seems to be another security from here on: {_from_to(row)}{gap}, {_volume(row)}"
    return DataFinding("other security", "warning", text, row["symbol"], row["ts"], weight=_weight(row))


def _jump(row: Row) -> DataFinding:
    move = row["close"] / row["previous"] - 1
    text = f"moved {format_fraction(move)}: {_from_to(row)}, {_volume(row)}; real, a spin-off or a special dividend"
    return DataFinding("jump", "note", text, row["symbol"], row["ts"], weight=_weight(row))


def _excursion(row: Row) -> DataFinding:
    bars = row["bars"]
    length = "1 bar" if bars == 1 else f"{bars} bars to {row['ends']}"
    there = f"{length}: {_from_to(row)}, then back at {format_price(float(row['close_after']))}"
    if row["kind"] == OTHER:
        text = f"another security under the ticker for {there}; {_volume(row)}"
        return DataFinding(
            "other security", "warning", text, row["symbol"], row["ts"], bars, _weight(row)
        )  # fmt: skip
    text = f"a price that does not belong, for {there}"
    return DataFinding("spike", "warning", text, row["symbol"], row["ts"], bars, _weight(row))


def _to_and_fro(rows: pl.DataFrame) -> DataFinding:
    first, last = rows.row(0, named=True), rows.row(-1, named=True)
    prices = sorted((first["previous"], first["close"]))
    text = (
        f"changes {rows.height} times between about {format_price(prices[0])} and {format_price(prices[1])} until"
        f" {last['ts']}: two securities share the ticker"
    )
    return DataFinding(
        "other security", "warning", text, first["symbol"], first["ts"], rows.height, _weight(first)
    )


def _from_to(row: Row) -> str:
    return f"{format_price(float(row['previous']))} to {format_price(float(row['close']))}"


def _volume(row: Row) -> str:
    factor = row["factor"]
    if factor >= 1:
        return (
            f"on {factor:,.1f} times the dollars a day"
            if factor < 10
            else f"on {factor:,.0f} times the dollars a day"
        )
    return (
        f"on 1/{1 / factor:,.0f} of the dollars a day"
        if factor < 0.5
        else f"on {factor:.1f} times the dollars a day"
    )


def _weight(row: Row) -> float:
    """Larger for a larger step, and for one in a symbol that more dollars a day trade in."""
    dollars: float = max(row["dollars"], row["dollars_before"])
    move: float = row["move"]
    return abs(move) * sqrt(dollars)

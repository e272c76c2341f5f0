"""Leaving out the rows that cannot be true, and putting the rest in order of symbol and time.

Every row left out is counted under the first reason that holds for it, with an example.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import polars as pl

from momentum.model.market import LeftOut
from momentum_plugins.files.normalising import PRICES

TOLERANCE = 1e-6
"""How far an open or close may lie outside high to low, as a fraction of it: adjusted prices are rounded."""

_SYMBOL, _TS, _VOLUME = pl.col("symbol"), pl.col("ts"), pl.col("volume")
_OPEN, _HIGH, _LOW, _CLOSE = (pl.col(name) for name in PRICES)

REASONS: tuple[tuple[str, pl.Expr], ...] = (
    ("no symbol", _SYMBOL.is_null() | (_SYMBOL.str.len_bytes() == 0)),
    ("no readable time", _TS.is_null()),
    ("a price is missing or not a number", ~pl.all_horizontal(pl.col(PRICES).is_finite().fill_null(False))),
    ("a price is zero or below", pl.min_horizontal(PRICES) <= 0),
    ("high below low", _HIGH < _LOW),
    (
        "open or close outside high to low",
        (pl.max_horizontal(_OPEN, _CLOSE) > _HIGH * (1 + TOLERANCE))
        | (pl.min_horizontal(_OPEN, _CLOSE) < _LOW * (1 - TOLERANCE)),
    ),
    ("volume is missing or not a number", ~_VOLUME.is_finite().fill_null(False)),
    ("volume below zero", _VOLUME < 0),
)
Kind = Literal["impossible", "duplicate", "unused"]
DUPLICATE = "symbol and time there twice, the last row kept"


@dataclass(frozen=True, slots=True)
class Cleaned:
    """Possible rows, sorted by symbol and time, each pair once; `sorted_here` where the file was not in order."""

    frame: pl.DataFrame
    left_out: tuple[LeftOut, ...]
    sorted_here: bool


def clean(frame: pl.DataFrame) -> Cleaned:
    """Judge every row of a frame in the columns of `normalising.COLUMNS`."""
    frame, left_out = _possible(frame)
    in_order, repeated = _order(frame)
    if not in_order:
        frame = frame.sort("symbol", "ts", maintain_order=True)
        _, repeated = _order(frame)
    if repeated:
        followed = ((_SYMBOL == _SYMBOL.shift(-1)) & (_TS == _TS.shift(-1))).fill_null(False)
        left_out = (*left_out, example(DUPLICATE, frame.filter(followed), "duplicate"))
        frame = frame.filter(~followed)
    return Cleaned(frame, left_out, sorted_here=not in_order)


def _possible(frame: pl.DataFrame) -> tuple[pl.DataFrame, tuple[LeftOut, ...]]:
    impossible = pl.any_horizontal(condition.fill_null(False) for _, condition in REASONS)
    if not frame.lazy().select(impossible.any()).collect(engine="streaming").item():
        return frame, ()
    number = pl.coalesce(pl.when(condition).then(index) for index, (_, condition) in enumerate(REASONS))
    judged = frame.with_columns(number.alias("reason"))
    left_out = [
        example(reason, rows)
        for index, (reason, _) in enumerate(REASONS)
        if len(rows := judged.filter(pl.col("reason") == index))
    ]
    return judged.filter(pl.col("reason").is_null()).drop("reason"), tuple(left_out)


def _order(frame: pl.DataFrame) -> tuple[bool, bool]:
    """Whether the rows are sorted by symbol and time, and whether neighbours are of one symbol and time.

    Symbols are compared once for each run of them, which for a sorted file is once for each symbol.
    """
    runs = frame["symbol"].rle().struct.field("value")
    again = pl.col("run") == pl.col("run").shift(1)
    back, same = (
        frame.lazy()
        .select(_SYMBOL.rle_id().alias("run"), "ts")
        .select(
            (again & (_TS < _TS.shift(1))).any().alias("back"),
            (again & (_TS == _TS.shift(1))).any().alias("same"),
        )
        .collect()
        .row(0)
    )
    return runs.is_sorted() and runs.n_unique() == len(runs) and not back, bool(same)


def example(reason: str, rows: pl.DataFrame, kind: Kind = "impossible") -> LeftOut:
    """The rows as left out for that reason; they stand in the columns symbol and ts, and others."""
    symbol, when = rows.row(0)[:2]
    form = "%Y-%m-%d %H:%M UTC" if isinstance(when, datetime) else "%Y-%m-%d"
    return LeftOut(reason, len(rows), symbol or "", "" if when is None else format(when, form), kind)

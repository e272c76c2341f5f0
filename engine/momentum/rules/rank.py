"""The order of candidates: `score DESC, roc_10d DESC`, nulls last, ties by symbol."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches

import polars as pl

from momentum.rules.language import RuleError

_KEY = re.compile(r"([A-Za-z_]\w*)(?:\s+(ASC|DESC))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RankKey:
    """One column of the order."""

    column: str
    descending: bool


def parse_rank(text: str, known: Collection[str]) -> tuple[RankKey, ...]:
    """Parse an order of columns. Raises `RuleError` for a bad form, an unknown column, a column named twice."""
    keys: list[RankKey] = []
    for part in text.split(","):
        match = _KEY.fullmatch(part.strip())
        if match is None:
            raise RuleError(f"{part.strip()!r} is not `COLUMN ASC` or `COLUMN DESC`")
        column = match[1]
        if column not in known:
            near = get_close_matches(column, known, n=1)
            raise RuleError(f"unknown column {column!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
        if any(key.column == column for key in keys):
            raise RuleError(f"names {column} twice")
        keys.append(RankKey(column, (match[2] or "ASC").upper() == "DESC"))
    return tuple(keys)


def ranked(frame: pl.DataFrame, keys: tuple[RankKey, ...]) -> pl.DataFrame:
    """The frame in rank order, best first."""
    columns = [*(key.column for key in keys), "symbol"]
    directions = [*(key.descending for key in keys), False]
    return frame.sort(columns, descending=directions, nulls_last=True, maintain_order=True)

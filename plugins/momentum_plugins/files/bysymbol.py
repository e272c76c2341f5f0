"""Bars kept in order of symbol, so that those of a few symbols are found without a look at all the others."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

_FEW = 500
"""Up to here slices are quicker than one filter over the whole (measured on 2 million bars of 6,696 symbols)."""


class BySymbol:
    """A frame sorted by symbol, then time, and where each symbol's rows stand in it."""

    def __init__(self, frame: pl.DataFrame) -> None:
        runs = frame["symbol"].rle().struct.unnest()
        starts = runs["len"].cum_sum() - runs["len"]
        self.frame = frame
        self._place = dict(zip(runs["value"], zip(starts, runs["len"], strict=True), strict=True))

    @property
    def symbols(self) -> tuple[str, ...]:
        """Every symbol, sorted."""
        return tuple(self._place)

    def rows(self, symbols: Sequence[str] | None) -> pl.DataFrame:
        """All rows of the symbols (of all, where None), in the frame's order; unknown symbols have none."""
        if symbols is None:
            return self.frame
        places = sorted(self._place[symbol] for symbol in set(symbols) if symbol in self._place)
        if not places:
            return self.frame.clear()
        if len(places) > _FEW:
            return self.frame.filter(pl.col("symbol").is_in(list(symbols)))
        return pl.concat([self.frame.slice(start, length) for start, length in places])

"""The daily bars of the sample market on disk, so that they are made once a day and read thereafter."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from momentum.market.cachefile import cache_directory, keep
from momentum_plugins.sample.traits import Traits

_KEY = "momentum.sample"


def kept(
    seed: int, traits: Traits, first: date, last: date, make: Callable[[], pl.DataFrame]
) -> pl.DataFrame:
    """The bars from `first` to `last`: from the file of this seed and these symbols where it is that of these
    days, and made by this code; else from `make`, and then kept."""
    who = _digest(seed, traits.symbols, traits.caps, traits.sectors)
    path = cache_directory() / f"sample-{who[:16]}.parquet"
    key = _digest(who, first.isoformat(), last.isoformat(), np.__version__, _code())
    found = _read(path, key)
    if found is not None:
        return found
    bars = make()
    keep(path, lambda file: bars.write_parquet(file, compression="zstd", metadata={_KEY: key}))
    return bars


def _read(path: Path, key: str) -> pl.DataFrame | None:
    """The file's bars, or None where there is none, it is another day's, or it cannot be read."""
    try:
        if pl.read_parquet_metadata(path).get(_KEY) != key:
            return None
        return pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError):
        return None


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _code() -> str:
    """The source of this package: bars that older code made are not taken."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()

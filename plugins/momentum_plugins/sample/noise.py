"""Random numbers by name: what a stream gives depends on its names alone, not on what else was drawn or when."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_DAYS_A_YEAR = 366


def generator(seed: int, *names: str | int) -> np.random.Generator:
    """A generator of its own for each seed and each list of names."""
    words = [zlib.crc32(str(name).encode()) for name in names]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *words])))


@dataclass(frozen=True, slots=True)
class Calendar:
    """Dates in order, as the year and the place within it of each."""

    years: NDArray[np.int64]
    places: NDArray[np.int64]

    @classmethod
    def of(cls, days: Sequence[date]) -> Calendar:
        """The calendar of `days`."""
        dates = np.array(days, dtype="datetime64[D]")
        years = dates.astype("datetime64[Y]")
        return cls(years.astype(np.int64) + 1970, (dates - years.astype("datetime64[D]")).astype(np.int64))

    def draw(self, seed: int, name: str, normals: int, uniforms: int) -> tuple[Floats, Floats]:
        """Standard normals (days x normals) and uniforms above 0 and below 1 (days x uniforms).

        They are drawn a calendar year at a time, so a date has the same numbers in every list of dates.
        """
        gauss = np.empty((len(self.years), normals))
        flat = np.empty((len(self.years), uniforms))
        for year in range(self.years[0], self.years[-1] + 1):
            source = generator(seed, name, year)
            mine = slice(*np.searchsorted(self.years, [year, year + 1]))
            gauss[mine] = source.standard_normal((_DAYS_A_YEAR, normals))[self.places[mine]]
            flat[mine] = source.random((_DAYS_A_YEAR, uniforms))[self.places[mine]]
        return gauss, np.clip(flat, 1e-12, 1 - 1e-12)

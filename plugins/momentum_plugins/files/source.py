"""Which files `files.path` names: one, or all of a directory, put together where they have one header."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from momentum.errors import DataError
from momentum.ports import Progress
from momentum_plugins.files import reading

_SUFFIXES = re.compile(r"\.(parquet|pq|csv|txt|tsv)(\.gz)?$", re.IGNORECASE)
_STOOQ = re.compile(r"(\.US|_US_D)$")
"""What Stooq adds to a symbol in the names of its files."""
_BATCH = 200
"""Files read by one query: enough to keep the processor busy, few enough to show progress."""

_HEAD = 100


@dataclass(frozen=True, slots=True)
class Group:
    """Files of one form. `names` is how a person knows each; `by_file_name` tells that they stand in a directory,
    where a file can be named by its symbol.
    """

    files: tuple[Path, ...]
    names: tuple[str, ...]
    how: reading.Form
    by_file_name: bool
    said: Callable[[int], None]

    @property
    def shown(self) -> str:
        """The first file, and how many there are like it."""
        more = len(self.names) - 1
        return self.names[0] + (f" (and {more:,} files like it)" if more else "")

    def schema(self) -> pl.Schema:
        """The columns of the files, without `reading.FILE`."""
        found = reading.schema(self._scan(self.files[:1]), self.shown)
        return pl.Schema({name: kind for name, kind in found.items() if name != reading.FILE})

    def head(self) -> pl.DataFrame:
        """The first rows of the first file."""
        return reading.collect(self._scan(self.files[:1]).head(_HEAD), self.names[0])

    def read(self, query: Callable[[pl.LazyFrame], pl.LazyFrame]) -> pl.DataFrame:
        """The files' rows, as `query` asks for them. Raises `DataError` that names the file which is damaged."""
        frames = []
        for start in range(0, len(self.files), _BATCH):
            places = range(start, min(start + _BATCH, len(self.files)))
            frames.append(self._batch(places, query))
            self.said(len(places))
        return pl.concat(frames)

    def _batch(self, places: range, query: Callable[[pl.LazyFrame], pl.LazyFrame]) -> pl.DataFrame:
        try:
            return reading.collect(query(self._scan([self.files[place] for place in places])), self.shown)
        except DataError:
            for place in places:
                reading.collect(query(self._scan([self.files[place]])), self.names[place])
            raise

    def _scan(self, files: Sequence[Path]) -> pl.LazyFrame:
        return reading.scan(files, self.how, partitioned=self.by_file_name)


@dataclass(frozen=True, slots=True)
class Source:
    """The groups of files, how many files they are, and how many of a directory are of no format known here."""

    groups: tuple[Group, ...]
    files: int
    other: int = 0


def find(path: Path, shown: str, progress: Progress | None) -> Source:
    """The files at a path. Raises `DataError` where there is none that can be read, or where kinds are mixed."""
    if not path.is_dir():
        return Source((one(path, shown, progress=progress),), 1)
    inside = [file.relative_to(path) for file in sorted(path.rglob("*")) if file.is_file()]
    seen = [file for file in inside if not any(part.startswith((".", "_")) for part in file.parts)]
    usable = [file for file in seen if _SUFFIXES.search(file.name)]
    if not usable:
        raise DataError(
            f"{shown}: the directory holds no parquet or CSV file; put the files there, or correct files.path"
        )
    said = _telling(progress, shown, len(usable))
    groups: dict[reading.Form, list[Path]] = {}
    for file in usable:
        groups.setdefault(reading.form(path / file, f"{shown}/{file.as_posix()}"), []).append(file)
    kinds = {how.kind: files[0] for how, files in groups.items()}
    if len(kinds) > 1:
        raise DataError(
            f"{shown}: holds parquet and CSV ({kinds['parquet'].as_posix()}, {kinds['CSV'].as_posix()});"
            " keep one kind, or name one of them in files.path"
        )
    found = (
        Group(
            files=tuple(path / file for file in files),
            names=tuple(f"{shown}/{file.as_posix()}" for file in files),
            how=how,
            by_file_name=True,
            said=said,
        )
        for how, files in groups.items()
    )
    return Source(tuple(found), len(usable), len(seen) - len(usable))


def one(path: Path, shown: str, setting: str = "files.path", progress: Progress | None = None) -> Group:
    """The group of one file, which the key `setting` names. Raises `DataError` where it cannot be read."""
    how = reading.form(path, shown, setting)
    return Group((path,), (shown,), how, by_file_name=False, said=_telling(progress, shown, 1))


def symbol_of(file: str) -> str:
    """The symbol that a file is named by: `aapl.us.txt`, `AAPL.csv.gz` and `aapl_us_d.csv` are AAPL."""
    return _STOOQ.sub("", _SUFFIXES.sub("", Path(file).name).upper())


def _telling(progress: Progress | None, shown: str, total: int) -> Callable[[int], None]:
    """Count files that are read, and tell how many of them there are."""
    done = 0

    def said(count: int) -> None:
        nonlocal done
        done = min(total, done + count)
        if progress is not None:
            progress(f"reading {shown}", done, total)

    return said

"""Opening a file as market data: read, normalise, clean, and say what was left out."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import polars as pl

from momentum.errors import DataError
from momentum.market.calendar import sessions_for
from momentum.ports import Progress
from momentum_plugins.files.cleaning import Cleaned, clean
from momentum_plugins.files.daily import DailyFile
from momentum_plugins.files.intraday import IntradayFile, regular_hours
from momentum_plugins.files.market import Origin
from momentum_plugins.files.normalising import Bars, normalise
from momentum_plugins.files.options import Options
from momentum_plugins.files.source import Source, find
from momentum_plugins.files.vix import read_vix

_HASH_DIGITS = 8


def open_market(
    directory: Path, path: str, *, vix: str | None, options: Options, progress: Progress | None = None
) -> DailyFile | IntradayFile:
    """The market in the file or directory `path`, relative to the workspace's `directory` or absolute.

    `vix` is the path of a VIX file. The bars are read here, once, and kept; `progress` is told of it. Raises
    `DataError` where a file cannot be used.
    """
    file, shown = _locate(directory, path)
    index = None if vix is None else read_vix(*_locate(directory, vix))
    source = find(file, shown, progress)
    bars = _together([normalise(group, options) for group in source.groups], shown)
    cleaned = clean(bars.frame)
    if cleaned.frame.is_empty():
        raise DataError(_nothing(cleaned, shown))
    other = (f"{shown}: {source.other:,} files of other kinds were not read",) if source.other else ()
    origin = Origin(
        source=_source(file, shown),
        file=file.name,
        notes=(*bars.notes, *other, *_notes(cleaned, shown), *(index.notes if index else ())),
        vix=index,
        read_as=_read_as(bars.read_as, source),
        left_out=cleaned.left_out,
    )
    if bars.daily:
        return DailyFile(origin, cleaned.frame, sessions_for(cleaned.frame["ts"].unique().sort()))
    hours = regular_hours(cleaned.frame, shown)
    if hours.outside is None:
        return IntradayFile(origin, hours)
    note = f"{shown}: {hours.outside.count:,} bars outside regular hours are not used"
    left_out = (*cleaned.left_out, hours.outside)
    return IntradayFile(replace(origin, notes=(*origin.notes, note), left_out=left_out), hours)


def _together(parts: list[Bars], shown: str) -> Bars:
    """The bars of all groups of files. Raises `DataError` where some are daily and others are not."""
    if len({part.daily for part in parts}) > 1:
        raise DataError(
            f"{shown}: some of its files hold daily bars and others intraday ones; put them into two directories"
        )
    return Bars(
        frame=pl.concat([part.frame for part in parts]),
        daily=parts[0].daily,
        notes=tuple(note for part in parts for note in part.notes),
        read_as=" and ".join(dict.fromkeys(part.read_as for part in parts if part.read_as)),
    )


def _read_as(read_as: str, source: Source) -> str:
    """`Yahoo CSV, 211 files`; "" for one file in the plain form."""
    if not read_as or source.files == 1:
        return read_as
    return f"{read_as}, {source.files:,} files"


def _locate(directory: Path, path: str) -> tuple[Path, str]:
    """The file, and its name for a person: relative to the workspace where it lies within it, else absolute."""
    base = directory.resolve()
    file = (base / Path(path).expanduser()).resolve()
    return file, (file.relative_to(base) if file.is_relative_to(base) else file).as_posix()


def _source(file: Path, shown: str) -> str:
    digest = hashlib.sha256(shown.encode()).hexdigest()[:_HASH_DIGITS]
    return f"files:{file.stem}:{digest}"


def _notes(cleaned: Cleaned, shown: str) -> tuple[str, ...]:
    order = (
        (f"{shown}: is not in order of symbol and time; sorted while reading",) if cleaned.sorted_here else ()
    )
    return (*(f"{shown}: {left_out}" for left_out in cleaned.left_out), *order)


def _nothing(cleaned: Cleaned, shown: str) -> str:
    if not cleaned.left_out:
        return f"{shown}: holds no rows, only the names of its columns; fetch or write it again"
    return f"{shown}: has no usable row: {'; '.join(str(left_out) for left_out in cleaned.left_out)}; correct the file"

"""`momentum data convert`: any bars that can be read, written as one sorted parquet file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from momentum.cli.options import json_option, open_settings, print_json, workspace_options
from momentum.errors import UsageError

if TYPE_CHECKING:
    import polars as pl

    from momentum.model.market import LeftOut
    from momentum.ports import MarketData

_SUFFIX = ".parquet"


@click.command()
@click.argument("path", required=False, type=click.Path(path_type=Path))
@workspace_options
@json_option
@click.option(
    "--to", "target", required=True, type=click.Path(path_type=Path), metavar="OUT.parquet",
    help="The file to write.",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Overwrite the file that is there.")
def convert(
    path: Path | None,
    directory: Path | None,
    sets: tuple[str, ...],
    data: Path | None,
    as_json: bool,
    target: Path,
    force: bool,
) -> None:
    """Write bars into one sorted parquet file, and report what was left out.

    PATH is a file or a directory of bars, read as momentum.yaml says under files:; without it the workspace's data
    source is written.
    """
    if path is not None and data is not None and path != data:
        raise UsageError(f"{path} and --data {data} name two sources; give one of them")
    source = path or data
    _check_target(target, source, force=force)
    settings = open_settings(directory, sets, source)
    from momentum.cli.progress import shown_progress
    from momentum.context import open_data
    from momentum.market.clock import RealClock
    from momentum.ports import Tabular

    with shown_progress() as progress:
        market = open_data(settings, RealClock(), progress)
    if not isinstance(market, Tabular):
        raise UsageError(
            f"{market.source} cannot be written as one table; name a file or a directory of bars"
        )
    frame = market.frame()
    _write(frame, target)
    if as_json:
        print_json(_document(market, frame, market.left_out(), target))
    else:
        _report(market, frame, market.left_out(), target)


def _check_target(target: Path, source: Path | None, *, force: bool) -> None:
    """Refuse what would be lost, or read as bars the next time."""
    if target.suffix.lower() != _SUFFIX:
        raise UsageError(
            f"--to {target}: the file that is written is parquet; name it {target.stem}{_SUFFIX}"
        )
    if not target.parent.is_dir():
        raise UsageError(f"--to {target}: there is no directory {target.parent}; make it first")
    if source is not None and source.resolve() in (target.resolve(), *target.resolve().parents):
        raise UsageError(f"--to {target}: lies in what is read; name a file outside of {source}")
    if target.is_dir() or (target.exists() and not force):
        way = "name a file" if target.is_dir() else "give --force to overwrite it"
        raise UsageError(f"--to {target}: is there already; {way}")


def _write(frame: pl.DataFrame, target: Path) -> None:
    """Write beside the target and put it in its place, so that no half file is ever found there."""
    try:
        handle, scratch = tempfile.mkstemp(prefix=f".{target.stem}-", suffix=_SUFFIX, dir=target.parent)
        os.close(handle)
        try:
            frame.write_parquet(scratch, compression="zstd")
            Path(scratch).chmod(0o666 & ~_umask())
            Path(scratch).replace(target)
        finally:
            Path(scratch).unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"--to {target}: cannot be written: {error.strerror or error}") from error


def _umask() -> int:
    """The permissions that new files do not get; it can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _document(
    market: MarketData, frame: pl.DataFrame, left_out: Sequence[LeftOut], target: Path
) -> dict[str, object]:
    time = frame[frame.columns[1]]
    return {
        "to": str(target),
        "source": market.title,
        "timeframe": market.timeframe,
        "bars": len(frame),
        "symbols": frame["symbol"].n_unique(),
        "first": time.min(),
        "last": time.max(),
        "left_out": left_out,
        "notes": market.notes(),
    }


def _report(market: MarketData, frame: pl.DataFrame, left_out: Sequence[LeftOut], target: Path) -> None:
    click.echo(f"read: {market.title}")
    click.echo(f"wrote {target}: {len(frame):,} bars, {target.stat().st_size / 1e6:,.1f} MB")
    for part in left_out:
        click.echo(f"  {part}")
    for note in market.notes():
        if not any(part.reason in note for part in left_out):
            click.echo(f"  {note}")
    if not left_out:
        click.echo("  nothing was left out")

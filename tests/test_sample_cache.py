"""The sample market's days are made once and kept, and made again when they would be others."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from momentum.market.cachefile import cache_directory, keep
from momentum.market.universe import Universe
from momentum_plugins.sample import cache
from momentum_plugins.sample.traits import traits_of
from sample_builders import market, new_york

FIRST, LAST = date(2026, 1, 5), date(2026, 1, 6)
BARS = pl.DataFrame({"symbol": ["A"], "ts": [FIRST], "close": [1.5]})


class Maker:
    """Counts how often it was asked to make the bars."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self) -> pl.DataFrame:
        self.asked += 1
        return BARS


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache directory of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    yield tmp_path / "momentum"


def ask(
    make: Maker, seed: int = 7, symbols: tuple[str, ...] = ("A",), first: date = FIRST, last: date = LAST
) -> None:
    traits = traits_of(seed, symbols, Universe.everything())
    assert cache.kept(seed, traits, first, last, make).equals(BARS)


def test_the_second_time_the_bars_come_from_the_file(directory: Path) -> None:
    make = Maker()
    ask(make)
    ask(make)
    assert make.asked == 1
    assert [path.suffix for path in directory.iterdir()] == [".parquet"]


@pytest.mark.parametrize(
    "other",
    [{"seed": 8}, {"symbols": ("A", "B")}, {"first": date(2026, 1, 2)}, {"last": date(2026, 1, 7)}],
    ids=["seed", "symbols", "years", "day"],
)
def test_another_market_or_day_is_made_anew(other: dict[str, object]) -> None:
    make = Maker()
    ask(make)
    ask(make, **other)  # type: ignore[arg-type]
    assert make.asked == 2


def test_a_new_day_takes_the_place_of_the_old(directory: Path) -> None:
    make = Maker()
    ask(make)
    ask(make, last=date(2026, 1, 7))
    assert len(list(directory.iterdir())) == 1


def test_bars_that_other_code_made_are_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    make = Maker()
    ask(make)
    monkeypatch.setattr(cache, "_code", lambda: "another version")
    ask(make)
    assert make.asked == 2


@pytest.mark.parametrize("damage", ["cut", "empty", "text"])
def test_a_damaged_file_is_made_again(directory: Path, damage: str) -> None:
    make = Maker()
    ask(make)
    (path,) = directory.iterdir()
    content = path.read_bytes()
    path.write_bytes({"cut": content[: len(content) // 2], "empty": b"", "text": b"not a parquet"}[damage])
    ask(make)
    ask(make)
    assert make.asked == 2


def test_a_cache_that_cannot_be_written_is_no_error(directory: Path) -> None:
    directory.write_text("a file, not a directory")
    make = Maker()
    ask(make)
    ask(make)
    assert make.asked == 2


def test_a_file_that_could_not_be_finished_leaves_nothing_behind(directory: Path) -> None:
    def fails(path: Path) -> None:
        path.write_text("half of it")
        raise OSError("no space left on the device")

    assert not keep(directory / "bars.parquet", fails)
    assert list(directory.iterdir()) == []


def test_the_cache_is_in_the_users_home_where_nothing_else_is_said() -> None:
    assert cache_directory({}) == Path.home() / ".cache" / "momentum"
    assert cache_directory({"XDG_CACHE_HOME": "/elsewhere"}) == Path("/elsewhere/momentum")


def test_a_market_read_from_the_cache_is_the_one_that_was_made() -> None:
    at = new_york("2026-11-24 15:30")
    made = market("2026-11-24 15:30").daily(None, at, 300)
    assert market("2026-11-24 15:30").daily(None, at, 300).equals(made)

"""Shared by all tests: real market data where it is there, and a cache that is nobody's but theirs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from ledger_builders import Place
from momentum.ledger.store import Ledger
from postgres_server import Server, running

hypothesis.settings.register_profile("unhurried", deadline=None)  # a busy machine is no failure
hypothesis.settings.load_profile("unhurried")

SHARED = Path(os.environ.get("MOMENTUM_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The directory of real market data kept outside the project."""
    if not (SHARED / "daily.parquet").is_file():
        pytest.skip(f"no real market data in {SHARED}")
    return SHARED


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache directory of the test run, for this process and those that it starts."""
    with pytest.MonkeyPatch.context() as patch:
        directory = tmp_path_factory.mktemp("cache")
        patch.setenv("XDG_CACHE_HOME", str(directory))
        yield directory


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server that all processes of the test run share."""
    with running() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Where a test keeps its ledger, once for each kind of database."""
    yield from _place(request, tmp_path, empty=False)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """The same before there is any ledger."""
    yield from _place(request, tmp_path, empty=True)


def _place(request: pytest.FixtureRequest, directory: Path, *, empty: bool) -> Iterator[Place]:
    if request.param == "sqlite":
        (directory / "data").mkdir()
        yield Place(f"sqlite:///{directory / 'data' / 'ledger.db'}", directory)
        return
    with request.getfixturevalue("postgres").database(empty=empty) as url:
        yield Place(url, directory)


@pytest.fixture
def ledger(place: Place) -> Iterator[Ledger]:
    """An empty ledger, once for each kind of database."""
    with place.open() as ledger:
        yield ledger

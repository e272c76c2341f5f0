"""Shared by all tests: where the real market data lies, and a skip that says so where it is absent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("MOMENTUM_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The directory of real market data kept outside the project."""
    if not (SHARED / "daily.parquet").is_file():
        pytest.skip(f"no real market data in {SHARED}")
    return SHARED

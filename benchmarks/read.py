"""How long bars of CSV take to be opened as a market, beside polars' bare read of the same files.

    python benchmarks/read.py [--rows 2000000] [--symbols 6000] [--rounds 5]

The bare read is `polars.read_csv` of the one file, and of each file of the directory in turn. All figures come from
one run: quote the ratios. Writes plain text, and benchmarks/results/read.json.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from momentum.market.calendar import exchange_sessions
from momentum_plugins.files.opening import open_market
from momentum_plugins.files.options import Options

HERE = Path(__file__).parent
YAHOO = {
    "date": "Date",
    "open": "Open",
    "high": "High",
    "low": "Low",
    "close": "Close",
    "volume": "Volume",
}


def bars(rows: int, symbols: int) -> pl.DataFrame:
    """Daily bars of random walks, sorted by symbol and date."""
    days = [session.day for session in exchange_sessions(date(2000, 1, 1), date(2025, 12, 31)).days]
    each = rows // symbols
    random = np.random.default_rng(7)
    close = np.round(50 * np.exp(np.cumsum(random.normal(0, 0.02, (symbols, each)), axis=1)), 2).clip(1)
    opens = np.round(close * (1 + random.normal(0, 0.01, close.shape)), 2)
    high, low = np.maximum(close, opens) + 0.05, np.minimum(close, opens) - 0.05
    names = np.repeat([f"S{index:05}" for index in range(symbols)], each)
    return pl.DataFrame(
        {
            "symbol": names,
            "date": days[-each:] * symbols,
            **{
                name: np.round(values.ravel(), 2)
                for name, values in {"open": opens, "high": high, "low": low, "close": close}.items()
            },
            "volume": random.integers(1_000, 10_000_000, close.size),
        }
    )


def write(frame: pl.DataFrame, scratch: Path) -> dict[str, tuple[str, list[Path]]]:
    """The same bars in several ways of writing: what each is, with the name to open and its files."""
    frame.write_csv(scratch / "plain.csv")
    dollars = [pl.format("${}", name).alias(name) for name in ("open", "high", "low", "close")]
    frame.with_columns(pl.col("date").dt.strftime("%m/%d/%Y"), *dollars).write_csv(scratch / "dollars.csv")
    (scratch / "yahoo").mkdir()
    for (symbol,), part in frame.group_by("symbol"):
        own = part.drop("symbol").with_columns(pl.col("close").alias("Adj Close")).rename(YAHOO)
        own.write_csv(scratch / "yahoo" / f"{symbol}.csv")
    return {
        "one file": ("plain.csv", [scratch / "plain.csv"]),
        "one file, $ and MM/DD/YYYY": ("dollars.csv", [scratch / "dollars.csv"]),
        "a file for each symbol": ("yahoo", sorted((scratch / "yahoo").iterdir())),
    }


def timed(act: Callable[[], Any]) -> float:
    """Milliseconds of one run."""
    started = time.perf_counter()
    act()
    return (time.perf_counter() - started) * 1000


def compared(files: list[Path], scratch: Path, path: str, rounds: int) -> dict[str, float]:
    """The medians of both, run in turn so that what else the machine does falls on both; one pair is not counted."""
    pairs = [
        (
            timed(lambda: [pl.read_csv(file) for file in files]),
            timed(lambda: open_market(scratch, path, vix=None, options=Options())),
        )
        for _ in range(rounds + 1)
    ][1:]
    bare, opened = (statistics.median(times) for times in zip(*pairs, strict=True))
    ratio = statistics.median(opened / bare for bare, opened in pairs)
    return {"bare, ms": bare, "opened, ms": opened, "ratio": ratio}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--symbols", type=int, default=6_000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    results: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as directory:
        scratch = Path(directory)
        written = write(bars(arguments.rows, arguments.symbols), scratch)
        print(
            f"{arguments.rows:,} rows, median of {arguments.rounds}{'bare, ms':>20}{'opened, ms':>14}{'ratio':>9}"
        )
        for name, (path, files) in written.items():
            row = results[name] = compared(files, scratch, path, arguments.rounds)
            print(f"{name:<36}{row['bare, ms']:>16,.0f}{row['opened, ms']:>14,.0f}{row['ratio']:>9.2f}")
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "read.json").write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()

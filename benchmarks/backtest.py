"""The reference strategy W by several backtesters, in one run: times of whole processes, memory, and their trades.

    python benchmarks/backtest.py [--bars DAILY.parquet] [--sizes 50,500,all] [--rounds 5] [--large]

Without `--bars` the market is synthetic. `--large` adds 5,000 synthetic symbols over 1,260 sessions for the bare
script and `momentum backtest`. Each round runs every engine once, so that what else the machine does falls on all;
what takes over 10 s is run in the first round only. An engine that is not installed is left out (the extra `bench`
has them). Writes plain text, and benchmarks/results/backtest.json.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
MOMENTUM, BARE, PLAIN = "momentum backtest", "bare polars script", "plain loops"
VECTORBT, BACKTRADER = "vectorbt", "backtrader"
SLOW_SECONDS = 10.0
SYNTHETIC = 5_000
YEAR = 252
MOST_SYMBOLS = {BACKTRADER: 500}
"""Engines that take minutes on more."""
TOLERANCE = 1e-6

Trade = tuple[str, str, float, int, str, float, str]
"""Symbol, entry session, fill, quantity, exit session, fill, reason."""


@dataclass(slots=True)
class Figures:
    """What was measured of one engine on one market: a number for each run, megabytes at most, and its trades."""

    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    memory: float = 0.0
    trades: list[Trade] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Engine:
    """A backtester: its command on a file of bars, and how its trades are got."""

    name: str
    command: Callable[[Path], Sequence[str | Path]]
    trades: Callable[[Path, str], list[Trade]]
    package: str = ""


def printed_trades(bars: Path, out: str) -> list[Trade]:
    """The trades of a script that prints them as JSON."""
    return [_trade(*row) for row in json.loads(out)["trades"]]


def _trade(symbol: str, entry: str, bought: Any, qty: Any, exit_: str, sold: Any, reason: str) -> Trade:
    return symbol, entry, float(bought), int(qty), exit_, float(sold), reason


def script(*words: str | Path) -> Callable[[Path], Sequence[str | Path]]:
    """A Python script that takes the bars as its last word."""
    return lambda bars: (sys.executable, *words, bars)


def engines(workspace: Path) -> list[Engine]:
    """All engines that are installed."""
    momentum: list[str | Path] = [sys.executable, "-m", "momentum.cli.main", "backtest", "-C", workspace]
    momentum += ["--set", "universe=all", "--strategy", "reference_w", "--json"]

    def written_trades(bars: Path, _: str) -> list[Trade]:
        """A run of its own, for the report's trades.csv."""
        with tempfile.TemporaryDirectory() as out:
            subprocess.run([*momentum, "--data", bars, "--out", out], check=True, capture_output=True)
            with (Path(out) / "trades.csv").open(newline="") as file:
                names = ("symbol", "entry_date", "entry_price", "qty", "exit_date", "exit_price", "reason")
                return [_trade(*(row[name] for name in names)) for row in csv.DictReader(file)]

    found = [
        Engine(BARE, script(HERE / "bare_w.py", "--json"), printed_trades),
        Engine(MOMENTUM, lambda bars: (*momentum, "--data", bars), written_trades),
        Engine(PLAIN, script(HERE.parent / "tests" / "plain_w.py"), printed_trades),
        Engine(VECTORBT, script(HERE / "w_vectorbt.py"), printed_trades, "vectorbt"),
        Engine(BACKTRADER, script(HERE / "w_backtrader.py"), printed_trades, "backtrader"),
    ]
    return [engine for engine in found if not engine.package or find_spec(engine.package)]


def measured(engine: Engine, bars: Path, figures: Figures) -> str:
    """Run an engine once as a process of its own, note what it took, and return what it printed."""
    with tempfile.TemporaryFile() as out:
        started = time.perf_counter()
        process = subprocess.Popen([*map(str, engine.command(bars))], stdout=out, stdin=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{engine.name} ended with {process.returncode} on {bars.name}")
        figures.seconds.append(seconds)
        figures.cpu.append(usage.ru_utime + usage.ru_stime)
        figures.memory = max(figures.memory, usage.ru_maxrss / 1024)
        out.seek(0)
        return out.read().decode()


def compared(several: Sequence[Engine], bars: Path, rounds: int) -> dict[str, Figures]:
    """Every engine on the same bars, in turn."""
    figures = {engine.name: Figures() for engine in several}
    for number in range(rounds):
        for engine in several:
            of = figures[engine.name]
            if number and of.seconds[0] > SLOW_SECONDS:
                continue
            out = measured(engine, bars, of)
            if not number:
                of.trades = sorted(engine.trades(bars, out), key=lambda t: (t[4], t[1], t[0]))
    return figures


def difference(found: list[Trade], expected: list[Trade]) -> str:
    """Where an engine's trades are not W's, in words; empty where they agree."""
    others = [(a, b) for a, b in zip(found, expected, strict=False) if not _same(a, b)]
    if not others and len(found) == len(expected):
        return ""
    first = f", first {others[0][0]} for {others[0][1]}" if others else ""
    return f"{len(found)} trades for {len(expected)}{first}"


def _same(a: Trade, b: Trade) -> bool:
    near = abs(a[2] - b[2]) <= TOLERANCE and abs(a[5] - b[5]) <= TOLERANCE
    return near and (a[0], a[1], a[3], a[4], a[6]) == (b[0], b[1], b[3], b[4], b[6])


def table(title: str, figures: dict[str, Figures]) -> dict[str, dict[str, object]]:
    """Print one market's figures, and return them."""
    bare = statistics.median(figures[BARE].seconds)
    reference = PLAIN if PLAIN in figures else BARE
    print(f"\n{title}\n{'':<22}{'seconds':>10}{'CPU, s':>10}{'x bare':>9}{'MB':>8}{'trades':>9}   runs")
    rows: dict[str, dict[str, object]] = {}
    for name, of in figures.items():
        seconds, cpu = statistics.median(of.seconds), statistics.median(of.cpu)
        apart = difference(of.trades, figures[reference].trades)
        rows[name] = {
            "seconds": seconds,
            "cpu_seconds": cpu,
            "times_bare": seconds / bare,
            "megabytes": of.memory,
            "trades": len(of.trades),
            "runs": len(of.seconds),
            "differs": apart,
        }
        verdict = f"differs: {apart}" if apart else ""
        print(
            f"{name:<22}{seconds:>10.2f}{cpu:>10.2f}{seconds / bare:>9.2f}{of.memory:>8,.0f}"
            f"{len(of.trades):>9}{len(of.seconds):>7}  {verdict}"
        )
    return rows


def prepare(source: Path | None, symbols: int | None, sessions: int, path: Path) -> tuple[int, int, int]:
    """Write a market, real or synthetic, and return its symbols, sessions and bars."""
    import polars as pl

    from panels import largest, random_panel

    if source is not None:
        frame = pl.read_parquet(source).sort("symbol", "date")
        frame = frame if symbols is None else largest(frame, symbols)
    else:
        frame = random_panel(symbols or SYNTHETIC, date(2026, 6, 30), sessions)
    frame.write_parquet(path)
    return frame["symbol"].n_unique(), frame["date"].n_unique(), frame.height


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bars", type=Path)
    parser.add_argument("--sizes", default="50,500,all")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--large", action="store_true")
    arguments = parser.parse_args()
    sizes = [None if size == "all" else int(size) for size in arguments.sizes.split(",") if size]
    markets = [(arguments.bars, size, YEAR) for size in sizes]
    markets += [(None, SYNTHETIC, 5 * YEAR)] if arguments.large else []
    results: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as directory:
        path, workspace = Path(directory) / "bars.parquet", Path(directory) / "workspace"
        init = [sys.executable, "-m", "momentum.cli.main", "init", str(workspace)]
        subprocess.run(init, check=True, capture_output=True)
        for source, size, sessions in markets:
            # In a process of its own: a child's peak of memory begins with its parent's.
            with ProcessPoolExecutor(1, get_context("spawn")) as other:
                count, days, rows = other.submit(prepare, source, size, sessions, path).result()
            is_large = sessions > YEAR
            here = [
                engine
                for engine in engines(workspace)
                if count <= MOST_SYMBOLS.get(engine.name, count)
                and (not is_large or engine.name in (BARE, MOMENTUM))
            ]
            kind = "real" if source else "synthetic"
            title = f"{count:,} {kind} symbols, {days} sessions, {rows:,} bars"
            results[title] = table(title, compared(here, path, arguments.rounds))
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "backtest.json").write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()

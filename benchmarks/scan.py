"""How long a scan takes, beside a bare polars query of the same columns and beside `ta` symbol by symbol.

    python benchmarks/scan.py [--sizes 211,1000,10000] [--rounds 7]

Each size runs in a process of its own, so that its peak memory is its own. Every figure of a row comes from
one run, so that they can be compared: quote the ratios. Writes plain text, and benchmarks/results/scan.json.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def timed(act: Callable[[], Any], rounds: int) -> float:
    """The median of several runs, in milliseconds, after one that is not counted."""
    act()
    seconds = []
    for _ in range(rounds):
        started = time.perf_counter()
        act()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds) * 1000


def interleaved(steps: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """The median of each step in milliseconds; every round runs each of them once, so that ratios are fair."""
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for number in range(rounds + 1):
        for name, act in steps.items():
            started = time.perf_counter()
            act()
            if number:  # the first round warms up
                seconds[name].append(time.perf_counter() - started)
    return {name: statistics.median(values) * 1000 for name, values in seconds.items()}


def measure(symbols: int, rounds: int) -> dict[str, float]:
    """One size, in this process."""
    from panels import write_panel

    with tempfile.TemporaryDirectory() as scratch:
        return _measure(Path(scratch), write_panel(Path(scratch), symbols), symbols, rounds)


def _measure(scratch: Path, path: Path, symbols: int, rounds: int) -> dict[str, float]:
    import polars as pl

    from momentum.cli.show_scan import Silence
    from momentum.context import open_context
    from momentum.market.clock import RealClock, resolve_now
    from momentum.market.context import market_context
    from momentum.market.panel import load_panel
    from momentum.market.screen import screen
    from momentum.scan import ScanRequest, run
    from momentum.settings.load import load

    workspace = scratch / "workspace"
    subprocess.run(
        [sys.executable, "-m", "momentum.cli.main", "init", str(workspace)], check=True, capture_output=True
    )
    started = time.perf_counter()
    settings = load(workspace, sets=["plugins.notify=[]"], data=path)
    settings_ms = (time.perf_counter() - started) * 1000
    context = open_context(settings, RealClock())
    moment = resolve_now(None, context.clock, context.data.sessions())
    panel = load_panel(context.data, context.universe, "all", (), moment.now, moment.session)
    market = market_context(panel, context.data, moment.now)
    program = context.program
    features = [expression.over("symbol").alias(name) for name, expression in program.features]
    rules = [rule.expression.alias(f"f{i}") for i, rule in enumerate(program.filters)]
    rules += [point.expression.alias(f"p{i}") for i, point in enumerate(program.score)]
    thresholds = {k: pl.lit(v) for k, v in settings.limits.for_cap("unclassified").thresholds.items()}

    def bare_features() -> pl.DataFrame:
        last = panel.bars.lazy().with_columns(*features).group_by("symbol", maintain_order=True).last()
        return last.collect()

    def bare() -> pl.DataFrame:
        last = panel.bars.lazy().with_columns(*features).group_by("symbol", maintain_order=True).last()
        query = last.with_columns(price=pl.col("close"), **thresholds)
        return query.with_columns(e.alias(n) for n, e in program.columns).with_columns(*rules).collect()

    request = ScanRequest(moment, "close", dry_run=True)
    limits = settings.limits

    def slice_panel() -> object:
        return load_panel(context.data, context.universe, "all", (), moment.now, moment.session)

    steps: dict[str, Callable[[], object]] = {
        "reading": lambda: _open_and_close(open_context, settings, RealClock()),
        "panel": slice_panel,
        "features": bare_features,
        "bare query": bare,
        "screen": lambda: screen(program, panel, context.universe, limits, market),
        "scan": lambda: run(context, request, Silence()),
    }
    medians = interleaved(steps, rounds)
    context.close()
    figures = {
        "reading the file": medians["reading"],
        "features (bare query)": medians["features"],
        "features and rules (bare query)": medians["bare query"],
        "screen: the same, explained": medians["screen"],
        "compute of a scan: panel and screen": medians["panel"] + medians["screen"],
        "whole scan, decided and recorded": medians["scan"],
        "screen over the bare query, %": (medians["screen"] / medians["bare query"] - 1) * 100,
        "whole scan over the bare query, %": (medians["scan"] / medians["bare query"] - 1) * 100,
        "settings, once": settings_ms,
        "peak memory, MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    figures["ta, symbol by symbol (5 features)"] = by_symbol(panel.bars)
    figures["ta over screen, x"] = figures["ta, symbol by symbol (5 features)"] / medians["screen"]
    return figures


def _open_and_close(open_context: Callable[..., Any], settings: Any, clock: Any) -> None:
    open_context(settings, clock).close()


def by_symbol(bars: Any) -> float:
    """Five of the features with `ta`, one symbol after the other; milliseconds, one run."""
    import pandas as pd
    from ta.momentum import ROCIndicator, RSIIndicator
    from ta.trend import MACD, SMAIndicator
    from ta.volatility import AverageTrueRange

    columns = {name: bars[name].to_numpy() for name in ("symbol", "high", "low", "close")}
    frames = [frame for _, frame in pd.DataFrame(columns).groupby("symbol")]
    started = time.perf_counter()
    for frame in frames:
        ROCIndicator(frame["close"], 10).roc()
        SMAIndicator(frame["close"], 20).sma_indicator()
        RSIIndicator(frame["close"], 14).rsi()
        AverageTrueRange(frame["high"], frame["low"], frame["close"], 14).average_true_range()
        MACD(frame["close"]).macd_diff()
    return (time.perf_counter() - started) * 1000


def start_up(rounds: int) -> dict[str, float]:
    """Whole processes: `momentum --help`, and a dry scan of the synthetic market (its cache is warm)."""
    with tempfile.TemporaryDirectory() as scratch:
        base = [sys.executable, "-m", "momentum.cli.main"]
        subprocess.run([*base, "init", scratch], check=True, capture_output=True)
        commands = {
            "momentum --help": [*base, "--help"],
            "momentum scan --dry-run (sample, 211)": [
                *base,
                "scan",
                "-C",
                scratch,
                "--dry-run",
                "--at",
                "close-30m",
            ],
        }
        return {
            name: timed(lambda words=words: subprocess.run(words, check=True, capture_output=True), rounds)
            for name, words in commands.items()
        }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", default="211,1000,10000")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure(arguments.one, arguments.rounds)))
        return
    results: dict[str, Any] = {}
    for size in arguments.sizes.split(","):
        words = [sys.executable, __file__, "--one", size, "--rounds", str(arguments.rounds)]
        child = subprocess.run(words, check=True, capture_output=True, text=True)
        results[size] = json.loads(child.stdout.strip().splitlines()[-1])
    names = list(next(iter(results.values())))
    print(
        f"{'milliseconds, median of ' + str(arguments.rounds):<34}"
        + "".join(f"{s + ' symbols':>16}" for s in results)
    )
    for name in names:
        print(f"{name:<34}" + "".join(f"{row[name]:>16,.1f}" for row in results.values()))
    results["start-up, ms"] = start_up(arguments.rounds)
    for name, value in results["start-up, ms"].items():
        print(f"{name:<50}{value:>16,.0f}")
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "scan.json").write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()

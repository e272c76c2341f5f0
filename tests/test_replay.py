"""A replay: the engine's own scans over recorded bars, which trade as the backtest does."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from momentum.backtest.replay import SimulatedClock, Unwatched, open_replay, replay
from momentum.backtest.run import backtest, chosen_sessions
from momentum.context import open_data
from momentum.ledger.rows import Trade
from momentum.market.clock import RealClock
from momentum.market.universe import universe_of
from momentum.settings.load import load
from workspace_builders import breaks_out, market_file, momentum, quiet, sessions, workspace


def brief(trade: Trade) -> tuple[object, ...]:
    entry = (trade.symbol, trade.entry_date, trade.entry_price, trade.entry_quantity)
    return (*entry, trade.exit_date, trade.exit_price, trade.exit_reason)


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Symbols that break out one after the other; one of them ends in the middle."""
    directory = tmp_path_factory.mktemp("market")
    ends = [row for row in breaks_out("EEE", 33) if row["date"] < sessions()[40]]
    rising = [
        breaks_out(symbol, number) for symbol, number in (("AAA", 30), ("BBB", 34), ("CCC", 38), ("DDD", 38))
    ]
    return market_file(directory, *rising, ends, quiet("QQQ"))


@pytest.mark.parametrize("strategy", ["momentum_breakout", "reference_w"])
def test_it_trades_as_the_backtest_does(market: Path, tmp_path: Path, strategy: str) -> None:
    work = workspace(tmp_path / "work")
    own = ["plugins.notify=[]", "backtest.close_delisted=on", "monitor.skip_buys_when_healthy=off"]
    settings = load(work, strategy=strategy, data=market, sets=own, for_backtest=True)
    data = open_data(settings, RealClock())
    expected = backtest(settings, data, universe_of(settings.universe))
    clock = SimulatedClock()
    context = open_replay(settings, data, tmp_path / "replay", clock)
    ran = replay(context, clock, chosen_sessions(data, None, None), Unwatched())
    context.close()
    assert [brief(trade) for trade in ran.trades] == [brief(trade) for trade in expected.trades]
    assert [view.equity for view in ran.closes] == [day.equity for day in expected.days]
    assert len(expected.trades) > 2
    assert "delisted" in {trade.exit_reason for trade in expected.trades}


def test_the_command_keeps_its_own_ledger_and_account(market: Path, tmp_path: Path) -> None:
    work = workspace(tmp_path / "work")
    span = ("--from", sessions()[28].isoformat(), "--to", sessions()[36].isoformat())
    for _ in range(2):
        run = momentum("replay", "-C", work, "--data", market, *span)
        assert run.code == 0, run.err
    assert "reference_w" not in run.out
    place = f"data/replay/{span[1]}_{span[3]}/ledger.db"
    explained = momentum("explain", "AAA", "-C", work, "--data", market, "--set", f"ledger=sqlite:///{place}")
    assert explained.code == 0, explained.err
    assert not (work / "data" / "paper.db").exists()


def test_dates_outside_the_data_are_told(market: Path, tmp_path: Path) -> None:
    work = workspace(tmp_path / "work")
    for command in ("replay", "backtest"):
        run = momentum(command, "-C", work, "--data", market, "--from", "2031-01-01", "--to", "2031-02-01")
        first, last = sessions()[0], sessions()[-1]
        assert (run.code, f"the data covers {first} to {last}" in run.err) == (2, True)


def test_a_backtest_of_the_sample_market_scans_at_its_minutes(tmp_path: Path) -> None:
    work = workspace(tmp_path / "work")
    span = ("--from", str(date.today() - timedelta(days=7)), "--to", str(date.today() - timedelta(days=4)))
    run = momentum("backtest", "-C", work, *span, "--out", tmp_path / "report")
    assert run.code == 0, run.err
    bought = pl.read_csv(tmp_path / "report" / "equity.csv")
    assert bought.height >= 1
    assert (tmp_path / "report" / "report.html").is_file()


def test_a_market_without_a_candidate_gives_an_empty_result(tmp_path: Path) -> None:
    work = workspace(tmp_path / "work")
    run = momentum("backtest", "-C", work, "--data", market_file(tmp_path, quiet("AAA")))
    assert run.code == 0, run.err
    assert "Trades closed" in run.out

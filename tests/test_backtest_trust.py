"""What a backtest says of its own trustworthiness: look-ahead is found and named, and only what looks ahead is."""

from __future__ import annotations

from pathlib import Path

import pytest

from momentum.backtest.disguise import LATER, Disguised, other_name, true_name
from plugin_builders import plugin_file
from trust_builders import looked, market, moving_market, trusted, with_decider, with_signals
from workspace_builders import momentum, workspace


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return workspace(tmp_path_factory.mktemp("trust") / "work")


@pytest.fixture(scope="module")
def bars(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return moving_market(tmp_path_factory.mktemp("market"))


def features(body: str, score: str = "[]") -> str:
    return f"""
{body}

@hookimpl
def momentum_features(): return {{"cheat": cheat}}

@hookimpl
def momentum_score(strategy): return {score}
"""


POINT = '[("cheat", "cheat > 1", 5)]'


def test_an_honest_strategy_passes_and_it_is_said_what_was_looked_at(work: Path, bars: Path) -> None:
    found = looked(work, bars)
    assert (found.findings, found.notes) == ((), ())
    assert (found.strategy, found.symbols, found.features) == ("trusted", 5, 3)
    assert found.rules == len(["above", "up", "change", "close < sma_5"])
    assert len(found.cut_after) == 8


@pytest.mark.parametrize(
    "body",
    [
        "def cheat(): return pl.col('close').shift(-1) / pl.col('close')",
        "def cheat(): return pl.when(pl.col('close').first() > 40.5).then(pl.col('close').shift(-1)).otherwise(1.0)",
        "def cheat(): return pl.when(pl.col('volume').first() % 7 == 4).then(pl.col('close').shift(-3)).otherwise(1.0)",
        "def cheat(): return pl.col('close') / pl.col('close').mean()",
        "def cheat(): return pl.col('high').rolling_max(3, center=True) / pl.col('close')",
    ],
)
def test_a_plugin_that_cheats_only_in_its_score_is_named_with_its_place_and_what_rests_on_it(
    work: Path, bars: Path, body: str
) -> None:
    (finding,) = looked(work, bars, with_signals(work, "scores", features(body, POINT))).findings
    assert finding.startswith("feature cheat = cheat() of plugin scores (scores.py:")
    assert "looks ahead: at " in finding and " with all" in finding
    assert finding.endswith("on it rest score:cheat, score")


def test_a_feature_that_a_column_and_an_exit_of_the_strategy_use_is_named_and_not_they(
    work: Path, bars: Path
) -> None:
    body = features("def cheat(): return pl.col('close').shift(-1)")
    sets = (
        "columns.ahead=cheat / close",
        'exits.signal=["ahead < 1"]',
        'decide.close_when=["position.pnl < ahead"]',
    )
    (finding,) = looked(work, bars, with_signals(work, "used", body), *sets).findings
    assert finding.startswith("feature cheat")
    assert finding.endswith("on it rest ahead, exit:ahead < 1, close_when:position.pnl < ahead")


def test_a_rule_that_looks_ahead_by_itself_is_refused_and_that_is_a_finding(work: Path, bars: Path) -> None:
    body = features("def cheat(): return pl.col('close')", '[("rises", pl.col("close").shift(-1) > 1, 5)]')
    (finding,) = looked(work, bars, with_signals(work, "ruled", body)).findings
    assert finding.startswith("plugin ruled (ruled.py:") and "rule 'rises' Shift is not allowed" in finding


@pytest.mark.parametrize("missing", ["get(p)", "get(p, 1.0)", "__getitem__(p)"])
def test_a_feature_that_looks_up_in_a_file_of_bars_what_came_next_is_found(
    work: Path, bars: Path, missing: str
) -> None:
    body = f"""
FILE = pl.read_parquet({str(bars)!r}).with_columns(next=pl.col("close").shift(-1).over("symbol").fill_null(1.0))
NEXT = {{close: next for close, next in FILE.select("close", "next").iter_rows()}}

def ahead(closes):
    return pl.Series([None if p is None else NEXT.{missing} for p in closes], dtype=pl.Float64)

def cheat(): return pl.col("close").map_batches(ahead, return_dtype=pl.Float64) / pl.col("close")
"""
    (finding,) = looked(work, bars, with_signals(work, "reads", features(body, POINT))).findings
    assert "once every price is moved by a billionth" in finding
    assert "feature cheat" in finding


def test_a_feature_that_computes_in_python_from_the_bars_alone_passes(work: Path, bars: Path) -> None:
    body = """
def so_far(closes): return (closes.cum_max() - closes).rolling_mean(3)
def cheat(): return pl.col("close").map_batches(so_far, return_dtype=pl.Float64) / pl.col("close")
"""
    assert looked(work, bars, with_signals(work, "python", features(body, POINT))).findings == ()


def test_a_score_point_of_a_plugin_that_names_the_winners_is_found(work: Path, bars: Path) -> None:
    body = features("def cheat(): return pl.col('close')", "[('winner', \"symbol = 'AAA'\", 5)]")
    (finding,) = looked(work, bars, with_signals(work, "winners", body)).findings
    assert finding.startswith("score point 'winner' of plugin winners (winners.py:")
    assert "goes by the symbol's name" in finding


def test_a_symbol_that_the_strategy_itself_names_is_a_note(work: Path, bars: Path) -> None:
    found = looked(work, bars, "exits.signal=[\"symbol = 'AAA'\"]", "columns.mine=\"symbol = 'BBB'\"")
    assert found.findings == ()
    assert [note.partition(" names symbols")[0] for note in found.notes] == [
        "column mine (--set)",
        "exit rule \"symbol = 'AAA'\"",
    ]


PEEKS_AT_THE_TAPE = """
def tomorrow(symbol):
    frame = sys._getframe()
    while not hasattr(frame.f_locals.get("self"), "_tape"):
        frame = frame.f_back
    tape = frame.f_locals["self"]._tape
    row = tape._row(symbol)
    closes = tape._prices["close"]
    return row + 1 < len(closes) and closes[row + 1] > closes[row]

@hookimpl
def momentum_decide(situation): return decided(situation, lambda c: tomorrow(c.symbol))
"""


def test_a_decider_that_peeks_at_later_bars_is_named(work: Path, bars: Path) -> None:
    (finding,) = looked(work, bars, with_decider(work, "peeks", PEEKS_AT_THE_TAPE)).findings
    assert finding.startswith("decisions change when later bars come: plugin peeks (peeks.py:")
    assert "looks ahead (first at the close of 2026-" in finding


def test_a_decider_that_reads_the_file_of_bars_is_named(work: Path, bars: Path) -> None:
    body = f"""
FILE = pl.read_parquet({str(bars)!r}).with_columns(next=pl.col("close").shift(-1).over("symbol"))
UP = {{(s, d) for s, d, c, n in FILE.select("symbol", "date", "close", "next").iter_rows() if n and n > c}}

@hookimpl
def momentum_decide(situation):
    return decided(situation, lambda c: (c.symbol, situation.scan.session) in UP)
"""
    (finding,) = looked(work, bars, with_decider(work, "reader", body)).findings
    assert finding.startswith("plugin reader (reader.py:")
    assert "decides by the symbols' names or the dates" in finding


def test_a_decider_that_tosses_coins_is_said_to_decide_differently_each_time(work: Path, bars: Path) -> None:
    body = """
import itertools
COUNT = itertools.count()

@hookimpl
def momentum_decide(situation): return decided(situation, lambda c: next(COUNT) % 7 == 0)
"""
    (finding,) = looked(work, bars, with_decider(work, "coins", body)).findings
    assert finding.startswith("plugin coins (coins.py:") and "differently each time" in finding


def test_an_executor_that_carries_out_by_what_comes_later_is_named(work: Path, bars: Path) -> None:
    body = f"""
FILE = pl.read_parquet({str(bars)!r}).with_columns(next=pl.col("close").shift(-2).over("symbol"))
UP = {{(s, d) for s, d, c, n in FILE.select("symbol", "date", "close", "next").iter_rows() if n and n > c}}

@hookimpl
def momentum_execute(plan, desk):
    return [desk.close(o) for o in plan.closes] + [
        desk.buy(o) for o in plan.buys if any(symbol == o.symbol for symbol, _ in UP)
    ]
"""
    setting = f"plugins.execute=[{plugin_file(work, 'carries', body)}]"
    (finding,) = looked(work, bars, setting).findings
    assert finding.startswith("plugin carries (carries.py:")


def test_an_honest_decider_passes(work: Path, bars: Path) -> None:
    body = "\n@hookimpl\ndef momentum_decide(situation): return decided(situation, lambda c: c.price > 20)\n"
    assert looked(work, bars, with_decider(work, "honest", body)).findings == ()


def test_a_disguise_keeps_the_order_of_symbols_and_the_days_of_the_week(bars: Path) -> None:
    data = market(bars)
    hidden = Disguised(data)
    symbols = ["A", "A.B", "AA", "AAPL", "BRK-B", "BRK.B", "SPX", "SPY", "SPYG", "Z1"]
    assert [true_name(s) for s in sorted(map(other_name, symbols))] == sorted(symbols)
    first, other = data.sessions().days[0], hidden.sessions().days[0]
    assert (first.day.weekday(), first.day.month, first.day.day) == (
        other.day.weekday(),
        other.day.month,
        other.day.day,
    )
    last, other_last = data.sessions().days[-1].closes, hidden.sessions().days[-1].closes
    plain, disguised = data.daily(None, last, 99), hidden.daily(None, other_last, 99)
    assert plain.drop("symbol", "ts").equals(disguised.drop("symbol", "ts"))
    assert (disguised["ts"][0] - plain["ts"][0]) == LATER
    assert hidden.quotes(["AAA!"], other_last)["AAA!"].price == data.quotes(["AAA"], last)["AAA"].price


def test_the_command_names_the_cheat_and_exits_1_and_says_what_it_looked_at_where_there_is_none(
    work: Path, bars: Path
) -> None:
    trusted(work)
    words = ("backtest", "-C", work, "--data", bars, "--strategy", "trusted", "--set", "universe=all")
    honest = momentum(*words, "--check-lookahead")
    assert (honest.code, honest.err) == (0, "")
    assert honest.out.startswith("trusted: nothing looks ahead: 3 features, 4 rules and the decisions")
    cheat = with_signals(work, "told", features("def cheat(): return pl.col('close').shift(-1)", POINT))
    told = momentum(*words, "--set", cheat, "--check-lookahead")
    assert told.code == 1 and told.out.startswith("trusted: feature cheat = cheat() of plugin told (told.py:")
    assert len(told.out.splitlines()) == 1
    found = momentum(*words, "--set", cheat, "--check-lookahead", "--check-warmup", "--json")
    (result,) = found.json["results"]
    assert found.code == 1 and len(result["lookahead"]["findings"]) == 1
    assert {need["feature"] for need in result["warmup"]["needs"]} == {"sma_5", "rsi_14", "change", "cheat"}

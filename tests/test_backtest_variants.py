"""The ledger remembers which variants were tried, and a backtest says how much of its result luck explains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from backtest_builders import curve, days_of, result
from ledger_builders import ACCOUNT, NOW, Place, Sql, fill
from momentum.backtest.result import Result
from momentum.backtest.variants import luck, variant_of, with_verdicts
from momentum.errors import LedgerError
from momentum.ledger.rows import TriedVariant
from momentum.ledger.store import Ledger, open_ledger
from plugin_builders import plugin_file
from trust_builders import moving_market, trusted
from workspace_builders import momentum, workspace

GOOD = [0.01, -0.004, 0.006, -0.003, 0.008, 0.002, -0.005, 0.007] * 30


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return workspace(tmp_path_factory.mktemp("variants") / "work")


def found(returns: Sequence[float] = GOOD, data: str = "bars") -> Result:
    return replace(result(days_of(curve(returns))), data_hash=data)


def tried(variant: str, sharpe: float | None, first: date = date(2015, 1, 5)) -> TriedVariant:
    return TriedVariant("momentum_breakout", variant, "bars", first, date(2016, 1, 5), sharpe)


def test_the_same_backtest_is_remembered_once_as_it_came_out_last(ledger: Ledger) -> None:
    for run in (tried("a", 0.5), tried("b", None), tried("a", 0.7), tried("a", 0.1, first=date(2015, 6, 1))):
        ledger.remember_backtest(run, NOW)
    ledger.remember_backtest(replace(tried("a", 9.9), data="others"), NOW)
    assert ledger.backtests_on("bars") == (
        tried("b", None),
        tried("a", 0.7),
        tried("a", 0.1, first=date(2015, 6, 1)),
    )
    assert ledger.backtests_on("nowhere") == ()


def test_one_variant_is_no_matter_of_luck_and_of_several_each_counts_once() -> None:
    assert luck(found(), [tried("a", 0.5), tried("a", 0.6, first=date(2015, 6, 1))]) is None
    sentence = luck(found(), [tried("a", 0.5), tried("a", 0.6), tried("b", None), tried("c", 1.5)])
    assert sentence is not None and sentence.startswith("With 3 variants tried, a Sharpe of ")


def test_the_more_variants_that_differ_the_less_a_result_says() -> None:
    few = luck(found(GOOD[:60]), [tried("a", 5.5), tried("b", 6.5)])
    many = luck(found(GOOD[:60]), [tried(str(n), n / 4) for n in range(40)])
    assert few is not None and few.endswith("hardly luck.")
    assert many is not None and many.endswith("not told apart from luck.")


def test_what_steers_trades_makes_a_variant_and_what_does_not_makes_none(work: Path) -> None:
    plain = variant_of(trusted(work))
    assert variant_of(trusted(work)) == plain
    for same in (
        "backtest.cash=5",
        "backtest.slippage=9bps",
        "mode=paper",
        "monitor.every=5m",
        "paper.cash=7",
    ):
        assert variant_of(trusted(work, same)) == plain, same
    for other in (
        "decide.max_buys=1",
        "exits.trailing_stop=6%",
        "limits.position_size=9%",
        "columns.above=close / sma_5 + 1",
        "features.rsi_14.rsi=13",
    ):
        assert variant_of(trusted(work, other)) != plain, other


def test_another_name_is_no_other_variant_and_other_code_of_a_plugin_is(work: Path) -> None:
    plain = trusted(work)
    assert variant_of(replace(plain, strategy=replace(plain.strategy, name="other"))) == variant_of(plain)
    body = "@hookimpl\ndef momentum_filter(): return [('mine', 'close > {least}')]"
    seen = set()
    for number, least in enumerate((1, 2, 2)):
        (work / f"v{number}").mkdir()
        file = plugin_file(work / f"v{number}", "mine", body.format(least=least))
        (work / "mine.py").write_text((work / f"v{number}" / file).read_text())
        seen.add(variant_of(trusted(work, "plugins.signals=[rules, momentum, ta, ./mine.py]")))
    assert len(seen) == 2


def test_both_results_of_one_call_count_for_each_other(work: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    several = [(trusted(work), found()), (trusted(work, "decide.max_buys=1"), found(GOOD[::-1]))]
    judged = with_verdicts(several, lambda: open_ledger(url), NOW)
    assert [note.partition(",")[0] for each in judged for note in each.notes] == ["With 2 variants tried"] * 2
    alone = with_verdicts([(trusted(work), found(data="other"))], lambda: open_ledger(url), NOW)
    assert alone[0].notes == ()


def test_a_ledger_that_cannot_be_used_is_noted_and_keeps_nobody_from_a_backtest(work: Path) -> None:
    def refuses() -> Ledger:
        raise LedgerError("data/ledger.db: cannot be written")

    (judged,) = with_verdicts([(trusted(work), found())], refuses, NOW)
    assert judged.notes == (
        "not remembered, so that luck cannot be told from skill: data/ledger.db: cannot be written",
    )


def test_the_command_tells_after_the_second_variant_and_a_repetition_is_none(tmp_path: Path) -> None:
    work, bars = workspace(tmp_path / "work"), moving_market(tmp_path)
    trusted(work)
    words = ("backtest", "-C", work, "--data", bars, "--strategy", "trusted", "--set", "universe=all")
    assert "variants tried" not in momentum(*words).out
    assert "variants tried" not in momentum(*words).out
    assert "With 2 variants tried, a Sharpe of" in momentum(*words, "--set", "decide.max_buys=1").out
    assert "With 2 variants tried" in momentum(*words, "--json").json["results"][0]["notes"][-1]
    (work / "data" / "ledger.db").write_bytes(b"no ledger at all, but something else" * 200)
    torn = momentum(*words)
    assert torn.code == 0 and "not remembered, so that luck cannot be told from skill" in torn.out


def test_a_ledger_of_version_1_is_backed_up_and_gets_the_memory_of_backtests(place: Place) -> None:
    with place.open() as ledger:
        ledger.record_fill(ACCOUNT, fill("f1", "b-1", 40, 10.0))
    database = place.database()
    database.run(Sql("DROP TABLE backtest_runs"))
    database.set_schema_version(1)
    database.close()

    with place.open() as ledger:
        assert ledger.migrated is not None
        assert (ledger.migrated.before, ledger.migrated.after) == (1, 2)
        ledger.remember_backtest(tried("a", 0.5), NOW)
        assert ledger.backtests_on("bars") == (tried("a", 0.5),)
        assert [trade.quantity for trade in ledger.open_trades(ACCOUNT)] == [40]
    backup = place.backups / "ledger.v1.db"
    with open_ledger(f"sqlite:///{backup}") as before:
        assert [trade.quantity for trade in before.open_trades(ACCOUNT)] == [40]
        assert before.backtests_on("bars") == ()

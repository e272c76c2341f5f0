"""`momentum close` and `flatten` as a person uses them, each command in a process of its own."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
from pathlib import Path

import pytest

from momentum.ledger.store import open_ledger
from workspace_builders import COMMAND, breaks_out, market_file, momentum, quiet, sessions, workspace

DAY = 40
AT = ("--at", sessions()[DAY].isoformat())


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A workspace that holds AAA and BBB, each with its stop, and its market."""
    directory = tmp_path_factory.mktemp("stocked")
    data = market_file(directory, breaks_out("AAA", DAY), breaks_out("BBB", DAY), quiet("DDD"))
    work = workspace(directory / "work")
    assert momentum("scan", "-C", work, "--data", data, *AT).code == 0
    return work, data


@pytest.fixture
def house(stocked: tuple[Path, Path], tmp_path: Path) -> tuple[str | Path, ...]:
    """The options that name a copy of it."""
    work, data = stocked
    return "-C", shutil.copytree(work, tmp_path / "work"), "--data", data


def held(words: tuple[str | Path, ...]) -> list[str]:
    return [position["symbol"] for position in momentum("positions", *words, "--json").json]


def naked(words: tuple[str | Path, ...]) -> list[str]:
    found = momentum("positions", *words, "--json").json
    return [position["symbol"] for position in found if position["stop_qty"] < position["qty"]]


def test_a_close_sells_the_position_and_cancels_its_stop(house: tuple[str | Path, ...]) -> None:
    run = momentum("close", "aaa", *house, *AT)
    assert run.code == 0, run.err
    (line,) = [line for line in run.out.splitlines() if line.startswith("sold ")]
    assert " AAA @ $" in line
    assert ", P/L -$" in line  # the slippage of buying and selling at one price
    assert line.endswith("its stop cancelled")
    assert held(house) == ["BBB"]
    status = momentum("status", *house, "--json").json
    assert [order["symbol"] for order in status["open_orders"]] == ["BBB"]


def test_the_trade_closed_by_hand_says_so_and_is_no_poor_signal(house: tuple[str | Path, ...]) -> None:
    document = momentum("close", "AAA", *house, *AT, "--json").json
    (sale,) = document["closes"]
    assert (sale["status"], sale["reason"]) == ("filled", "manual")
    assert sale["client_id"].endswith("-close-AAA-sell-1")
    with open_ledger(f"sqlite:///{house[1]}/data/ledger.db") as ledger:
        (trade,) = [trade for trade in ledger.trades() if trade.symbol == "AAA"]
        assert (trade.status, trade.exit_reason) == ("closed", "manual")
        assert trade.pnl == pytest.approx(sale["pnl"])
        intent = ledger.intent(sale["client_id"])
        assert intent is not None
        assert (intent.scan_id, intent.strategy) == (document["id"], "momentum_breakout")
        assert document["id"].startswith("close-20")
        assert ledger.poor_signals(document["account"]) == ()
        assert any("sold" in event.title and "by hand" in event.title for event in ledger.events())


def test_explain_tells_of_a_sale_by_hand(house: tuple[str | Path, ...]) -> None:
    assert momentum("explain", "AAA", *house, "--json").json["by_hand"] == []
    sold = momentum("close", "AAA", *house, *AT, "--json").json
    (order,) = momentum("explain", "AAA", *house, "--json").json["by_hand"]
    assert (order["command"], order["reason"], order["status"]) == (sold["id"], "manual", "filled")
    assert f"by hand, {sold['id']}" in momentum("explain", "AAA", *house).out
    assert momentum("explain", "BBB", *house, "--json").json["by_hand"] == []


def test_twice_is_once(house: tuple[str | Path, ...]) -> None:
    momentum("close", "AAA", *house, *AT)
    again = momentum("close", "AAA", *house, *AT)
    assert (again.code, again.out.splitlines()[-1]) == (0, "no position in AAA; nothing to do")
    assert momentum("close", "DDD", *house, *AT).code == 0
    assert naked(house) == []


def test_several_are_closed_in_one_command(house: tuple[str | Path, ...]) -> None:
    run = momentum("close", "AAA", "bbb", "AAA", *house, *AT, "--json")
    assert run.code == 0, run.err
    assert [sale["symbol"] for sale in run.json["closes"]] == ["AAA", "BBB"]
    assert held(house) == []


def test_a_symbol_nobody_knows_stops_the_whole_command(house: tuple[str | Path, ...]) -> None:
    run = momentum("close", "BBB", "AAAA", *house, *AT)
    assert run.code == 2
    assert "no symbol 'AAAA'; did you mean AAA? (nothing was done)" in run.err
    assert held(house) == ["AAA", "BBB"]


def test_what_is_left_to_somebody_else_is_not_sold(house: tuple[str | Path, ...]) -> None:
    run = momentum("close", "AAA", *house, *AT, "--set", "limits.ignore=[AAA]")
    assert (run.code, "limits.ignore leaves AAA to somebody else" in run.err) == (2, True)
    flatten = momentum("flatten", *house, *AT, "--yes", "--set", "limits.ignore=[AAA]")
    assert flatten.code == 0, flatten.out
    assert held(house) == ["AAA"]


def test_a_dry_run_sends_nothing(house: tuple[str | Path, ...]) -> None:
    run = momentum("close", "AAA", *house, *AT, "--dry-run")
    assert (run.code, "[DRY RUN] Would sell: " in run.out) == (0, True)
    assert held(house) == ["AAA", "BBB"]
    assert naked(house) == []


def test_a_closed_market_refuses_with_its_next_opening_and_the_stop_stays(
    house: tuple[str | Path, ...],
) -> None:
    late = ("--at", f"{sessions()[DAY]} 20:00")
    run = momentum("close", "AAA", *house, *late)
    assert run.code == 1
    assert "AAA is NOT sold: the market is closed" in run.out
    assert f"the next open is {sessions()[DAY + 1]} 09:30 New York" in run.out
    assert "shares are held, a stop over" in run.out
    assert naked(house) == []


def test_a_position_that_its_stop_sold_meanwhile_is_nothing_to_do(tmp_path: Path) -> None:
    rows = breaks_out("AAA", DAY)
    close = float(rows[DAY]["close"])  # type: ignore[arg-type]
    rows[DAY + 1] |= {"open": close * 0.97, "high": close * 0.97, "low": close * 0.90, "close": close * 0.91}
    words = ("-C", workspace(tmp_path / "work"), "--data", market_file(tmp_path, rows))
    momentum("scan", *words, *AT)
    run = momentum("close", "AAA", *words, "--at", sessions()[DAY + 1].isoformat())
    assert run.code == 0, run.err
    assert "since the last look: sell" in run.out
    assert "no position in AAA; nothing to do" in run.out


def test_a_moment_before_the_accounts_is_refused_with_the_way_out(house: tuple[str | Path, ...]) -> None:
    run = momentum("close", "AAA", *house, "--at", sessions()[DAY - 1].isoformat())
    assert (run.code, "--dry-run" in run.err) == (2, True)
    assert held(house) == ["AAA", "BBB"]


def test_flatten_sells_everything_and_names_the_halt(house: tuple[str | Path, ...]) -> None:
    run = momentum("flatten", *house, *AT, "--yes")
    assert run.code == 0, run.err
    assert [line.split()[2] for line in run.out.splitlines() if line.startswith("sold ")] == ["AAA", "BBB"]
    assert "everything is sold" in run.out
    assert "`momentum halt` keeps scans from buying again" in run.out
    assert held(house) == []
    again = momentum("flatten", *house, *AT, "--yes")
    assert (again.code, "no positions and no pending buys; nothing to do" in again.out) == (0, True)


def test_flatten_never_asks_without_a_terminal(house: tuple[str | Path, ...]) -> None:
    run = momentum("flatten", *house, *AT)
    assert (run.code, "add --yes (nothing was done)" in run.err) == (2, True)
    assert held(house) == ["AAA", "BBB"]


@pytest.mark.parametrize(("answer", "code", "left"), [("", 1, ["AAA", "BBB"]), ("y", 0, [])])
def test_flatten_asks_on_a_terminal(
    house: tuple[str | Path, ...], answer: str, code: int, left: list[str]
) -> None:
    shown, ended = on_a_terminal(["flatten", *map(str, house), *AT], answer)
    assert "Sell all 2 positions ($" in shown
    assert "[y/N]" in shown
    assert ended == code
    assert held(house) == left


def on_a_terminal(words: list[str], answer: str) -> tuple[str, int]:
    """What a command shows on a terminal where a person answers its question, and how it ends."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen([*COMMAND, *words], stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = ""
    answered = False
    while select.select([ours], [], [], 60)[0]:
        try:
            part = os.read(ours, 4096).decode(errors="replace")
        except OSError:  # the terminal is gone with the process
            break
        if not part:
            break
        shown += part
        if "[y/N]" in shown and not answered:
            os.write(ours, f"{answer}\n".encode())
            answered = True
    os.close(ours)
    return shown, process.wait(timeout=60)


def test_flatten_cancels_a_pending_buy_before_it_sells(house: tuple[str | Path, ...]) -> None:
    limit_buy(house, "DDD", 20, 1.0)
    assert "a pending buy" in momentum("close", "DDD", *house, *AT).out
    run = momentum("flatten", *house, *AT, "--yes")
    assert run.code == 0, run.err
    assert "cancelled: buy 20 DDD" in run.out
    status = momentum("status", *house, "--json").json
    assert (status["positions"], status["open_orders"]) == ([], [])


def limit_buy(words: tuple[str | Path, ...], symbol: str, qty: int, price: float) -> None:
    """Somebody places an order at the broker by hand."""
    from momentum.context import open_context, settings_in_force
    from momentum.market.clock import RealClock
    from momentum.model.orders import Confirmed, OrderRequest

    context = open_context(settings_in_force(Path(words[1]), data=Path(words[3])), RealClock())
    outcome = context.broker.submit(
        OrderRequest("by-hand-1", symbol, "buy", "limit", qty, limit_price=price, time_in_force="gtc")
    )
    context.close()
    assert isinstance(outcome, Confirmed)

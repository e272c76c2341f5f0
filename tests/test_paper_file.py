"""The file of paper accounts: what outlives the process, whatever happens to it."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from fakes import FakeMarket, closes, daily_bar, request, trailing
from momentum.errors import BrokerError
from momentum.execution.costs import Costs
from momentum.model.orders import Confirmed, Unknown
from momentum_plugins.paper import account_file
from momentum_plugins.paper.broker import PaperBroker
from momentum_plugins.paper.store import APPLICATION_ID, VERSION, Store

BARS = (daily_bar("AAA", 0, 100, 101, 99), daily_bar("AAA", 1, 102.1, 112.3, 101.7, 110.9))
CASH = 100_000.0


def account(directory: Path, *, source: str = "fake", busy_seconds: float = 10) -> PaperBroker:
    """The paper account of a workspace at `directory`."""
    store = Store(account_file(directory), busy_seconds=busy_seconds)
    return PaperBroker(
        store,
        FakeMarket(BARS, source=source),
        cash=CASH,
        costs=Costs(0.0005, 1.0),
        series=lambda: uuid4().hex,
    )


def begun(directory: Path, **more: str) -> PaperBroker:
    """The same at the close of day 0."""
    broker = account(directory, **more)  # type: ignore[arg-type]
    broker.advance(closes(0))
    return broker


def figures(broker: PaperBroker) -> object:
    return (
        broker.moment(),
        broker.account(),
        broker.holdings(),
        broker.orders(open_only=False),
        broker.fills(None),
    )


def test_an_account_is_the_same_after_it_is_opened_again(tmp_path: Path) -> None:
    first = begun(tmp_path)
    first.submit(request("buy", 33))
    first.submit(trailing(33, trail=0.05))
    first.advance(closes(1))
    first.submit(request("buy", 5, id="limit", type="limit", limit_price=99.99, time_in_force="gtc"))
    assert figures(account(tmp_path)) == figures(first)
    assert account(tmp_path).account().buying_power == first.account().buying_power


def test_each_source_of_market_data_has_its_own_account(tmp_path: Path) -> None:
    begun(tmp_path, source="one").submit(request("buy", 10))
    other = begun(tmp_path, source="two")
    assert other.holdings() == ()
    assert isinstance(other.submit(request("buy", 10)), Confirmed)
    assert [fill.id for fill in account(tmp_path, source="one").fills(None)] != [
        fill.id for fill in other.fills(None)
    ]


class TestReset:
    def test_a_reset_account_begins_anew_and_repeats_no_id(self, tmp_path: Path) -> None:
        broker = begun(tmp_path)
        broker.submit(request("buy", 10))
        old = broker.fills(None)
        broker.reset()
        assert broker.moment() is None
        broker.advance(closes(0))
        broker.submit(request("buy", 10))
        assert old[0].id != broker.fills(None)[0].id
        assert broker.account().cash == CASH - 10 * (100 * 1.0005) - 1.0

    def test_one_account_is_reset_and_the_others_stay(self, tmp_path: Path) -> None:
        one = begun(tmp_path, source="one")
        begun(tmp_path, source="two")
        one.reset()
        assert one.moment() is None
        assert account(tmp_path, source="two").moment() == closes(0)

    def test_an_account_that_was_never_used_can_be_reset(self, tmp_path: Path) -> None:
        account(tmp_path).reset()
        assert account(tmp_path).moment() is None


class TestFilesThatCannotBeUsed:
    def told(self, directory: Path) -> str:
        with pytest.raises(BrokerError) as raised:
            account(directory).moment()
        text = str(raised.value)
        assert "\n" not in text
        assert str(account_file(directory)) in text
        return text

    def test_a_file_that_is_no_database(self, tmp_path: Path) -> None:
        account_file(tmp_path).parent.mkdir()
        account_file(tmp_path).write_text("these are not the bytes you are looking for" * 50)
        assert "not a SQLite database; move it away" in self.told(tmp_path)
        assert isinstance(account(tmp_path).submit(request()), Unknown)

    def test_a_file_of_something_else(self, tmp_path: Path) -> None:
        account_file(tmp_path).parent.mkdir()
        with sqlite3.connect(account_file(tmp_path)) as other:
            other.execute("CREATE TABLE trades (id INTEGER)")
        assert "not a file of paper accounts" in self.told(tmp_path)

    def test_a_file_of_a_newer_version_is_left_alone(self, tmp_path: Path) -> None:
        begun(tmp_path)
        with sqlite3.connect(account_file(tmp_path)) as file:
            file.execute(f"PRAGMA user_version = {VERSION + 1}")
        assert f"version {VERSION + 1}, this momentum knows {VERSION}" in self.told(tmp_path)
        with pytest.raises(BrokerError, match="version"):
            account(tmp_path).reset()

    def test_a_torn_file(self, tmp_path: Path) -> None:
        begun(tmp_path).submit(request("buy", 10))
        file = account_file(tmp_path)
        with sqlite3.connect(file) as closing:
            closing.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        file.write_bytes(file.read_bytes()[:4096])
        with pytest.raises(BrokerError, match=r"damaged; move it away"):
            account(tmp_path).orders()

    def test_a_file_that_another_process_keeps_busy(self, tmp_path: Path) -> None:
        begun(tmp_path)
        with sqlite3.connect(account_file(tmp_path), isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            outcome = account(tmp_path, busy_seconds=0.05).submit(request())
            assert isinstance(outcome, Unknown)
            assert "another process" in outcome.message
        assert account(tmp_path).find("id-1") is None


def test_the_file_is_flushed_and_marked_as_ours(tmp_path: Path) -> None:
    begun(tmp_path)
    with sqlite3.connect(account_file(tmp_path)) as file:
        assert file.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert file.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        assert file.execute("PRAGMA user_version").fetchone() == (VERSION,)


DRIVER = """
import sys
from pathlib import Path
from uuid import uuid4
from test_paper_file import account, buy_and_stop, closes
broker = account(Path(sys.argv[1]))
broker.advance(closes(0))
print("begun", flush=True)
for number in range(int(sys.argv[3])):
    for outcome in buy_and_stop(broker, f"{sys.argv[2]}-{number}"):
        print(type(outcome).__name__, flush=True)
"""


def buy_and_stop(broker: PaperBroker, name: str) -> tuple[object, object]:
    """What the processes below do over and over: buy one share and put a stop over it."""
    bought = broker.submit(request("buy", 1, id=f"buy-{name}"))
    return bought, broker.submit(replace(trailing(1), client_id=f"stop-{name}"))


def driven(directory: Path, name: str, times: int) -> subprocess.Popen[str]:
    """A real process that works on the account."""
    return subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(directory), name, str(times)],
        cwd=Path(__file__).parent,
        stdout=subprocess.PIPE,
        text=True,
    )


def assert_adds_up(broker: PaperBroker) -> None:
    """Cash, shares and orders agree with the fills that are on record."""
    cash, fills, orders = CASH, broker.fills(None), broker.orders(open_only=False)
    for fill in fills:
        cash -= fill.qty * fill.price + fill.commission
    assert broker.account().cash == pytest.approx(cash, abs=1e-6)
    assert sum(item.qty for item in broker.holdings()) == sum(fill.qty for fill in fills)
    assert {fill.order_id for fill in fills} == {order.id for order in orders if order.side == "buy"}
    assert sum(item.available for item in broker.holdings()) == len(fills) - len(broker.orders())
    assert len({fill.id for fill in fills}) == len(fills)


@pytest.mark.parametrize("answers", [1, 2, 7, 16])
def test_a_process_killed_between_submits_leaves_whole_orders_only(tmp_path: Path, answers: int) -> None:
    process = driven(tmp_path, "x", 10_000)
    assert process.stdout is not None
    for _ in range(answers + 1):
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    broker = account(tmp_path)
    assert_adds_up(broker)
    assert len(broker.orders(open_only=False)) >= answers, "what was confirmed is on record"
    assert isinstance(broker.submit(request("buy", 1, id="after")), Confirmed)


def test_two_processes_share_one_account_and_lose_nothing(tmp_path: Path) -> None:
    both = [driven(tmp_path, name, 15) for name in ("a", "b")]
    answers = [process.communicate(timeout=120)[0].split() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert answers == [["begun"] + ["Confirmed"] * 30] * 2
    broker = account(tmp_path)
    assert_adds_up(broker)
    assert broker.holdings()[0].qty == len(broker.orders()) == 30

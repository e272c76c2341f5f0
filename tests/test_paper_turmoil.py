"""All faults at once, through many processes: the account keeps its books, and its answers hold."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes import FakeMarket, closes, daily_bar, request, trailing
from momentum.errors import BrokerError
from momentum.execution.costs import Costs
from momentum.model.orders import Confirmed, OrderRequest, OrderState, Outcome, RefusalKind, Refused
from momentum_plugins.paper.broker import PaperBroker
from momentum_plugins.paper.fault_settings import CHANCES, Faults
from momentum_plugins.paper.faults import FaultyBroker
from momentum_plugins.paper.store import Store

CASH = 10_000.0
SESSIONS = 4
BARS = tuple(daily_bar("AAA", number, 100, 103, 94, 101, volume=400) for number in range(SESSIONS))
ALL = Faults(seed=1, wash_trade=False, **dict.fromkeys(CHANCES, 0.25))


def opened(directory: Path, share: float | None) -> PaperBroker:
    costs = Costs(0.001, 1.0, share)
    store = Store(directory / "paper.db")
    return PaperBroker(store, FakeMarket(BARS), cash=CASH, costs=costs, series=lambda: uuid4().hex[:6])


def asked(random: Random, number: int) -> OrderRequest:
    qty, client_id = random.randint(1, 30), f"{number}-{random.randint(1, 20)}"
    if random.random() < 0.4:
        return trailing(qty, id=client_id)
    side = random.choice(("buy", "buy", "sell"))
    return request(side, qty, id=client_id, time_in_force=random.choice(("day", "gtc")))


def act(broker: FaultyBroker, random: Random, number: int) -> tuple[str, Outcome] | None:
    """Something that an engine may ask; for a write the client id that it was about and the answer."""
    what = random.choice(("submit", "submit", "cancel", "replace", "look"))
    try:
        if what == "submit":
            wanted = asked(random, number)
            return wanted.client_id, broker.submit(wanted)
        if what == "look":
            broker.holdings(), broker.account(), broker.fills(None)
            return None
        orders = broker.orders()
        if orders and what == "cancel":
            broker.cancel(random.choice(orders).id)
        elif orders:
            client_id = f"r-{number}-{random.randint(1, 20)}"
            return client_id, broker.replace(random.choice(orders).id, client_id, random.randint(1, 30))
    except BrokerError as error:
        assert "unreachable" in str(error)
    return None


def assert_adds_up(account: PaperBroker) -> None:
    cash, shares, fills = CASH, 0, account.fills(None)
    for fill in fills:
        sign = 1 if fill.side == "buy" else -1
        cash -= sign * fill.qty * fill.price + fill.commission
        shares += sign * fill.qty
        assert shares >= 0
    orders = account.orders(open_only=False)
    assert abs(account.account().cash - cash) < 1e-6
    assert sum(holding.qty for holding in account.holdings()) == shares
    assert all(0 <= holding.available <= holding.qty for holding in account.holdings())
    for order in orders:
        assert order.filled_qty == sum(fill.qty for fill in fills if fill.order_id == order.id)
    assert len({order.client_id for order in orders}) == len(orders)
    assert len({order.id for order in orders}) == len(orders)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([None, 0.1]))
def test_the_books_hold_and_so_does_every_answer(seed: int, share: float | None) -> None:
    random = Random(seed)
    with TemporaryDirectory() as name:
        directory = Path(name)
        opened(directory, share).advance(closes(0))
        refused: set[str] = set()
        for number in range(SESSIONS):
            for _ in range(random.randint(1, 3)):
                account = opened(directory, share)
                broker = FaultyBroker(account, ALL, Random(f"{seed}:{account.take_number()}"))
                broker.advance(closes(number))
                for _ in range(random.randint(0, 6)):
                    answer = act(broker, random, number)
                    if answer is None:
                        continue
                    client_id, outcome = answer
                    refused.discard(client_id)
                    if isinstance(outcome, Confirmed):
                        assert account.find(client_id) is not None
                    elif isinstance(outcome, Refused) and outcome.kind is not RefusalKind.DUPLICATE_ID:
                        refused.add(client_id)
                    assert_adds_up(account)
        last = opened(directory, share)
        last.advance(closes(SESSIONS - 1))
        assert_adds_up(last)
        assert refused.isdisjoint(order.client_id for order in last.orders(open_only=False))
        assert last.pending.in_flight() == ()
        assert all(order.state is not OrderState.PENDING_CANCEL for order in last.orders())


DRIVER = """
import sys
from pathlib import Path
from random import Random
from test_paper_turmoil import ALL, act, closes, opened
from momentum_plugins.paper.faults import FaultyBroker
account = opened(Path(sys.argv[1]), 0.1)
account.advance(closes(0))
broker, random = FaultyBroker(account, ALL, Random(sys.argv[2])), Random(sys.argv[2])
print("begun", flush=True)
for number in range(10_000):
    act(broker, random, number)
    print(number, flush=True)
"""


@pytest.mark.parametrize("acts", [3, 11, 30])
def test_a_process_killed_amid_faults_leaves_an_account_that_adds_up(tmp_path: Path, acts: int) -> None:
    driven = subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(tmp_path), str(acts)],
        cwd=Path(__file__).parent,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert driven.stdout is not None
    seen = [driven.stdout.readline() for _ in range(acts + 1)]
    driven.send_signal(signal.SIGKILL)
    driven.wait()
    driven.stdout.close()
    assert seen[0] == "begun\n"
    account = opened(tmp_path, 0.1)
    assert_adds_up(account)
    account.advance(closes(1))
    assert_adds_up(account)
    assert account.pending.in_flight() == ()

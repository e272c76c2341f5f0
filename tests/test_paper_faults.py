"""The faults that a paper account can be told to have, each by its name, on an account in its file."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from fakes import FakeMarket, closes, daily_bar, opens, request, trailing
from momentum.errors import BrokerError, UsageError
from momentum.execution.costs import Costs
from momentum.model.orders import Confirmed, Order, OrderState, Outcome, RefusalKind, Refused, Unknown
from momentum_plugins.paper.broker import PaperBroker
from momentum_plugins.paper.fault_settings import CHANCES, Faults
from momentum_plugins.paper.faults import FaultyBroker
from momentum_plugins.paper.store import Store

BARS = tuple(daily_bar("AAA", number, 100, 102, 99) for number in range(3))
ALWAYS = 1.0


class Chance(random.Random):
    """Chance that a test decides: each fault with a chance under 1 happens while `happens` is True."""

    happens = True

    def random(self) -> float:
        return 0.0 if self.happens else 0.999999


def plain(directory: Path) -> PaperBroker:
    market = FakeMarket(BARS)
    store = Store(directory / "paper.db")
    return PaperBroker(store, market, cash=10_000, costs=Costs(0.0), series=lambda: uuid4().hex[:6])


def faulty(directory: Path, *, chance: random.Random | None = None, **faults: float) -> FaultyBroker:
    """The account as a new process opens it; every fault named always happens, unless `chance` decides."""
    return FaultyBroker(plain(directory), Faults(**faults), chance or random.Random(1))  # type: ignore[arg-type]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """An account at the close of day 0, with ten shares of AAA under a stop."""
    broker = plain(tmp_path)
    broker.advance(closes(0))
    broker.submit(request("buy", 10, id="entry"))
    broker.submit(trailing(10))
    return tmp_path


def confirmed(outcome: Outcome) -> Order:
    assert isinstance(outcome, Confirmed), outcome
    return outcome.order


def refusal(outcome: Outcome) -> RefusalKind:
    assert isinstance(outcome, Refused), outcome
    return outcome.kind


def stop_of(broker: PaperBroker | FaultyBroker) -> Order:
    return next(order for order in broker.orders(open_only=False) if order.is_stop)


def writes(broker: FaultyBroker) -> list[Outcome]:
    """An order, a change of the stop, and a cancel of what then stands."""
    stop = stop_of(broker)
    return [
        broker.submit(request("buy", 1, id="new")),
        broker.replace(stop.id, "stop-2", 5),
        broker.cancel(stop.id),
    ]


class TestWrites:
    def test_lost_requests_are_not_answered_and_change_nothing(self, place: Path) -> None:
        before = plain(place).orders(open_only=False)
        outcomes = writes(faulty(place, lost_requests=ALWAYS))
        assert all(isinstance(outcome, Unknown) for outcome in outcomes)
        assert "paper.faults.lost_requests" in outcomes[0].message  # type: ignore[union-attr]
        assert plain(place).orders(open_only=False) == before

    def test_lost_replies_are_not_answered_and_are_done(self, place: Path) -> None:
        broker = faulty(place, lost_replies=ALWAYS)
        assert isinstance(broker.submit(request("buy", 1, id="new")), Unknown)
        assert isinstance(broker.replace(stop_of(broker).id, "stop-2", 5), Unknown)
        new, resized = broker.find("new"), broker.find("stop-2")
        assert new is not None
        assert new.state is OrderState.FILLED
        assert resized is not None
        assert resized.qty == 5
        assert isinstance(broker.cancel(resized.id), Unknown)
        assert broker.orders() == ()

    def test_repeated_requests_answer_with_the_first_or_as_a_duplicate_and_are_done_once(
        self, place: Path
    ) -> None:
        broker = faulty(place, repeated_requests=ALWAYS)
        kinds = set()
        for number in range(12):
            outcome = broker.submit(request("buy", 1, id=f"n-{number}"))
            kinds.add("confirmed" if isinstance(outcome, Confirmed) else refusal(outcome))
        assert kinds == {"confirmed", RefusalKind.DUPLICATE_ID}
        assert broker.holdings()[0].qty == 10 + 12

    def test_a_change_that_arrives_twice_is_refused_as_a_duplicate_or_confirmed(self, place: Path) -> None:
        broker = faulty(place, repeated_requests=ALWAYS)
        kinds = set()
        for number in range(12):
            (stop,) = broker.orders()
            outcome = broker.replace(stop.id, f"again-{number}", 5)
            kinds.add("confirmed" if isinstance(outcome, Confirmed) else refusal(outcome))
            assert broker.orders()[0].client_id == f"again-{number}"
        assert kinds == {"confirmed", RefusalKind.DUPLICATE_ID}

    def test_refused_orders_are_refused_for_the_reasons_of_a_real_broker(self, place: Path) -> None:
        broker = faulty(place, refused=ALWAYS)
        kinds = {refusal(broker.submit(request("buy", 1, id=str(number)))) for number in range(60)}
        assert kinds == {
            RefusalKind.NOT_TRADABLE,
            RefusalKind.DAY_TRADE_RULE,
            RefusalKind.SUB_PENNY,
            RefusalKind.INSUFFICIENT_FUNDS,
            RefusalKind.OTHER,
        }
        assert broker.find("1") is None

    def test_an_order_that_is_in_is_never_refused_but_as_a_duplicate(self, place: Path) -> None:
        assert refusal(faulty(place, refused=ALWAYS).submit(request("buy", 1, id="entry"))) is (
            RefusalKind.DUPLICATE_ID
        )

    def test_a_refusal_holds_though_the_request_would_arrive_twice(self, place: Path) -> None:
        broker = faulty(place, refused=0.5, repeated_requests=ALWAYS)
        for number in range(30):
            outcome = broker.submit(request("buy", 1, id=f"n-{number}"))
            taken = isinstance(outcome, Confirmed) or refusal(outcome) is RefusalKind.DUPLICATE_ID
            assert (broker.find(f"n-{number}") is not None) == taken

    def test_refused_stops_leave_other_orders_alone(self, place: Path) -> None:
        broker = faulty(place, refused_stops=ALWAYS)
        broker.cancel(stop_of(broker).id)
        assert refusal(broker.submit(trailing(10, id="stop-2"))) is not RefusalKind.INSUFFICIENT_SHARES
        assert confirmed(broker.submit(request("sell", 10, id="out"))).state is OrderState.FILLED

    def test_a_refused_change_leaves_the_order_as_it_is(self, place: Path) -> None:
        broker = faulty(place, replace_refused=ALWAYS)
        stop = stop_of(broker)
        outcome = broker.replace(stop.id, "stop-2", 5)
        assert refusal(outcome) is RefusalKind.NOT_CANCELABLE
        assert outcome.message.startswith("unable to replace order in current state")  # type: ignore[union-attr]
        assert broker.orders() == (stop,)

    def test_wash_trade_refuses_a_buy_while_a_stop_stands_and_names_it(self, place: Path) -> None:
        broker = faulty(place, wash_trade=True)
        outcome = broker.submit(request("buy", 1, id="more"))
        assert refusal(outcome) is RefusalKind.WASH_TRADE
        assert stop_of(broker).id in outcome.message  # type: ignore[union-attr]
        broker.cancel(stop_of(broker).id)
        assert confirmed(broker.submit(request("buy", 1, id="more"))).state is OrderState.FILLED


class TestReads:
    @pytest.mark.parametrize(
        "ask",
        [
            lambda broker: broker.account(),
            lambda broker: broker.holdings(),
            lambda broker: broker.orders(),
            lambda broker: broker.find("entry"),
            lambda broker: broker.fills(None),
            lambda broker: broker.is_open(),
        ],
    )
    def test_unreachable_questions_are_not_answered(
        self, place: Path, ask: Callable[[FaultyBroker], object]
    ) -> None:
        with pytest.raises(BrokerError, match=r"does not answer \(paper\.faults\.unreachable\)"):
            ask(faulty(place, unreachable=ALWAYS))

    def test_late_fills_are_told_at_another_reading(self, place: Path) -> None:
        chance = Chance()
        broker = faulty(place, chance=chance, late_fills=0.5)
        assert broker.fills(None) == ()
        chance.happens = False
        assert [fill.client_id for fill in broker.fills(None)] == ["entry"]

    def test_repeated_fills_are_told_twice_under_one_id_and_out_of_order(self, place: Path) -> None:
        for number in range(5):
            plain(place).submit(request("buy", 1, id=f"n-{number}"))
        told = faulty(place, repeated_fills=ALWAYS).fills(None)
        true = plain(place).fills(None)
        assert len(told) == 12
        assert set(told) == set(true)
        assert told != true + true


def test_the_faults_that_have_a_chance_are_all_described() -> None:
    assert {name for name in Faults.__slots__ if name not in ("seed", "wash_trade")} == set(CHANCES)


def test_without_faults_there_is_nothing_that_could_go_wrong() -> None:
    assert not Faults(seed=7)
    assert Faults(wash_trade=True)
    assert all(Faults(**{name: 0.01}) for name in CHANCES)  # type: ignore[arg-type]


def test_an_account_with_faults_goes_back_no_more_than_another(place: Path) -> None:
    broker = faulty(place, late_requests=ALWAYS)
    broker.submit(request("buy", 1, id="late"))
    with pytest.raises(UsageError, match="cannot go back"):
        broker.advance(opens(0))
    assert plain(place).find("late") is None


def test_the_same_seed_has_the_same_faults_and_a_new_number_others(place: Path) -> None:
    def drawn(seed: str) -> list[str]:
        broker = faulty(place, chance=random.Random(seed), lost_requests=0.5)
        return [type(broker.cancel("nothing")).__name__ for _ in range(40)]

    account = plain(place)
    numbers = [account.take_number(), account.take_number()]
    assert numbers[0] != numbers[1]
    first, second = (drawn(f"7:{number}") for number in numbers)
    assert drawn(f"7:{numbers[0]}") == first != second


def test_a_number_taken_leaves_a_gap_in_the_order_ids_and_no_double(place: Path) -> None:
    account = plain(place)
    account.take_number()
    account.submit(request("buy", 1, id="a"))
    ids = [order.id for order in account.orders(open_only=False)]
    assert len(set(ids)) == len(ids) == 3


def test_an_account_that_never_began_gives_no_number_and_makes_no_file(tmp_path: Path) -> None:
    assert plain(tmp_path).take_number() == 0
    assert not list(tmp_path.iterdir())


def test_advancing_to_the_same_moment_is_a_look_and_no_more(place: Path) -> None:
    broker = faulty(place, pending_cancels=ALWAYS)
    broker.cancel(stop_of(broker).id)
    assert broker.advance(closes(0)) == ()
    assert broker.orders()[0].state is OrderState.PENDING_CANCEL
    broker.advance(closes(0) + timedelta(hours=1))
    assert broker.orders() == ()


def test_resetting_forgets_what_is_on_its_way(place: Path) -> None:
    broker = faulty(place, late_requests=ALWAYS)
    broker.submit(replace(request("buy", 1), client_id="late"))
    broker.reset()
    broker.advance(closes(0))
    assert broker.find("late") is None
    assert broker.holdings() == ()


def test_a_write_never_raises_though_the_file_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "paper.db").write_text("these are not the bytes you are looking for" * 50)
    for faults in ({"refused": 0.5}, {"late_requests": ALWAYS}):
        broker = faulty(tmp_path, **faults)
        assert isinstance(broker.submit(request()), Unknown)
        assert isinstance(broker.replace("p-1", "b", 5), Unknown)
        assert isinstance(broker.cancel("p-1"), Unknown)

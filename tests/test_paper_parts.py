"""A paper account that takes at most a share of the volume: orders fill in parts, whoever looks in between."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from fakes import FakeMarket, closes, daily_bar, minute_bar, opens, request, trailing
from momentum.execution.costs import Costs
from momentum.execution.matching import Bar
from momentum.model.orders import Confirmed, Order, OrderState, Outcome
from momentum_plugins.paper.broker import PaperBroker
from momentum_plugins.paper.store import Store

DAYS = tuple(daily_bar("AAA", number, 100 + number, 105, 97, volume=100) for number in range(4))


def account(directory: Path, bars: tuple[Bar, ...] = DAYS, *, share: float = 0.1) -> PaperBroker:
    """The account as a new process opens it."""
    market = FakeMarket(bars, timeframe="day" if bars is DAYS else "minute")
    costs = Costs(slippage=0.0, volume_share=share)
    return PaperBroker(Store(directory / "paper.db"), market, cash=10_000, costs=costs, series=lambda: "s")


def begun(directory: Path, at: datetime | None = None, bars: tuple[Bar, ...] = DAYS) -> PaperBroker:
    broker = account(directory, bars)
    broker.advance(at or closes(0))
    return broker


def confirmed(outcome: Outcome) -> Order:
    assert isinstance(outcome, Confirmed), outcome
    return outcome.order


def parts(broker: PaperBroker) -> list[tuple[str, int, float]]:
    return [(fill.client_id, fill.qty, fill.price) for fill in broker.fills(None)]


def test_a_buy_at_the_close_takes_its_share_of_that_day_and_the_rest_of_the_next(tmp_path: Path) -> None:
    order = confirmed(begun(tmp_path).submit(request("buy", 15)))
    assert (order.state, order.filled_qty) == (OrderState.PARTIALLY_FILLED, 10)
    account(tmp_path).advance(closes(1))
    done = account(tmp_path).find("id-1")
    assert done is not None
    assert (done.state, done.filled_qty) == (OrderState.FILLED, 15)
    assert parts(account(tmp_path)) == [("id-1", 10, 100.0), ("id-1", 5, 101.0)]
    assert account(tmp_path).holdings()[0].qty == 15


def test_two_orders_at_one_close_share_its_volume(tmp_path: Path) -> None:
    broker = begun(tmp_path)
    confirmed(broker.submit(request("buy", 7, id="a")))
    second = confirmed(account(tmp_path).submit(request("buy", 7, id="b")))
    assert second.filled_qty == 3
    third = confirmed(broker.submit(request("sell", 2, id="c")))
    assert (third.state, third.filled_qty) == (OrderState.NEW, 0)


def test_what_resting_orders_took_of_a_bar_is_not_there_for_one_sent_at_its_end(tmp_path: Path) -> None:
    broker = begun(tmp_path)
    broker.submit(request("buy", 14, id="a"))
    broker.advance(closes(1))
    assert confirmed(broker.submit(request("buy", 10, id="b"))).filled_qty == 10 - 4


def test_a_day_order_ends_with_the_part_that_was_filled(tmp_path: Path) -> None:
    broker = begun(tmp_path, closes(0) + timedelta(hours=1))
    confirmed(broker.submit(request("buy", 15)))
    broker.advance(closes(1))
    order = broker.find("id-1")
    assert order is not None
    assert (order.state, order.filled_qty) == (OrderState.EXPIRED, 10)
    assert broker.account().buying_power == broker.account().cash == 10_000 - 10 * 101


def test_a_stop_that_was_set_off_sells_on_through_another_process(tmp_path: Path) -> None:
    minutes = [opens(0) + timedelta(minutes=number) for number in range(6)]
    lows = (100, 100, 90, 120, 120, 120)
    volumes = (10_000, 10_000, 40, 40, 5, 40)
    bars = tuple(
        minute_bar("AAA", at, max(low, 100), max(low, 100), low, max(low, 100), volume=volume)
        for at, low, volume in zip(minutes, lows, volumes, strict=True)
    )
    broker = begun(tmp_path, minutes[1], bars)
    confirmed(broker.submit(request("buy", 10)))
    confirmed(broker.submit(trailing(10)))
    for at in minutes[2:]:
        account(tmp_path, bars).advance(at)
    account(tmp_path, bars).advance(closes(0))
    assert parts(broker)[1:] == [("stop-1", 4, 95.0), ("stop-1", 4, 120.0), ("stop-1", 2, 120.0)]
    assert broker.holdings() == ()


def test_a_moment_without_a_bar_of_the_session_gives_nothing_at_once(tmp_path: Path) -> None:
    bars = (minute_bar("AAA", opens(0), 100, 100, 100, 100, volume=1_000),)
    broker = begun(tmp_path, opens(0) + timedelta(minutes=1), bars)
    assert confirmed(broker.submit(request("buy", 10))).state is OrderState.FILLED
    empty = account(tmp_path, bars, share=0.0001)
    assert confirmed(empty.submit(request("buy", 10, id="b"))).state is OrderState.NEW

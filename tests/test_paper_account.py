"""The paper account: its moment, its orders and fills, and what a person reads of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from fakes import FakeMarket, closes, daily_bar, minute_bar, opens, request, trailing
from momentum.errors import UsageError
from momentum.execution.costs import Costs
from momentum.execution.matching import Bar
from momentum.model.orders import Confirmed, Fill, Order, OrderState, Outcome, RefusalKind, Refused
from momentum_plugins.paper.broker import PaperBroker
from momentum_plugins.paper.store import Store

BARS = (
    daily_bar("AAA", 0, 100, 101, 99),
    daily_bar("AAA", 1, 102, 112, 101, 110),
    daily_bar("AAA", 2, 110, 111, 100, 101),
    daily_bar("BBB", 0, 50, 51, 49),
)


def account(directory: Path, bars: tuple[Bar, ...] = BARS, **more: object) -> PaperBroker:
    market = FakeMarket(bars, **more)  # type: ignore[arg-type]
    return PaperBroker(
        Store(directory / "paper.db"), market, cash=10_000, costs=Costs(slippage=0.0005), series=lambda: "s"
    )


@pytest.fixture
def broker(tmp_path: Path) -> PaperBroker:
    """An account at the close of day 0."""
    opened = account(tmp_path)
    opened.advance(closes(0))
    return opened


def confirmed(outcome: Outcome) -> Order:
    assert isinstance(outcome, Confirmed), outcome
    return outcome.order


def refusal(outcome: Outcome) -> RefusalKind:
    assert isinstance(outcome, Refused), outcome
    return outcome.kind


def seen(fills: tuple[Fill, ...]) -> list[tuple[str, str, float, datetime]]:
    return [(fill.symbol, fill.side, fill.price, fill.at) for fill in fills]


class TestMoment:
    def test_a_fresh_account_has_no_moment_and_takes_no_order(self, tmp_path: Path) -> None:
        fresh = account(tmp_path)
        assert fresh.moment() is None
        assert not fresh.is_open()
        assert refusal(fresh.submit(request())) is RefusalKind.MARKET_CLOSED
        assert fresh.account().equity == fresh.account().cash == 10_000

    def test_reading_a_fresh_account_makes_no_file(self, tmp_path: Path) -> None:
        fresh = account(tmp_path)
        assert (fresh.orders(), fresh.fills(None), fresh.holdings(), fresh.find("x")) == ((), (), (), None)
        assert not list(tmp_path.iterdir())

    def test_the_same_moment_again_changes_nothing(self, broker: PaperBroker) -> None:
        broker.submit(request())
        before = broker.account(), broker.orders(open_only=False)
        assert broker.advance(closes(0)) == ()
        assert (broker.account(), broker.orders(open_only=False)) == before

    def test_an_earlier_moment_is_refused_with_the_way_out(self, broker: PaperBroker) -> None:
        with pytest.raises(UsageError, match=r"2026-01-05 16:00 New York.*--dry-run.*momentum paper reset"):
            broker.advance(closes(0) - timedelta(minutes=1))
        assert broker.moment() == closes(0)

    @pytest.mark.parametrize(
        ("moment", "is_open"),
        [
            (opens(1) - timedelta(seconds=1), False),
            (opens(1), True),
            (closes(1), True),
            (closes(1) + timedelta(seconds=1), False),
        ],
    )
    def test_it_is_open_in_a_session_and_at_its_close(
        self, broker: PaperBroker, moment: datetime, is_open: bool
    ) -> None:
        broker.advance(moment)
        assert broker.is_open() is is_open


class TestOrders:
    def test_a_buy_at_the_close_fills_at_that_close(self, broker: PaperBroker) -> None:
        order = confirmed(broker.submit(request("buy", 10)))
        assert (order.state, order.fill_price) == (OrderState.FILLED, 100 * 1.0005)
        assert seen(broker.fills(None)) == [("AAA", "buy", 100 * 1.0005, closes(0))]

    def test_a_buy_after_hours_fills_at_the_next_open(self, broker: PaperBroker) -> None:
        broker.advance(closes(0) + timedelta(hours=2))
        assert confirmed(broker.submit(request("buy", 10))).state is OrderState.ACCEPTED
        assert seen(broker.advance(closes(1))) == [("AAA", "buy", 102 * 1.0005, opens(1))]

    def test_a_buy_of_a_symbol_without_a_bar_expires_with_the_next_session(self, broker: PaperBroker) -> None:
        broker.advance(closes(0) + timedelta(hours=2))
        broker.submit(request("buy", 10, symbol="BBB"))
        assert broker.advance(closes(1)) == ()
        assert broker.find("id-1").state is OrderState.EXPIRED  # type: ignore[union-attr]

    def test_a_price_of_an_earlier_session_is_refused(self, broker: PaperBroker) -> None:
        broker.advance(closes(1))
        assert refusal(broker.submit(request("buy", 1, symbol="BBB"))) is RefusalKind.NO_PRICE

    def test_a_symbol_that_nobody_knows_is_refused(self, broker: PaperBroker) -> None:
        assert refusal(broker.submit(request("buy", 1, symbol="XYZ"))) is RefusalKind.NO_PRICE

    def test_a_halted_symbol_is_refused(self, tmp_path: Path) -> None:
        broker = account(tmp_path, halted=frozenset({"AAA"}))
        broker.advance(closes(0))
        assert refusal(broker.submit(request("buy", 1))) is RefusalKind.NOT_TRADABLE

    def test_a_client_id_is_never_taken_twice(self, broker: PaperBroker) -> None:
        filled = confirmed(broker.submit(request("buy", 10)))
        assert refusal(broker.submit(request("buy", 10))) is RefusalKind.DUPLICATE_ID
        assert broker.find("id-1") == filled
        assert broker.holdings()[0].qty == 10

    def test_a_client_id_stays_taken_after_a_cancel(self, broker: PaperBroker) -> None:
        broker.submit(request("buy", 10))
        broker.cancel(confirmed(broker.submit(trailing())).id)
        assert refusal(broker.submit(trailing())) is RefusalKind.DUPLICATE_ID

    def test_a_stop_takes_its_shares_and_a_cancel_gives_them_back(self, broker: PaperBroker) -> None:
        broker.submit(request("buy", 10))
        stop = confirmed(broker.submit(trailing(7)))
        assert broker.holdings()[0].available == 3
        assert confirmed(broker.cancel(stop.id)).state is OrderState.CANCELED
        assert broker.holdings()[0].available == 10
        assert broker.orders() == ()

    def test_cancelling_what_is_done_differs_from_what_was_never_there(self, broker: PaperBroker) -> None:
        filled = confirmed(broker.submit(request("buy", 10)))
        assert refusal(broker.cancel(filled.id)) is RefusalKind.NOT_CANCELABLE
        assert refusal(broker.cancel("nothing")) is RefusalKind.NOT_FOUND
        assert refusal(broker.replace("nothing", "b", 5)) is RefusalKind.NOT_FOUND

    def test_a_stop_is_extended_without_losing_its_level(self, broker: PaperBroker) -> None:
        broker.submit(request("buy", 10))
        stop = confirmed(broker.submit(trailing(6)))
        broker.advance(closes(1))
        longer = confirmed(broker.replace(stop.id, "stop-2", 10))
        assert (longer.qty, longer.hwm, longer.stop_price) == (10, 112.0, 112.0 * 0.95)
        assert broker.find("stop-1").state is OrderState.REPLACED  # type: ignore[union-attr]
        assert broker.orders() == (longer,)


class TestAdvancing:
    def test_a_trailing_stop_follows_the_bars_and_sells(self, broker: PaperBroker) -> None:
        broker.submit(request("buy", 10))
        broker.submit(trailing(hwm=100 * 1.0005))
        assert seen(broker.advance(closes(2))) == [("AAA", "sell", 112 * 0.95 * 0.9995, closes(2))]
        assert broker.holdings() == ()

    def test_step_by_step_it_comes_to_the_same(self, tmp_path: Path) -> None:
        ends = []
        for name, moments in (("slow", (opens(1), closes(1), opens(2), closes(2))), ("quick", (closes(2),))):
            (tmp_path / name).mkdir()
            broker = account(tmp_path / name)
            broker.advance(closes(0))
            broker.submit(request("buy", 10))
            broker.submit(trailing())
            for moment in moments:
                broker.advance(moment)
            ends.append((broker.account(), broker.fills(None), broker.orders(open_only=False)))
        assert ends[0] == ends[1]

    def test_no_bar_is_lived_twice(self, broker: PaperBroker) -> None:
        broker.submit(request("buy", 10))
        broker.submit(trailing())
        broker.advance(closes(1))
        broker.submit(request("sell", 1))  # refused: all shares are under the stop
        assert broker.advance(closes(1) + timedelta(hours=1)) == ()

    def test_a_fill_that_became_known_late_is_later_than_the_last_moment(self, broker: PaperBroker) -> None:
        broker.advance(opens(1) - timedelta(hours=1))
        broker.submit(request("buy", 10))
        noon = opens(1) + timedelta(hours=2)
        assert broker.advance(noon) == ()  # a daily bar is known at its close
        fills = broker.advance(closes(1))
        assert [(fill.price, fill.at) for fill in fills] == [(102 * 1.0005, closes(1))]
        assert broker.fills(noon) == fills

    def test_minutes_are_lived_in_order(self, tmp_path: Path) -> None:
        start = opens(0)
        minutes = tuple(start + timedelta(minutes=number) for number in range(4))
        bars = (
            minute_bar("AAA", minutes[0], 100, 100, 100, 100),
            minute_bar("AAA", minutes[1], 100, 120, 100, 120),
            minute_bar("AAA", minutes[2], 120, 120, 113, 113),
            minute_bar("AAA", minutes[3], 90, 90, 90, 90),
        )
        broker = account(tmp_path, bars, timeframe="minute")
        broker.advance(minutes[1])
        broker.submit(request("buy", 10))
        broker.submit(trailing())
        fills = broker.advance(closes(0))
        assert seen(fills) == [("AAA", "sell", 120 * 0.95 * 0.9995, minutes[3])]


class TestFigures:
    def test_equity_is_cash_and_positions_at_the_last_price(self, broker: PaperBroker) -> None:
        broker.submit(request("buy", 10))
        broker.advance(closes(1))
        figures = broker.account()
        assert figures.cash == 10_000 - 10 * (100 * 1.0005)
        assert figures.equity == figures.cash + 10 * 110
        assert figures.id == broker.account_id == "paper:fake"

    def test_an_open_buy_lowers_the_buying_power_not_the_cash(self, broker: PaperBroker) -> None:
        broker.advance(closes(0) + timedelta(hours=2))
        broker.submit(request("buy", 10))
        figures = broker.account()
        assert (figures.cash, figures.buying_power) == (10_000, 10_000 - 10 * (100 * 1.0005))

    def test_holdings_are_in_symbol_order_with_prices_of_the_moment(self, broker: PaperBroker) -> None:
        broker.submit(request("buy", 1, symbol="BBB", id="b"))
        broker.submit(request("buy", 1, symbol="AAA", id="a"))
        broker.advance(closes(1))
        assert [(item.symbol, item.price) for item in broker.holdings()] == [("AAA", 110.0), ("BBB", 50.0)]

    def test_fills_after_a_moment_leave_out_those_until_it(self, broker: PaperBroker) -> None:
        broker.submit(request("buy", 10))
        broker.submit(trailing())
        broker.advance(closes(2))
        assert len(broker.fills(None)) == 2
        assert [fill.side for fill in broker.fills(closes(0))] == ["sell"]
        assert broker.fills(closes(2)) == ()

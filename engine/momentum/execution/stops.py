"""One trailing stop over each whole position, or a standing alarm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from momentum.execution.account import portfolio
from momentum.execution.sending import next_id, send
from momentum.execution.trading import Trading
from momentum.model.orders import Confirmed, Order, OrderRequest, Outcome, Refused
from momentum.model.portfolio import Position
from momentum.units import format_fraction, format_price

NAKED = "stop.missing"
"""The kind of alarm and event of a position that has no stop over all of its shares."""


@dataclass(frozen=True, slots=True)
class Protection:
    """What was done for one position: `stop_price` is the level in force; `problem` is empty where it is covered."""

    symbol: str
    qty: int
    stop_price: float | None
    placed: bool
    problem: str = ""


def protect(trading: Trading) -> tuple[Protection, ...]:
    """See to it that one open stop covers every share of every position; tell of each that it could not.

    A stop that covers too few or too many shares is extended or cut in place, which keeps its level; where
    there is none, one is placed that starts from the highest price since entry. Each is tried as often as
    the settings say; then the alarm stands until a later call mends it.
    """
    view = portfolio(trading)
    done = tuple(_cover(trading, position, view.open_orders) for position in view.positions)
    held = {position.symbol for position in view.positions}
    for alarm in trading.ledger.alarms(trading.account):
        if alarm.kind == NAKED and alarm.symbol not in held:
            trading.ledger.clear_alarm(trading.account, NAKED, alarm.symbol, trading.now)
    return done


def _cover(trading: Trading, position: Position, orders: Sequence[Order]) -> Protection:
    stops = [order for order in orders if order.symbol == position.symbol and order.is_stop]
    if sum(order.remaining for order in stops) == position.qty:
        trading.ledger.clear_alarm(trading.account, NAKED, position.symbol, trading.now)
        return Protection(position.symbol, position.qty, position.stop_price, placed=False)
    problem = ""
    for attempt in range(trading.stops.attempts):
        if attempt:
            trading.sleep(trading.stops.retry_delay.total_seconds())
        outcome = _place(trading, position, stops)
        if isinstance(outcome, Confirmed) and outcome.order.state.is_open:
            trading.ledger.clear_alarm(trading.account, NAKED, position.symbol, trading.now)
            return Protection(position.symbol, position.qty, outcome.order.stop_price, placed=True)
        problem = _why(outcome)
    _shout(trading, position, problem)
    return Protection(position.symbol, position.qty, None, placed=False, problem=problem)


def _place(trading: Trading, position: Position, stops: Sequence[Order]) -> Outcome:
    """Extend the one stop that is there, or place one; several stops give way to a new one."""
    if len(stops) == 1:
        stop = stops[0]
        client_id = next_id(trading, position.symbol, "stop")
        resized = OrderRequest(
            client_id, position.symbol, "sell", stop.type, position.qty, trail=stop.trail, time_in_force="gtc"
        )
        trading.ledger.write_intent(
            resized, account=trading.account, scan_id=trading.scan_id, reason="trailing_stop", context={}
        )
        outcome = trading.broker.replace(stop.id, client_id, position.qty)
        trading.ledger.record_outcome(client_id, outcome)
        return outcome
    for stop in stops:
        trading.broker.cancel(stop.id)
    # A level that the price has fallen through already would be refused: then a lower stop is better than none.
    reachable = position.peak is not None and position.peak * (1 - trading.stops.trail) < position.price
    wanted = OrderRequest(
        client_id="",
        symbol=position.symbol,
        side="sell",
        type="trailing_stop",
        qty=position.qty,
        trail=trading.stops.trail,
        hwm=position.peak if reachable else None,
        time_in_force="gtc",
    )
    return send(trading, wanted, "stop", "trailing_stop")[1]


def _why(outcome: Outcome) -> str:
    if isinstance(outcome, Confirmed):
        return f"the broker has it as {outcome.order.state} {outcome.order.reason}".strip()
    if isinstance(outcome, Refused):
        return f"{outcome.kind}: {outcome.message}"
    return outcome.message


def _shout(trading: Trading, position: Position, problem: str) -> None:
    level = (position.peak or position.price) * (1 - trading.stops.trail)
    text = (
        f"CRITICAL: Position {position.symbol} has NO trailing stop protection! {position.qty} shares at "
        f"{format_price(position.price)}; {trading.stops.attempts} attempts failed ({problem}). "
        f"By hand: place a sell trailing stop of {format_fraction(trading.stops.trail)} over {position.qty} shares "
        f"at the broker (level {format_price(level)}), or `momentum close {position.symbol}`."
    )
    trading.ledger.raise_alarm(trading.account, NAKED, position.symbol, text, trading.now)

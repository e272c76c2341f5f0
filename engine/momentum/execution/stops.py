"""One trailing stop over each whole position, or a standing alarm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from momentum.errors import MomentumError
from momentum.execution.account import covers, portfolio
from momentum.execution.closing import wait_until_free
from momentum.execution.sending import resize, send
from momentum.execution.trading import Trading
from momentum.model.orders import Confirmed, Order, OrderRequest, OrderState, Outcome, Refused
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
    the settings say; then the alarm stands until a later call mends it. Raises what reading the account
    raises, once an alarm for the whole account stands.
    """
    try:
        positions = portfolio(trading).positions
    except MomentumError as error:
        text = f"CRITICAL: the account cannot be read, so that its stops are not checked: {error}"
        trading.ledger.raise_alarm(trading.account, NAKED, "", text, trading.now)
        raise
    trading.ledger.clear_alarm(trading.account, NAKED, "", trading.now)
    done = tuple(_cover(trading, position) for position in positions)
    held = {position.symbol for position in positions}
    for alarm in trading.ledger.alarms(trading.account):
        if alarm.kind == NAKED and alarm.symbol not in held:
            trading.ledger.clear_alarm(trading.account, NAKED, alarm.symbol, trading.now)
    return done


def _cover(trading: Trading, position: Position) -> Protection:
    """Cover one position. The stops are read anew before each attempt: one that nobody confirmed may be there."""
    problem, placed = "", False
    for attempt in range(1 + trading.stops.attempts):
        try:
            stops = [order for order in trading.broker.orders() if covers(order, position.symbol)]
            if sum(stop.remaining for stop in stops) == position.qty:
                trading.ledger.clear_alarm(trading.account, NAKED, position.symbol, trading.now)
                return Protection(position.symbol, position.qty, _level(stops), placed)
            if attempt == trading.stops.attempts:
                break
            if attempt:
                trading.sleep(trading.stops.retry_delay.total_seconds())
            outcome = _place(trading, position, stops)
            problem, placed = _why(outcome), True
            if isinstance(outcome, Confirmed) and outcome.order.state is OrderState.FILLED:
                return Protection(position.symbol, position.qty, None, placed)
        except MomentumError as error:
            problem = str(error)
        except BaseException as error:  # Ctrl-C included: nobody may leave a position bare in silence
            _shout(trading, position, f"interrupted by {type(error).__name__}")
            raise
    _shout(trading, position, problem)
    return Protection(position.symbol, position.qty, None, placed=False, problem=problem)


def _place(trading: Trading, position: Position, stops: Sequence[Order]) -> Outcome:
    """Resize the stop with the highest level, the others giving way to it; or place one where there is none."""
    if stops:
        best = max(stops, key=lambda stop: stop.stop_price or 0.0)
        for stop in stops:
            if stop is not best:
                trading.broker.cancel(stop.id)
        if len(stops) > 1:
            wait_until_free(trading, position.symbol, besides=best.remaining)
        return resize(trading, best, position.qty, "trailing_stop")
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


def _level(stops: Sequence[Order]) -> float | None:
    levels = [stop.stop_price for stop in stops if stop.stop_price is not None]
    return max(levels) if levels else None


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
        f"at the broker (level {format_price(level)}), or sell them. Every scan tries again."
    )
    trading.ledger.raise_alarm(trading.account, NAKED, position.symbol, text, trading.now)

"""A stop over every share of every position, or a standing alarm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from momentum.errors import LedgerError, MomentumError
from momentum.execution import points
from momentum.execution.account import covers, portfolio
from momentum.execution.alarms import NAKED, UNSETTLED, clear, clear_others, let_stand
from momentum.execution.following import withdraw
from momentum.execution.sending import resize, send
from momentum.execution.shares import release
from momentum.execution.trading import Trading
from momentum.model.orders import (
    Confirmed,
    Order,
    OrderRequest,
    OrderState,
    Outcome,
    RefusalKind,
    Refused,
)
from momentum.model.portfolio import Portfolio, Position
from momentum.units import format_fraction, format_price


@dataclass(frozen=True, slots=True)
class Protection:
    """What was done for one position: `stop_price` is the level in force; `problem` is empty where it is covered."""

    symbol: str
    qty: int
    stop_price: float | None
    placed: bool
    problem: str = ""


def protect(trading: Trading) -> tuple[Protection, ...]:
    """See to it that open stops cover every share of every position; tell of each that they do not.

    Each position is tried as often as the settings say; then its alarm stands until a later call mends it.
    A stop of ours over shares that are not held any more is cancelled, before it could sell them short. A buy
    that may still fill is an alarm too: nobody would be there to protect it. Raises what reading the account
    raises, once an alarm for the whole account stands; and `LedgerError`, with the alarm's text, where an
    alarm cannot be written down, once all positions were tried.
    """
    view = _read(trading)
    clear(trading, NAKED, "")
    done: list[Protection] = []
    untold: list[str] = []
    for position in view.positions:
        try:
            done.append(_cover(trading, position))
        except LedgerError as error:
            untold.append(str(error))
    held = {position.symbol for position in view.positions}
    clear_others(trading, NAKED, held)
    for see_to in (_cancel_orphans, _tell_unsettled):
        try:
            see_to(trading, view)
        except LedgerError as error:
            untold.append(str(error))
    if untold:
        raise LedgerError("\n".join(untold))
    points.reach("protected")
    return tuple(done)


def cover(trading: Trading, symbol: str) -> Protection | None:
    """The same for one symbol; None where it is not held."""
    view = _read(trading)
    position = view.position(symbol)
    done = _cover(trading, position) if position is not None else None
    _tell_unsettled(trading, view)
    return done


def _read(trading: Trading) -> Portfolio:
    """The account, asked for as often as a stop is tried; where it does not answer an alarm for all of it stands."""
    for attempt in range(trading.stops.attempts):
        if attempt:
            trading.sleep(trading.stops.retry_delay.total_seconds())
        try:
            return portfolio(trading)
        except MomentumError as error:
            problem = error
    text = f"CRITICAL: the account cannot be read, so that its stops are not checked: {problem}"
    let_stand(trading, NAKED, "", text)
    raise problem


def _cover(trading: Trading, position: Position) -> Protection:
    problem = ""
    for attempt in range(trading.stops.attempts):
        try:
            if attempt:
                trading.sleep(trading.stops.retry_delay.total_seconds())
            done = _attempt(trading, position, again=attempt > 0)
        except MomentumError as error:
            problem = str(error)
        except BaseException as error:  # Ctrl-C included: nobody may leave a position bare in silence
            _shout(trading, position, f"interrupted by {type(error).__name__}")
            raise
        else:
            if isinstance(done, Protection):
                clear(trading, NAKED, position.symbol)
                return done
            problem = done
    _shout(trading, position, problem)
    return Protection(position.symbol, position.qty, None, placed=False, problem=problem)


def _cancel_orphans(trading: Trading, view: Portfolio) -> None:
    """Cancel our sell orders of what is not held: at some brokers they would open a short position."""
    held = {position.symbol for position in view.positions}
    for order in trading.broker.orders():
        is_orphan = (
            order.side == "sell" and order.symbol not in held and order.symbol not in trading.limits.ignored
        )
        if is_orphan and trading.ledger.intent(order.client_id) is not None:
            trading.ledger.record_order(withdraw(trading, order))


def _tell_unsettled(trading: Trading, view: Portfolio) -> None:
    """Let an alarm stand for each of our buys that may still fill though its command is over.

    Outside the session one that waits for the open is as it should be; one of which nobody knows is not.
    """
    is_open = trading.broker.is_open()
    unsettled = {
        order.symbol: order
        for order in view.pending_buys
        if (order.state is OrderState.UNKNOWN or is_open)
        and trading.ledger.intent(order.client_id) is not None
    }
    for symbol, order in unsettled.items():
        text = (
            f"CRITICAL: A buy of {order.remaining} {symbol} may still fill ({order.state}), and would have NO "
            f"trailing stop protection then. `momentum status --fix` looks again, as every scan does. By hand: "
            f"cancel order {order.client_id} at the broker, or place a sell trailing stop once it is filled."
        )
        let_stand(trading, UNSETTLED, symbol, text)
    clear_others(trading, UNSETTLED, unsettled)


def _attempt(trading: Trading, position: Position, *, again: bool) -> Protection | str:
    """Look, place what is missing, and look again; returns what went wrong where it is not covered then.

    A stop that nobody confirmed may be there after all, and the position may have changed: so it is read anew.
    """
    problem = ""
    for is_last in (False, True):
        if again or is_last:
            now = portfolio(trading).position(position.symbol)
            if now is None:
                return Protection(position.symbol, 0, None, placed=is_last)
            position = now
        covering = [order for order in trading.broker.orders() if covers(order, position.symbol)]
        if sum(order.remaining for order in covering) == position.qty:
            return Protection(position.symbol, position.qty, _level(covering), placed=is_last)
        if not is_last:
            problem = _why(_place(trading, position, covering))
            points.reach("stop.placed")
    return problem


def _place(trading: Trading, position: Position, covering: Sequence[Order]) -> Outcome:
    """Place the stop that is missing, or change those that are there, never leaving bare what is covered.

    Missing shares are taken in by the stop with the highest level, which keeps it; where the broker does not
    change that one, they get a stop of their own. Shares covered twice are let go from the lowest level up.
    """
    missing = position.qty - sum(order.remaining for order in covering)
    if not covering:
        return _place_new(trading, position, missing)
    lowest, highest = min(covering, key=_stop_price), max(covering, key=_stop_price)
    if missing < 0:
        return _let_go(trading, position, lowest, -missing)
    if not highest.is_stop:
        return _place_new(trading, position, missing)
    outcome = resize(trading, highest, highest.remaining + missing, "trailing_stop")
    if isinstance(outcome, Refused) and outcome.kind is RefusalKind.NOT_CANCELABLE:
        return _place_new(trading, position, missing)
    return outcome


def _let_go(trading: Trading, position: Position, order: Order, excess: int) -> Outcome:
    if order.remaining <= excess:
        return trading.broker.cancel(order.id)
    outcome = resize(trading, order, order.remaining - excess, "trailing_stop")
    if isinstance(outcome, Refused) and outcome.kind is RefusalKind.NOT_CANCELABLE:
        # More would be sold than is held when the stop goes off: one of the right size, from the same peak.
        release(trading, position.symbol)
        points.reach("stop.cancelled")
        return _place_new(trading, position, position.qty)
    return outcome


def _place_new(trading: Trading, position: Position, qty: int) -> Outcome:
    # A level that the price has fallen through already would be refused: then a lower stop is better than none.
    reachable = position.peak is not None and position.peak * (1 - trading.stops.trail) < position.price
    wanted = OrderRequest(
        client_id="",
        symbol=position.symbol,
        side="sell",
        type="trailing_stop",
        qty=qty,
        trail=trading.stops.trail,
        hwm=position.peak if reachable else None,
        time_in_force="gtc",
    )
    return send(trading, wanted, "stop", "trailing_stop")[1]


def _stop_price(order: Order) -> float:
    return order.stop_price or 0.0


def _level(covering: Sequence[Order]) -> float | None:
    levels = [order.stop_price for order in covering if order.stop_price is not None]
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
        f"`momentum status --fix` tries again, as every scan does. By hand: place a sell trailing stop of "
        f"{format_fraction(trading.stops.trail)} over {position.qty} shares at the broker (level "
        f"{format_price(level)}), or sell them."
    )
    let_stand(trading, NAKED, position.symbol, text)

"""A stop over every share of every position, or a standing alarm."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from momentum.errors import LedgerError, MomentumError
from momentum.execution import points
from momentum.execution.account import covers, managed, portfolio
from momentum.execution.alarms import NAKED, UNSETTLED, clear, clear_others, let_stand
from momentum.execution.following import withdraw_ours
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
    done, untold = _cover_each(trading, view)
    after = _read(trading)
    clear_others(trading, NAKED, {position.symbol for position in after.positions})
    _see_to(trading, after, untold, _cancel_orphans, _tell_unsettled)
    points.reach("protected")
    return tuple(done)


def cover(trading: Trading, symbol: str) -> None:
    """The same for one symbol, and for the buys that may still fill."""
    view = _read(trading)
    only = replace(view, positions=tuple(one for one in view.positions if one.symbol == symbol))
    _, untold = _cover_each(trading, only)
    _see_to(trading, view, untold, _tell_unsettled)


def _see_to(
    trading: Trading, view: Portfolio, untold: list[str], *tasks: Callable[[Trading, Portfolio], None]
) -> None:
    """Do what else is to be done, and raise every alarm together that could not be written down."""
    for task in tasks:
        try:
            task(trading, view)
        except LedgerError as error:
            untold.append(str(error))
    if untold:
        raise LedgerError("\n".join(untold))


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
    let_stand(trading, NAKED, "", f"{text}{_bare_by_broker(trading)}")
    raise problem


def _bare_by_broker(trading: Trading) -> str:
    """What the broker says is held without a stop, for an alarm that only the ledger's failure brought about."""
    with suppress(MomentumError):
        orders = trading.broker.orders()
        missing = {
            held.symbol: held.qty - sum(o.remaining for o in orders if covers(o, held.symbol))
            for held in managed(trading)
        }
        named = [f"{qty} {symbol}" for symbol, qty in missing.items() if qty > 0]
        if named:
            return f". Held WITHOUT a stop: {', '.join(named)}"
    return ""


def _cover_each(trading: Trading, view: Portfolio) -> tuple[list[Protection], list[str]]:
    """Cover every position; returns what was done, and the alarms that could not be written down.

    Whatever interrupts this, Ctrl-C included, leaves no position bare in silence.
    """
    done: list[Protection] = []
    untold: list[str] = []
    for number, position in enumerate(view.positions):
        try:
            done.append(_cover(trading, position, view))
        except LedgerError as error:
            untold.append(str(error))
        except BaseException as error:
            for left in view.positions[number:]:
                if not _is_covered(left, view) or left is position:
                    _shout(trading, left, f"interrupted by {type(error).__name__}")
            raise
    return done, untold


def _cover(trading: Trading, position: Position, view: Portfolio) -> Protection:
    if _is_covered(position, view):
        clear(trading, NAKED, position.symbol)
        return Protection(position.symbol, position.qty, _level(_covering(position, view)), placed=False)
    with suppress(LedgerError):  # a death on the way leaves this behind; what is placed below takes it away
        _shout(trading, position, "its stop is being placed")
    problem = ""
    for attempt in range(trading.stops.attempts):
        try:
            if attempt:
                trading.sleep(trading.stops.retry_delay.total_seconds())
            done = _attempt(trading, position.symbol)
        except Exception as error:
            problem = str(error) if isinstance(error, MomentumError) else f"{type(error).__name__}: {error}"
        else:
            if isinstance(done, Protection):
                clear(trading, NAKED, position.symbol)
                return done
            problem = done
    _shout(trading, position, f"{trading.stops.attempts} attempts failed: {problem}")
    return Protection(position.symbol, position.qty, None, placed=False, problem=problem)


def _attempt(trading: Trading, symbol: str) -> Protection | str:
    """Look, place what is missing, and look again; returns what went wrong where it is not covered then.

    Nothing is placed over a position that was read a while ago: it may be gone, and a stop that nobody
    confirmed may be there after all.
    """
    problem = ""
    for placed in (False, True):
        view = portfolio(trading)
        position = view.position(symbol)
        if position is None:
            return Protection(symbol, 0, None, placed)
        if _is_covered(position, view):
            return Protection(symbol, position.qty, _level(_covering(position, view)), placed)
        if any(o.symbol == symbol and o.state is OrderState.PENDING_REPLACE for o in view.open_orders):
            return "a change of its stop is pending"
        if not placed:
            problem = _why(_place(trading, position, _covering(position, view)))
            points.reach("stop.placed")
    return problem


def _covering(position: Position, view: Portfolio) -> list[Order]:
    return [order for order in view.open_orders if order.id and covers(order, position.symbol)]


def _is_covered(position: Position, view: Portfolio) -> bool:
    return sum(order.remaining for order in _covering(position, view)) == position.qty


def _cancel_orphans(trading: Trading, view: Portfolio) -> None:
    """Cancel our sell orders of what is not held: at some brokers they would open a short position."""
    held = {position.symbol for position in view.positions}
    for order in view.open_orders:
        if order.id and order.side == "sell" and order.symbol not in held:
            withdraw_ours(trading, order)


def _tell_unsettled(trading: Trading, view: Portfolio) -> None:
    """Let an alarm stand for each of our buys that may still fill though its command is over."""
    unsettled = {
        order.symbol: order
        for order in view.pending_buys
        if trading.ledger.intent(order.client_id) is not None
    }
    for symbol, order in unsettled.items():
        text = (
            f"CRITICAL: A buy of {order.remaining} {symbol} may still fill ({order.state}), and would have NO "
            f"trailing stop protection then. `momentum status --fix` looks again, as every scan does. By hand: "
            f"cancel order {order.client_id} at the broker, or place a sell trailing stop once it is filled."
        )
        let_stand(trading, UNSETTLED, symbol, text)
    clear_others(trading, UNSETTLED, unsettled)


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
        held = release(trading, position.symbol)
        points.reach("stop.cancelled")
        return _place_new(trading, position, held.qty) if held is not None else outcome
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
        f"{format_price(position.price)} ({problem}). "
        f"`momentum status --fix` tries again, as every scan does. By hand: place a sell trailing stop of "
        f"{format_fraction(trading.stops.trail)} over {position.qty} shares at the broker (level "
        f"{format_price(level)}), or sell them."
    )
    let_stand(trading, NAKED, position.symbol, text)

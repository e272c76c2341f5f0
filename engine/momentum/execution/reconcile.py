"""Bringing ledger and broker together before anything is decided: lost fills, open intents, unknown positions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from momentum.errors import UsageError
from momentum.execution import points
from momentum.execution.account import managed
from momentum.execution.following import record_fills, told_fills, withdraw_ours
from momentum.execution.sending import look_up
from momentum.execution.stops import Protection, protect
from momentum.execution.trading import Trading
from momentum.ledger.rows import INTENDED, UNKNOWN, Trade
from momentum.model.events import Event
from momentum.model.orders import Fill
from momentum.model.portfolio import Holding

_SURELY_LOST = timedelta(minutes=10)
"""How long an order may be unknown to the broker before it counts as lost; until then it counts as open."""
_READINGS = 4
"""How often ledger and broker are compared until they agree, or disagree in the same way twice."""
_SAME_COST = 0.01
"""How far the cost of a position may move in a split, as a fraction: brokers round, and pay out broken shares."""


@dataclass(frozen=True, slots=True)
class Change:
    """A position that changed without an order of ours, in shares."""

    symbol: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What was found. `fills` were not in the ledger yet; `lost` are orders that never reached the broker;
    `withdrawn` orders that a command left open when it died. `adopted`, `gone` and `split` are positions
    that changed without an order of ours."""

    fills: tuple[Fill, ...] = ()
    lost: tuple[str, ...] = ()
    withdrawn: tuple[str, ...] = ()
    adopted: tuple[Change, ...] = ()
    gone: tuple[Change, ...] = ()
    split: tuple[Change, ...] = ()


def settle(trading: Trading) -> tuple[Reconciled, tuple[Protection, ...]]:
    """Reconcile, and protect every position whatever became of that: what every command begins with.

    Raises as `reconcile` and `protect` do.
    """
    try:
        reconciled = reconcile(trading)
    except UsageError:  # the account is past that moment: nothing was touched
        raise
    except BaseException:
        protect(trading)
        raise
    return reconciled, protect(trading)


def reconcile(trading: Trading) -> Reconciled:
    """Take the account to the trading's moment and the ledger to the broker's truth.

    Every bar since the account's last moment is lived through first, so that stops and resting orders have
    met it. Raises `UsageError` where the account is past that moment already, `BrokerError` where the
    broker does not answer, `LedgerError` where the ledger cannot be written; nothing may be bought then.
    """
    trading.broker.advance(trading.now)
    trading.ledger.take_over(trading.account, [held.symbol for held in managed(trading)])
    lost: list[str] = []
    withdrawn: list[str] = []
    fills: list[Fill] = []
    before: Mapping[str, tuple[int, int]] | None = None
    for reading in range(_READINGS):
        if reading:
            trading.sleep(trading.patience.poll.total_seconds())
        lost += _settle_intents(trading)
        withdrawn += _withdraw_left_over(trading)
        points.reach("reconcile.intents")
        fills += record_fills(trading)
        points.reach("reconcile.fills")
        differences = _differences(trading)
        if not differences or differences == before:
            break
        before = differences
    fills += _record_foreign(trading)
    changes = _settle_positions(trading)
    points.reach("reconcile.positions")
    return Reconciled(tuple(fills), tuple(lost), tuple(withdrawn), *changes)


def _settle_intents(trading: Trading) -> list[str]:
    """Ask the broker for every order that the ledger holds open; returns those that count as lost.

    One that it does not know was lost on the way: at once where the broker knows every order that ever reached
    it, else after several looks and a while, since not being found right after it was sent is no proof.
    """
    lost = []
    for intent in trading.ledger.open_intents(trading.account):
        order = look_up(trading, intent.client_id)
        if order is not None:
            trading.ledger.record_order(order)
            continue
        is_old = intent.intended_at is None or trading.now - intent.intended_at >= _SURELY_LOST
        if is_old or trading.broker.knows_at_once:
            trading.ledger.record_lost(intent.client_id)
            lost.append(intent.client_id)
    return lost


def _withdraw_left_over(trading: Trading) -> list[str]:
    """Cancel what is left of our buys: a command follows its own to the end, so that an open one lost its command.

    Returns those that are done with by this.
    """
    buys = [order for order in trading.broker.orders() if order.side == "buy" and order.type == "market"]
    ended = [last for order in buys if (last := withdraw_ours(trading, order)) is not None]
    return [order.client_id for order in ended if not order.state.is_open]


def _differences(trading: Trading) -> Mapping[str, tuple[int, int]]:
    """Shares in the ledger and at the broker, by symbol, where they are not the same.

    A symbol with an order of which nobody knows yet whether it arrived is left out: that order may be why.
    """
    unknown = {
        intent.request.symbol
        for intent in trading.ledger.open_intents(trading.account)
        if intent.status in (INTENDED, UNKNOWN)
    }
    held = _by_symbol(managed(trading))
    known = {trade.symbol: trade for trade in trading.ledger.open_trades(trading.account)}
    pairs = {
        symbol: (
            known[symbol].quantity if symbol in known else 0,
            held[symbol].qty if symbol in held else 0,
        )
        for symbol in sorted(held.keys() | known.keys())
        if symbol not in unknown and symbol not in trading.limits.ignored
    }
    return {symbol: pair for symbol, pair in pairs.items() if pair[0] != pair[1]}


def _record_foreign(trading: Trading) -> list[Fill]:
    """Record the fills of orders that are not ours, each with the shares that the ledger does not have yet.

    Where those of a symbol add up to what is missing they are booked as they happened, round trips too, as
    after the ledger was put back from a backup. Else the newest explain it first, and a fill that is told after
    its shares were taken in without it changes no trade any more.
    """
    account, ignored = trading.account, trading.limits.ignored
    known = {fill.id for fill in trading.ledger.fills(account=account)}
    foreign = [
        fill
        for fill in told_fills(trading)
        if fill.symbol not in ignored and fill.id not in known and not trading.ledger.is_ours(account, fill)
    ]
    if not foreign:
        return []
    missing = {symbol: held - ours for symbol, (ours, held) in _differences(trading).items()}
    shares = _explaining(foreign, missing)
    return [fill for fill in foreign if trading.ledger.record_fill(account, fill, new=shares[fill.id])]


def _explaining(fills: Sequence[Fill], missing: Mapping[str, int]) -> Mapping[str, int]:
    """How many shares of each fill explain what is missing of its symbol; fills stand oldest first."""
    net: Counter[str] = Counter()
    for fill in fills:
        net[fill.symbol] += _signed(fill)
    left = dict(missing)
    shares: dict[str, int] = {}
    for fill in reversed(fills):
        if net[fill.symbol] == missing.get(fill.symbol, 0):
            shares[fill.id] = fill.qty
            continue
        wanted = left.get(fill.symbol, 0) * (1 if fill.side == "buy" else -1)
        shares[fill.id] = max(0, min(fill.qty, wanted))
        left[fill.symbol] = left.get(fill.symbol, 0) - shares[fill.id] * (1 if fill.side == "buy" else -1)
    return shares


def _signed(fill: Fill) -> int:
    return fill.qty if fill.side == "buy" else -fill.qty


def _settle_positions(trading: Trading) -> tuple[tuple[Change, ...], tuple[Change, ...], tuple[Change, ...]]:
    """Take in what changed without a fill: positions adopted, gone, and split; each with its event, or neither."""
    adopted, gone, split = [], [], []
    held = _by_symbol(managed(trading))
    trades = {trade.symbol: trade for trade in trading.ledger.open_trades(trading.account)}
    for symbol, (before, after) in _differences(trading).items():
        change = Change(symbol, before, after)
        holding = held.get(symbol)
        with trading.ledger.transaction():
            if holding is not None and _is_split(trading, trades.get(symbol), holding):
                trading.ledger.rescale_trade(trading.account, symbol, after)
                split.append(change)
                _tell(
                    trading,
                    "split",
                    change,
                    "the same cost, so it looks like a split: check it at the broker",
                )
            elif holding is not None and after > before:
                trading.ledger.adopt(trading.account, holding, trading.session, trading.strategy)
                adopted.append(change)
                _tell(trading, "adopted", change, "bought outside of momentum, adopted and protected")
            else:
                price = holding.price if holding else None
                trading.ledger.settle_trade(trading.account, symbol, after, price, trading.now)
                gone.append(change)
                _tell(trading, "gone", change, "sold outside of momentum, taken out of the ledger")
    return tuple(adopted), tuple(gone), tuple(split)


def _tell(trading: Trading, kind: str, change: Change, what: str) -> None:
    shares = f"{change.before} shares in the ledger, {change.after} at the broker"
    event = Event(
        f"{trading.scan_id}:{kind}:{change.symbol}:{change.before}:{change.after}",
        f"position.{kind}",
        "warning",
        trading.now,
        f"{change.symbol}: {shares}: {what}",
        data={
            "symbol": change.symbol,
            "before": change.before,
            "after": change.after,
            "scan": trading.scan_id,
        },
    )
    trading.ledger.record_event(event, trading.notifiers, account=trading.account)


def _is_split(trading: Trading, trade: Trade | None, holding: Holding) -> bool:
    """Whether a position has another number of shares at the same cost.

    A broker's cost is that of the shares still held, each sale at the average until then; a trade's entry
    price is the average of all that were ever bought.
    """
    if trade is None or not trade.quantity:
        return False
    now = holding.qty * holding.entry_price
    was = (trade.quantity * trade.entry_price, _cost_of_held(trading, trade))
    return any(cost is not None and abs(now / cost - 1) <= _SAME_COST for cost in was)


def _cost_of_held(trading: Trading, trade: Trade) -> float | None:
    """What the shares still held cost by the fills of the trade, None where those do not tell of all of them."""
    qty, cost = 0, 0.0
    for fill in trading.ledger.fills(account=trading.account, symbol=trade.symbol):
        if fill.at < trade.opened_at:
            continue
        if fill.side == "buy":
            qty, cost = qty + fill.qty, cost + fill.qty * fill.price
        elif qty > fill.qty:
            qty, cost = qty - fill.qty, cost * (1 - fill.qty / qty)
        else:
            return None
    return cost if qty == trade.quantity and cost > 0 else None


def _by_symbol(holdings: Iterable[Holding]) -> dict[str, Holding]:
    return {holding.symbol: holding for holding in holdings}

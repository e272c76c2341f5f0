"""The risk gate: from a decision to a plan that breaks no limit, and the same rules again before each order.

How `limits.slots` and `limits.reduce_to` work together:

- `slots: at_plan` counts slots, exposure and cash when the plan is made, with its own closes done and its
  own earlier buys bought. A buy over what is left is cut to fit, down to `reduce_to` of the size asked for,
  else refused. The plan as it stands keeps every limit.
- `slots: at_fill` leaves what depends on other orders' fills (slots, exposure, cash) to the moment of each
  order: the plan holds the sizes as chosen, and `recheck` counts, cuts or refuses there. An order that waits
  for the next open is so judged by the account of that open, not by a forecast of it.
- `recheck` does this in both cases, on the portfolio of its moment, and `reduce_to` is always of the size
  asked for, so that being cut twice does not add up. Position size and the number of buys are settled when
  the plan is made and not judged again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from momentum.model.decision import Decision, Plan, PlannedOrder, Refusal
from momentum.model.market import Candidate, Reading, Value
from momentum.model.portfolio import Portfolio, Position
from momentum.model.strategy import Limits
from momentum.risk import checks
from momentum.risk.book import Book, MarketState, open_book
from momentum.risk.checks import Case, first_broken
from momentum.risk.limits import AT_PLAN, cash_left, exposure_left, position_left
from momentum.risk.proposal import ExitDemand, Wish, read_proposal
from momentum.risk.sizing import fitting, shares
from momentum.units import format_fraction, format_money, format_price


def gate(
    decision: Decision,
    portfolio: Portfolio,
    market: MarketState,
    limits: Limits,
    *,
    candidates: Sequence[Candidate],
    max_buys: int,
    skip_buys: bool = False,
    exits: Sequence[ExitDemand] = (),
    readings: Sequence[Reading] = (),
    close_reversal: float | None = None,
) -> Plan:
    """What of a decision may be executed, and every refusal with its rule, limit and value.

    `exits` are the engine's own closes, added whoever decided; their reason goes before the decision's.
    `candidates` are all that may be bought; `readings` give closes their score and context; from a score of
    `close_reversal` on a close counts as the reversal's. A refused buy leaves its place to the next in the
    decision's list. Never raises, whatever stands in the decision.

    A close is refused where the market is closed or the price is stale or halted: closing takes the stop
    away first, and a sale that cannot be seen to fill would leave the position naked. Its stop stays, and
    the next scan asks again.
    """
    proposal = read_proposal(decision, exits)
    refusals = list(proposal.refusals)
    before = open_book(portfolio, market)
    scores = {reading.symbol: reading for reading in readings}
    closes: list[PlannedOrder] = []
    for wish in proposal.closes:
        reading = scores.get(wish.symbol)
        _file(_close(wish, before, market, limits, reading, close_reversal), closes, refusals)
    offered = {candidate.symbol: candidate for candidate in candidates}
    book = open_book(portfolio, market, closes)
    buys: list[PlannedOrder] = []
    for wish in proposal.buys:
        candidate = offered.get(wish.symbol)
        if candidate is None:
            text = "not among the candidates of this scan"
            refusals.append(Refusal(wish.symbol, "buy", "unknown", "a candidate", None, text))
            continue
        price = market.price(wish.symbol)
        case = Case(wish.symbol, "buy", candidate.cap, price, book, market, limits, max_buys, skip_buys)
        if _file(_buy(wish, candidate, case), buys, refusals):
            book = book.with_buy(buys[-1])
    return Plan(tuple(closes), tuple(buys), tuple(refusals), skip_buys)


def recheck(
    order: PlannedOrder, portfolio: Portfolio, market: MarketState, limits: Limits, *, price: float
) -> PlannedOrder | Refusal:
    """An order of the plan as it may be sent now, on the portfolio of this moment, or why it may not.

    `price` is what a share is expected to cost now, slippage included. A buy may shrink; a close sells the
    whole position as it is now. Neither the order being judged nor those of its plan that come after it may be
    among the portfolio's open orders: they would take their own slots.
    """
    book = open_book(portfolio, market)
    case = Case(order.symbol, order.side, order.cap, price, book, market, limits)
    if order.side == "sell":
        position = _sellable(case)
        return position if isinstance(position, Refusal) else replace(order, qty=position.qty)
    return first_broken(case, (*checks.BUY, *checks.SLOTS)) or _fitted(order, case)


def _file(outcome: PlannedOrder | Refusal, orders: list[PlannedOrder], refusals: list[Refusal]) -> bool:
    """Put an outcome where it belongs; true for an order."""
    if isinstance(outcome, Refusal):
        refusals.append(outcome)
        return False
    orders.append(outcome)
    return True


def _close(
    wish: Wish,
    book: Book,
    market: MarketState,
    limits: Limits,
    reading: Reading | None,
    close_reversal: float | None,
) -> PlannedOrder | Refusal:
    case = Case(
        wish.symbol, "sell", market.cap_of(wish.symbol), market.price(wish.symbol), book, market, limits
    )
    position = _sellable(case)
    if isinstance(position, Refusal):
        return position
    context: dict[str, object] = {}
    if reading is not None:
        context = {
            **reading.columns,
            "reversal_score": reading.score,
            "reversal_signals": {signal.name: signal.points for signal in reading.signals},
            "closed_by_reversal": close_reversal is not None and reading.score >= close_reversal,
        }
    return PlannedOrder(
        symbol=wish.symbol,
        side="sell",
        qty=position.qty,
        asked=position.qty,
        price=case.price,
        cap=position.cap,
        reason=wish.reason,
        score=reading.score if reading is not None else None,
        context=context,
    )


def _sellable(case: Case) -> Position | Refusal:
    """The position that a close would sell, or why it may not."""
    position = case.book.held.get(case.symbol)
    if position is None:
        return case.refuse("not_held", 1.0, 0.0, "no position to close")
    return first_broken(case, checks.CLOSE) or position


def _buy(wish: Wish, candidate: Candidate, case: Case) -> PlannedOrder | Refusal:
    counted = case.limits.slots == AT_PLAN
    rules = (*checks.BUY, *checks.SCAN, *(checks.SLOTS if counted else ()))
    if (refusal := first_broken(case, rules)) is not None:
        return refusal
    asked = _asked(case)
    if isinstance(asked, Refusal):
        return asked
    order = PlannedOrder(
        symbol=wish.symbol,
        side="buy",
        qty=asked,
        asked=asked,
        price=case.price,
        cap=candidate.cap,
        reason=wish.reason,
        score=candidate.score,
        context=_context(candidate),
    )
    return _fitted(order, case) if counted else order


def _asked(case: Case) -> int | Refusal:
    """The size asked for: the position size, or the largest order where that is less."""
    limits, price = case.limits, case.price
    room = position_left(case.book, limits, case.symbol)
    size = shares(room, price)
    if size == 0:
        text = f"a position may be {format_fraction(limits.position_size)} of equity, which leaves {format_money(room)}"
        text = f"{text}: a share costs {format_price(price)}"
        return case.refuse("limits.position_size", limits.position_size, price / case.book.equity, text)
    if limits.max_order is None or size * price <= limits.max_order:
        return size
    if (size := shares(limits.max_order, price)) == 0:
        text = f"max order {format_money(limits.max_order)}, a share costs {format_price(price)}"
        return case.refuse("limits.max_order", limits.max_order, price, text)
    return size


def _fitted(order: PlannedOrder, case: Case) -> PlannedOrder | Refusal:
    """A buy cut to what is left of exposure and cash, or refused where too little of it would remain."""
    limits = case.limits
    exposure, cash = exposure_left(case.book, limits), cash_left(case.book)
    room = min(exposure, cash)
    qty = fitting(order.qty, order.asked, room, case.price, limits.reduce_to)
    if qty > 0:
        return replace(order, qty=qty)
    asked = order.asked * case.price
    least = format_fraction(limits.reduce_to) if shares(room, case.price) else "a share"
    text = f"leaves {format_money(room)} of the {format_money(asked)} asked, under {least}"
    if exposure <= cash:
        text = f"max exposure {format_fraction(limits.max_exposure)} {text}"
        would_be = (case.book.exposure + asked) / case.book.equity
        return case.refuse("limits.max_exposure", limits.max_exposure, would_be, text)
    return case.refuse("cash", cash, asked, f"cash {text}")


def _context(candidate: Candidate) -> Mapping[str, Value]:
    points = {f"score:{earned.name}": earned.points for earned in candidate.points}
    return {"score": candidate.score, "rank": float(candidate.rank), **candidate.columns, **points}

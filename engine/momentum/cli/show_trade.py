"""A sale by hand on the terminal and as JSON: what was sold and earned, and what is left and why."""

from __future__ import annotations

from rich.text import Text

from momentum.acting import next_open
from momentum.byhand import Sale, Wanted, left_over
from momentum.cli.render import account_line, console, positions_table
from momentum.cli.show_reconciled import reconciled_lines
from momentum.context import Context
from momentum.document import alarms_json, order_json, portfolio_json
from momentum.halt import halted
from momentum.ledger.rows import Trade
from momentum.market.calendar import shown
from momentum.model.decision import Execution, Refusal
from momentum.model.orders import Order
from momentum.model.portfolio import Portfolio
from momentum.units import format_fraction, format_money, format_price

_NOTHING = "no positions and no pending buys; nothing to do"
_TRY_AGAIN = {
    "pending": "the order is open at the broker; `momentum status` shows what becomes of it",
    "unknown": "`momentum status --fix` finds out what became of it",
}


def show_before(context: Context, view: Portfolio) -> None:
    """What flatten is about to sell and to cancel."""
    out = console()
    moment = context.broker.moment()
    as_of = f"as of {shown(moment)}" if moment is not None else "not used yet"
    out.print(Text.assemble((context.broker.account_id, "bold"), f"   {as_of}"))
    if view.positions:
        out.print(positions_table(view.positions))
    for order in view.pending_buys:
        out.print(f"pending: buy {order.remaining} {order.symbol}, {order.state}")
    if not view.positions and not view.pending_buys:
        out.print(_NOTHING)


def question(view: Portfolio) -> str:
    """What flatten asks: `Sell all 4 positions ($23,456)?`"""
    held, pending = len(view.positions), len(view.pending_buys)
    buys = f"{pending} pending buy{'s' if pending != 1 else ''}"
    if not held:
        return f"Cancel {buys}?"
    value = f"${sum(position.value for position in view.positions):,.0f}"
    every = f"all {held} positions" if held > 1 else "the one position"
    return f"Sell {every} ({value}){f' and cancel {buys}' if pending else ''}?"


def show_sale(context: Context, wanted: Wanted, sale: Sale) -> None:
    """What became of a sale, line by line."""
    out = console()
    dry = "   [DRY RUN] nothing is sent" if sale.dry_run else ""
    out.print(Text(f"{wanted.command} as of {shown(sale.moment.now)} ({sale.moment.why}){dry}"))
    if context.data.synthetic:
        out.print(Text(f"data: {context.data.title}", style="yellow"))
    for note in _notes(context, wanted, sale):
        out.print(Text(note, style="yellow"))
    for line in reconciled_lines(context.ledger, sale.reconciled):
        out.print(line)
    for order in sale.cancelled:
        out.print(_cancelled(order))
    for done in sale.executed:
        out.print(_executed(done, sale))
    for refusal in sale.plan.refusals:
        out.print(_refused(context, wanted, refusal, sale))
    for symbol in wanted.symbols or ():
        if sale.before.position(symbol) is None:
            out.print(_not_held(symbol, sale.before))
    if wanted.symbols is None:
        _show_left(context, wanted, sale)


def _show_left(context: Context, wanted: Wanted, sale: Sale) -> None:
    out = console()
    limits = context.settings.limits
    if not (sale.before.positions or sale.cancelled or sale.before.pending_buys):
        out.print(_NOTHING)
    elif not sale.dry_run:
        left = left_over(wanted, sale)
        text = f"left: {', '.join(left)}" if left else "everything is sold"
        out.print(Text(text, style="bold red" if left else "bold green"))
        out.print(account_line(sale.after, limits.max_exposure, limits.max_positions))
    halt = halted(context.settings.directory)
    out.print("`momentum halt` keeps scans from buying again" if halt is None else f"HALTED, no buys: {halt}")


def _notes(context: Context, wanted: Wanted, sale: Sale) -> tuple[str, ...]:
    """Why a sale that was wanted is a dry run; and what one that was asked for does not see."""
    moment = context.broker.moment()
    last = shown(moment) if moment else "not known"
    if sale.dry_run and not wanted.dry_run:
        return (f"a dry run, because that moment is not the broker's, which is {last}: nothing was sent",)
    if sale.dry_run and moment is not None and moment != sale.moment.now:
        return (f"a dry run does not move the account: its positions are those of its last moment, {last}",)
    return ()


def _cancelled(order: Order) -> Text:
    bought = f"; {order.filled_qty} of {order.qty} were bought before" if order.filled_qty else ""
    if order.state.is_open:
        text = f"NOT cancelled: buy {order.remaining} {order.symbol} is {order.state}{bought}; flatten again"
        return Text(text, style="bold red")
    return Text(f"cancelled: buy {order.qty - order.filled_qty} {order.symbol}{bought}")


def _executed(done: Execution, sale: Sale) -> Text:
    if done.status == "planned":
        price = "" if done.price is None else f" @ {format_price(done.price)}"
        return Text(f"[DRY RUN] Would sell: {done.qty} {done.symbol}{price}", style="cyan")
    before, after = sale.before.position(done.symbol), sale.after.position(done.symbol)
    if done.qty and done.price is not None:
        of = f" of {before.qty}" if after is not None and before is not None else ""
        text = f"sold {done.qty}{of} {done.symbol} @ {format_price(done.price)}{_earned(done.symbol, sale)}"
        if after is None:
            had_stop = before is not None and before.stop_qty > 0
            return Text(text + (", its stop cancelled" if had_stop else ""), style="green")
        return Text(f"{text}; {_left(done.symbol, sale.after)}; {_next(done)}", style="red")
    if done.status == "dropped" and after is None:
        return Text(f"{done.symbol}: {done.text}{_earned(done.symbol, sale)}; nothing to do")
    why = f"{done.status}: {done.text}" if done.text else done.status
    return Text(
        f"{done.symbol} is NOT sold: {why}; {_left(done.symbol, sale.after)}; {_next(done)}", style="red"
    )


def _refused(context: Context, wanted: Wanted, refusal: Refusal, sale: Sale) -> Text:
    """What the gate did not let through. A closed market is no fault, and says when it opens."""
    again = f"`momentum close {refusal.symbol}` tries again"
    why = refusal.text
    if refusal.rule == "market_open" and (session := next_open(context, sale.moment.now)) is not None:
        again = f"the next open is {shown(session.opens)}"
    verb = "would not be" if wanted.dry_run else "is NOT"
    text = f"{refusal.symbol} {verb} sold: {why}; {_left(refusal.symbol, sale.after)}; {again}"
    return Text(text, style="red")


def _next(done: Execution) -> str:
    return _TRY_AGAIN.get(done.status, f"`momentum close {done.symbol}` tries again")


def _left(symbol: str, view: Portfolio) -> str:
    """What is still held of a symbol, and how it is protected."""
    position = view.position(symbol)
    if position is None:
        return "nothing of it is held"
    level = "" if position.stop_price is None else f" at {format_price(position.stop_price)}"
    stop = f"a stop over {position.stop_qty} of them{level}" if position.stop_qty else "WITHOUT a stop"
    return f"{position.qty} shares are held, {stop}"


def _not_held(symbol: str, view: Portfolio) -> Text:
    pending = [order for order in view.pending_buys if order.symbol == symbol]
    if pending:
        text = f"no position in {symbol}, but a pending buy; `momentum flatten` cancels all pending buys"
        return Text(text, style="yellow")
    return Text(f"no position in {symbol}; nothing to do")


def _earned(symbol: str, sale: Sale) -> str:
    """`, P/L $12.00 (1.20%)` of what was sold of its trade so far."""
    trade = _trade(symbol, sale)
    if trade is None or trade.pnl is None or trade.exit_price is None:
        return ""
    rate = trade.exit_price / trade.entry_price - 1
    return f", P/L {format_money(trade.pnl)} ({format_fraction(rate)})"


def _trade(symbol: str, sale: Sale) -> Trade | None:
    return next((trade for trade in sale.trades if trade.symbol == symbol), None)


def sale_json(context: Context, wanted: Wanted, sale: Sale) -> dict[str, object]:
    """A sale as one document; P/L in dollars and, as `pnl_fraction`, of the entry price."""
    closes = []
    for done in sale.executed:
        trade = _trade(done.symbol, sale)
        rate = trade.exit_price / trade.entry_price - 1 if trade and trade.exit_price is not None else None
        closes.append(
            {
                "symbol": done.symbol,
                "status": done.status,
                "qty": done.qty,
                "asked": done.asked,
                "price": done.price,
                "pnl": trade.pnl if trade else None,
                "pnl_fraction": rate,
                "reason": done.reason,
                "text": done.text,
                "client_id": done.client_id,
            }
        )
    return {
        "command": wanted.command,
        "id": sale.id,
        "now": sale.moment.now,
        "now_from": sale.moment.why,
        "dry_run": sale.dry_run,
        "account": context.broker.account_id,
        "data": context.data.title,
        "synthetic": context.data.synthetic,
        "since": sale.reconciled,
        "cancelled": sale.cancelled,
        "closes": closes,
        "not_held": [s for s in wanted.symbols or () if sale.before.position(s) is None],
        "plan": {"orders": [order_json(o) for o in sale.plan.closes], "refusals": sale.plan.refusals},
        "left": left_over(wanted, sale),
        "stops": sale.protections,
        "portfolio": portfolio_json(sale.after),
        "alarms": alarms_json(sale.alarms),
        "notes": _notes(context, wanted, sale),
    }

"""An explanation on the terminal: from the numbers to the verdicts to the orders."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.text import Text

from momentum.cli.render import console, table
from momentum.market.calendar import shown
from momentum.units import format_money, format_price

_SIGN = {True: ("yes", "green"), False: ("no", "red"), None: ("unknown", "yellow")}


def show_explain(found: Mapping[str, Any]) -> None:
    """Show what `momentum.explain.explain` found, top to bottom in the order of the scan."""
    out = console()
    scan, candidate = found["scan"], found["candidates"][0]
    out.print(Text.assemble((candidate["symbol"], "bold"), f" ({candidate['cap']}) in scan {scan['id']}"))
    dry = ", a dry run" if scan["dry_run"] else ""
    out.print(f"strategy {scan['strategy']}, as of {shown(datetime.fromisoformat(scan['now']))}{dry}")
    out.print(Text(f"data: {scan['data']}", style="yellow" if scan["synthetic"] else ""))
    _verdict(out, found)
    _features(out, found)
    _rules(out, found)
    _points(out, found)
    _reading(out, found)
    _decided(out, found)
    _gate(out, found)
    _orders(out, found)


def _verdict(out: Console, found: Mapping[str, Any]) -> None:
    candidate = found["candidates"][0]
    rejected = candidate["rejected_by"]
    if rejected is None:
        out.print(Text(f"a candidate with score {candidate['score']:g}", style="bold green"))
    else:
        out.print(Text(f"not a candidate: rejected by {rejected}", style="bold red"))


def _number(value: object) -> str:
    if value is None:
        return "?"
    return f"{value:,.6g}" if isinstance(value, float) else str(value).lower()


def _features(out: Console, found: Mapping[str, Any]) -> None:
    made = table("feature", "computed as", "value", right=("value",))
    columns = found["candidates"][0]["columns"]
    for name in ("open", "high", "low", "close", "volume", "day_fraction"):
        made.add_row(name, Text("the bar", style="dim"), _number(columns.get(name)))
    for feature in found["features"]:
        made.add_row(feature["name"], Text(feature["text"], style="dim"), _number(feature["value"]))
    out.print(made)


def _rules(out: Console, found: Mapping[str, Any]) -> None:
    made = table("rule", "condition", "with its numbers", "holds")
    for column in found["columns"]:
        value = column["value"]
        verdict = Text(*_SIGN[value]) if value is None or isinstance(value, bool) else Text(_number(value))
        made.add_row(column["name"], column["when"], Text(column["numbers"], style="dim"), verdict)
    for rule in found["filters"]:
        made.add_row(
            rule["name"], rule["when"], Text(rule["numbers"], style="dim"), Text(*_SIGN[rule["verdict"]])
        )
    out.print(made)


def _points(out: Console, found: Mapping[str, Any]) -> None:
    most = sum(point["points"] for point in found["points"])
    made = table("points", "condition", "with its numbers", "earned", "of", right=("earned", "of"))
    for point in found["points"]:
        earned = point["earned"] or 0
        made.add_row(
            point["name"],
            point["when"],
            Text(point["numbers"], style="dim"),
            Text(f"{earned:g}", style="green" if earned else "dim"),
            f"{point['points']:g}",
        )
    made.add_row("score", "", "", Text(f"{found['candidates'][0]['score']:g}", style="bold"), f"{most:g}")
    out.print(made)


def _reading(out: Console, found: Mapping[str, Any]) -> None:
    reading = found["reading"]
    if reading is None:
        return
    most = sum(signal["points"] for signal in found["signals"] if signal["section"] == "reversal")
    made = table("held", "condition", "with its numbers", "counts", right=("counts",))
    for signal in found["signals"]:
        verdict = signal["verdict"]
        counts = _number(verdict) if signal["section"] == "reversal" else _SIGN[verdict][0]
        made.add_row(signal["name"], signal["when"], Text(signal["numbers"], style="dim"), Text(counts))
    made.add_row("reversal score", f"of {most:g}", "", Text(f"{reading['score']:g}", style="bold"))
    out.print(made)


def _decided(out: Console, found: Mapping[str, Any]) -> None:
    decision = found["decision"]
    actions = [*decision["position_actions"], *decision["candidate_actions"]]
    for action in actions:
        out.print(
            Text.assemble(
                f"decision by {decision['decider']}: ", (action["action"], "bold"), f", {action['reasoning']}"
            )
        )
    if not actions:
        out.print(Text(f"decision by {decision['decider']}: not asked about it", style="dim"))


def _gate(out: Console, found: Mapping[str, Any]) -> None:
    for order in found["plan"]["orders"]:
        out.print(
            f"risk gate: {order['side']} {order['qty']} of {order['asked']} asked, at {format_price(order['price'])} "
            f"({format_money(order['value'])}): {order['reason']}"
        )
    for refusal in found["plan"]["refusals"]:
        out.print(Text(f"risk gate: refused to {refusal['side']}: {refusal['text']}", style="yellow"))


def _orders(out: Console, found: Mapping[str, Any]) -> None:
    for fill in found["since"]:
        out.print(f"before this scan: {fill['side']} {fill['qty']} at {format_price(fill['price'])}")
    for executed in found["executed"]:
        if executed["status"] not in ("filled", "planned"):
            out.print(
                Text(f"execution: {executed['side']} {executed['status']}: {executed['text']}", style="red")
            )
    for order in found["orders"]:
        out.print(_order(order))
    for fill in found["fills"]:
        out.print(f"fill: {fill.side} {fill.qty} at {format_price(fill.price)}, {shown(fill.at)}")
    for stop in found["stops"]:
        if stop["stop_price"] is not None:
            out.print(f"stop: {format_price(stop['stop_price'])} over {stop['qty']} shares")
        elif stop["problem"]:
            out.print(Text(f"NO STOP: {stop['problem']}", style="bold white on red"))
    for order in found["by_hand"]:
        out.print(f"by hand, {order['command']}, {shown(order['at'])}: {order['reason'].replace('_', ' ')}")
        out.print(f"  {_order(order)}")


def _order(order: Mapping[str, Any]) -> str:
    trail = f" trailing {order['trail'] * 100:g}%" if order["trail"] else ""
    price = f", {order['filled_qty']} at {format_price(order['fill_price'])}" if order["fill_price"] else ""
    error = f" ({order['error']})" if order["error"] else ""
    return (
        f"order {order['client_id']}: {order['side']} {order['qty']} {order['type']}{trail}, "
        f"{order['status']}{price}{error}"
    )

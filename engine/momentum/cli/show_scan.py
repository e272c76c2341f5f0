"""A scan on the terminal: five numbered steps, the candidates with their points, the plan, what was done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.status import Status
from rich.table import Table
from rich.text import Text

from momentum.cli.render import (
    account_line,
    console,
    positions_table,
    show_alarms,
    table,
)
from momentum.cli.show_reconciled import reconciled_lines
from momentum.context import Context
from momentum.deciding import Verdict
from momentum.execution.reconcile import Reconciled
from momentum.market.calendar import shown
from momentum.market.screen import Screen
from momentum.model.decision import CandidateAction, Decision, Execution, Plan, PositionAction
from momentum.model.market import Candidate, MarketContext, Reading, Value
from momentum.model.portfolio import Portfolio
from momentum.rules.program import Program
from momentum.scan import ScanRequest, ScanResult
from momentum.situation import cautions
from momentum.units import format_fraction, format_money, format_price

_SHOWN_CANDIDATES = 15
_RATES = ("roc", "change", "gap_up")
"""Factories whose values are rates: shown as percents."""


class Silence:
    """A watcher for JSON output: says nothing."""

    def begin(self, step: int, title: str) -> None:
        """Nothing."""

    def end(self, step: int, result: object) -> None:
        """Nothing."""


class Progress:
    """Prints each step of a scan as it happens."""

    def __init__(self, context: Context, request: ScanRequest) -> None:
        self._context = context
        self._request = request
        self._out = console()
        self._status: Status | None = None
        self._header()

    def begin(self, step: int, title: str) -> None:
        """Print the step's heading, and turn a wheel on a terminal while it lasts."""
        self._out.print(Text(f"\n[{step}/5] {title}", style="bold cyan"))
        if self._out.is_terminal:
            self._status = self._out.status("")
            self._status.start()

    def end(self, step: int, result: object) -> None:
        """Print what the step found."""
        if self._status is not None:
            self._status.stop()
            self._status = None
        show = {1: self._account, 2: self._readings, 3: self._screen, 4: self._decision, 5: self._done}[step]
        show(result)  # type: ignore[operator]

    def _header(self) -> None:
        request, context = self._request, self._context
        dry = "   [DRY RUN] nothing is sent" if request.dry_run else ""
        self._out.print(
            Text.assemble(
                (f"{request.type} scan", "bold"),
                f" of {request.cap} caps, strategy {context.settings.strategy.name}{dry}",
            )
        )
        self._out.print(f"as of {shown(request.moment.now)} ({request.moment.why})")
        self._out.print(Text(f"data: {context.data.title}", style="yellow" if context.data.synthetic else ""))
        for note in cautions(context, request.moment.now, dry_run=request.dry_run):
            self._out.print(Text(note, style="yellow"))
        for note in context.data.notes():
            self._out.print(Text(f"  {note}", style="dim"))

    def _account(self, result: tuple[Portfolio, Reconciled]) -> None:
        view, since = result
        limits = self._context.settings.limits
        self._out.print(f"  {account_line(view, limits.max_exposure, limits.max_positions)}")
        for line in reconciled_lines(self._context.ledger, since):
            self._out.print(Text("  ").append_text(line))

    def _readings(self, seen: tuple[Portfolio, Sequence[Reading]]) -> None:
        view, result = seen
        if not view.positions:
            self._out.print("  no positions")
        read = {reading.symbol for reading in result}
        for position in view.positions:
            if position.symbol not in read:
                self._out.print(
                    Text(f"  {position.symbol:<6} has no bar of this session: nothing known", style="yellow")
                )
        most = sum(point.points for point in self._context.program.reversal)
        strong = self._context.settings.strategy.decide.close_reversal
        weak = self._context.settings.monitor.alert_threshold
        for reading in result:
            signs = ", ".join(f"{signal.name} {signal.points:g}" for signal in reading.signals) or "no signal"
            style = "red" if reading.score >= strong else "yellow" if reading.score >= weak else ""
            self._out.print(Text(f"  {reading.symbol:<6} {reading.score:g}/{most:g}  {signs}", style=style))

    def _screen(self, result: Screen) -> None:
        out = self._out
        out.print(f"  universe {len(result.members)}, with data {result.with_data}")
        for step in result.funnel:
            out.print(f"  {step.passed:>6}  passed {step.rule}")
        out.print(f"  market: {_market(result.market)}")
        if not result.candidates:
            out.print("  no candidates")
            return
        out.print(_candidates(result.candidates[:_SHOWN_CANDIDATES], self._context.program, out.width))
        more = len(result.candidates) - _SHOWN_CANDIDATES
        if more > 0:
            out.print(Text(f"  and {more} more candidates", style="dim"))
        out.print(Text("  `momentum explain SYMBOL` shows every rule with its numbers", style="dim"))

    def _decision(self, result: tuple[Verdict, Plan]) -> None:
        verdict, plan = result
        decision = verdict.decision
        for line in verdict.passed_over:
            self._out.print(Text(f"  {line}", style="yellow"))
        self._out.print(f"  {decision.decider} decides: {decision.market_assessment}")
        if plan.skip_buys:
            self._out.print(
                Text("  SKIP MODE: every older position is healthy; new buys are skipped", style="yellow")
            )
        _show_actions(self._out, decision)
        _show_plan(self._out, plan)

    def _done(self, result: ScanResult) -> None:
        out = self._out
        stops = {protection.symbol: protection for protection in result.protections}
        for execution in result.executed:
            stop = stops.get(execution.symbol)
            level = (
                "" if stop is None or stop.stop_price is None else f", stop {format_price(stop.stop_price)}"
            )
            out.print(_execution(execution, level if execution.side == "buy" else ""))
        if not result.executed:
            out.print("  nothing to do")
        told = cautions(self._context, result.info.now, dry_run=result.info.dry_run)
        for note in result.notes:
            if note not in told:
                out.print(Text(f"  {note}", style="yellow"))
        limits = self._context.settings.limits
        out.print(Text("\nPortfolio", style="bold"))
        out.print(f"  {account_line(result.after, limits.max_exposure, limits.max_positions)}")
        if result.after.positions:
            out.print(positions_table(result.after.positions))
        show_alarms(out, result.alarms)
        out.print(Text(f"scan {result.info.id}", style="dim"))


def _market(market: MarketContext) -> str:
    parts = []
    if market.spy_price is not None:
        change = f" {format_fraction(market.spy_change)}" if market.spy_change is not None else ""
        parts.append(f"SPY {format_price(market.spy_price)}{change}, trend {market.spy_trend or 'unknown'}")
    else:
        parts.append("SPY unknown")
    if market.vix is not None:
        parts.append(f"VIX {market.vix:.1f}{' (proxy)' if market.vix_source == 'proxy' else ''}")
    if market.breadth is not None:
        parts.append(f"breadth {format_fraction(market.breadth, 0)} advancing")
    return ", ".join(parts)


def _candidates(found: Sequence[Candidate], program: Program, width: int) -> Table:
    """Candidates with the features that their score goes by, and the points that they earned; one line each.

    A narrow terminal shows fewer features, never less of a symbol, a score or a price.
    """
    columns = _shown_columns(program)[: max(0, (width - 70) // 12)]
    made = table(
        "#", "symbol", "cap", "score", "price", *columns, "points",
        right=("#", "score", "price", *columns), cut="points",
    )  # fmt: skip
    for candidate in found:
        earned = ", ".join(f"{point.name} {point.points:g}" for point in candidate.points if point.points)
        made.add_row(
            str(candidate.rank),
            Text(candidate.symbol, style="bold"),
            candidate.cap,
            f"{candidate.score:g}",
            format_price(candidate.price),
            *(shown_value(program, name, candidate.columns.get(name)) for name in columns),
            Text(earned, style="dim"),
        )
    return made


def _shown_columns(program: Program) -> tuple[str, ...]:
    """The rank's own columns, then rates and volumes that the strategy computes: at most five."""
    ranked = [key.column for key in program.rank if key.column != "score"]
    telling = [name for name in ("change", "gap_up", "rvol", "volume_surge") if name in program.types]
    return tuple(dict.fromkeys([*ranked, *telling]))[:5]


def shown_value(program: Program, name: str, value: Value) -> str:
    """A column's value for reading: rates as percents, the unknown as a question mark."""
    if value is None:
        return "?"
    if isinstance(value, bool | str):
        return str(value).lower() if isinstance(value, bool) else value
    factory = program.texts.get(name, name).partition("(")[0]
    return format_fraction(value) if factory in _RATES else f"{value:,.4g}"


def _show_actions(out: Console, decision: Decision) -> None:
    """Closes and holds, buys, and the watchlist; of the rest only how many there are."""
    styles = {"CLOSE": "bold red", "BUY": "bold green", "WATCH": "yellow"}
    listed = set(decision.execution_plan.new_watchlist)
    told = [
        action for action in decision.candidate_actions if action.action == "BUY" or action.symbol in listed
    ]
    shown: tuple[PositionAction | CandidateAction, ...] = (*decision.position_actions, *told)
    for action in shown:
        verb = Text(f"  {action.action:<5} ", style=styles.get(action.action, ""))
        out.print(verb.append(f"{action.symbol:<6} {action.reasoning}", style="default"))
    rest = Counter(action.action for action in decision.candidate_actions if action not in told)
    if rest:
        counts = ", ".join(f"{verb} {count}" for verb, count in sorted(rest.items()))
        out.print(Text(f"  and {counts} more", style="dim"))


def _show_plan(out: Console, plan: Plan) -> None:
    orders = (*plan.closes, *plan.buys)
    if orders:
        made = table(
            "plan", "symbol", "cap", "asked", "approved", "price", "value", "reason",
            right=("asked", "approved", "price", "value"),
        )  # fmt: skip
        for order in orders:
            cut = Text(str(order.qty), style="yellow" if order.qty != order.asked else "")
            made.add_row(
                order.side, Text(order.symbol, style="bold"), order.cap, str(order.asked), cut,
                format_price(order.price), format_money(order.value), order.reason,
            )  # fmt: skip
        out.print(made)
    for refusal in plan.refusals:
        out.print(Text(f"  refused: {refusal.side} {refusal.symbol}: {refusal.text}", style="yellow"))
    if not orders and not plan.refusals:
        out.print("  the plan is empty")


def _execution(execution: Execution, level: str) -> Text:
    price = "" if execution.price is None else f" @ {format_price(execution.price)}"
    if execution.status == "planned":
        verb = "buy" if execution.side == "buy" else "close"
        return Text(
            f"  [DRY RUN] Would {verb}: {execution.symbol}{price} ({execution.qty} shares)", style="cyan"
        )
    if execution.status in ("filled", "partial"):
        verb = "bought" if execution.side == "buy" else "closed"
        text = f"  {verb} {execution.qty} {execution.symbol}{price}{level}"
        return Text(text + (f" ({execution.text})" if execution.text else ""), style="green")
    return Text(f"  {execution.side} {execution.symbol} {execution.status}: {execution.text}", style="red")

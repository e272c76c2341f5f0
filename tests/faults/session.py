"""Running the session of one seed: command after command on the same files, each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from faults import house, stage
from faults.market import SimulatedMarket, Split, UnreliableMarket, universe
from faults.memory import MemoryStore
from faults.oracle import Oracle, Violation
from faults.process import Crash, MortalBroker, MortalDatabase, Process, mortal
from faults.script import Script, Step, script
from faults.truth import TrueAccount, words
from momentum import byhand, halt, mending, scan
from momentum.context import Context
from momentum.errors import MomentumError
from momentum.execution import points
from momentum.execution.costs import Costs
from momentum.ledger.sqlite import SqliteDatabase
from momentum.ledger.store import Ledger, open_ledger
from momentum.market.clock import FixedClock, Moment
from momentum.model.decision import Execution
from momentum.model.strategy import Limits
from momentum_plugins.paper.broker import PaperBroker
from momentum_plugins.paper.fault_settings import Faults
from momentum_plugins.paper.faults import FaultyBroker
from momentum_plugins.paper.store import Store

KILLS = 0.02
"""The share of seeds in which one command is a real process that is really killed."""
_SLIPPAGE = 0.0005


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a seed."""

    seed: int
    violations: tuple[Violation, ...]
    trail: tuple[str, ...]


class Quiet:
    """Watches a scan and says nothing."""

    def begin(self, step: int, title: str) -> None: ...

    def end(self, step: int, result: object) -> None: ...


class Session:
    """One seed at work in one directory. `tell` keeps the trail."""

    def __init__(self, drawn: Script, directory: Path, tell: Callable[[str], None]) -> None:
        self.script = drawn
        self.directory = directory
        self.tell = tell
        self.market = SimulatedMarket(house.random_of(drawn.seed, 0, "market"), drawn.splits)
        self.universe = universe(house.random_of(drawn.seed, 0, "universe"))
        self.limits = drawn.limits
        self._bare: dict[str, int] | None = None
        """What was bare when a command first asked the broker for something."""
        on_disk = any(step.trouble is not None and step.trouble.kind == "kill" for step in drawn.steps)
        store: Any = Store(directory / "data" / "paper.db") if on_disk else MemoryStore()
        self._store = store
        paper = PaperBroker(
            self._store,
            self.market,
            cash=drawn.cash,
            costs=Costs(_SLIPPAGE, drawn.commission, drawn.volume_share),
            series=lambda: house.series(drawn.seed),
        )
        self.account = TrueAccount(
            paper,
            self._store,
            self.market,
            tell,
            arrives=lambda request: self.oracle.arriving(request),
            lowered=lambda order, level: self.oracle.lowered(order, level),
        )
        self._reading = Ledger(SqliteDatabase(directory / "data" / "ledger.db"))
        self.oracle = Oracle(
            self.account, self._reading, self.market, self.universe, drawn.limits, directory, tell
        )

    def close(self) -> None:
        """Let go of the files."""
        self._reading.close()
        self._store.close()

    # -- commands -------------------------------------------------------------------------------------------

    def command(self, step: Step) -> None:
        """What people do before it, the command with its trouble, and what must hold after it."""
        self.tell(
            f"{step.number} {step.command} {' '.join(step.symbols)} at {step.at:%m-%d %H:%M}, {_manner(step)}"
        )
        self._by_hand(step)
        self.oracle.begin(f"command {step.number}, {step.command}", self.limits, step.max_buys)
        self._bare = None
        is_killed = step.trouble is not None and step.trouble.kind == "kill"
        ended = self._in_a_real_process(step) if is_killed else self.act(step)
        self.tell(f"  {ended}")
        self._judge(ended)

    def act(self, step: Step, *, really: bool = False) -> str:
        """Carry out a command in this process; returns how it ended."""
        process = Process(step.trouble, self.tell, really=really)
        faults = self.script.faults if step.is_faulty else Faults()
        sleep = Sleep()
        with self._open(process, step, faults, sleep) as context:
            return self._ended(lambda: self._run(context, step), process)

    def _run(self, context: Context, step: Step) -> str:
        at = step.at.isoformat()
        if step.command == "scan":
            day = self.market.sessions().last_opened(step.at)
            assert day is not None
            request = scan.ScanRequest(Moment(step.at, day, "drawn"), "open", max_buys=step.max_buys)
            result = scan.run(context, request, Quiet())
            return f"done: {', '.join(map(_told, result.executed)) or 'nothing'}"
        if step.command == "fix":
            mended = mending.mend(context, at, self.tell)
            return f"done: {len(mended.alarms)} alarms stand"
        wanted = byhand.Wanted(
            "close" if step.command == "close" else "flatten",
            step.symbols if step.command == "close" else None,
            at,
        )
        sale = byhand.sell(context, wanted, self.tell)
        return f"done: {', '.join(map(_told, sale.executed)) or 'nothing'}"

    def _ended(self, run: Callable[[], str], process: Process) -> str:
        try:
            return run()
        except Crash:
            return "died"
        except KeyboardInterrupt:
            return "interrupted"
        except MomentumError as error:
            self.oracle.shouted += str(error)
            return f"failed: {type(error).__name__}: {error}".replace(str(self.directory), "DIR")
        except Exception as error:
            if process.is_dead:
                return "died"
            self.oracle.broken("no fault of the program", f"{type(error).__name__}: {error}")
            return f"raised {type(error).__name__}: {error}"

    @contextmanager
    def _open(self, process: Process, step: Step | None, faults: Faults, sleep: Sleep) -> Iterator[Context]:
        """Open everything anew, as a process does, and let go of it, whatever became of the process."""
        number = step.number if step else len(self.script.steps)
        broker: Any = self.account
        if faults:
            broker = FaultyBroker(self.account, faults, house.random_of(self.script.seed, number, "broker"))  # type: ignore[arg-type]
        ledger_file = self.directory / "data" / "ledger.db"
        ledger = open_ledger(f"sqlite:///{ledger_file}")
        database: MortalDatabase = mortal(ledger, ledger_file, process)
        settings = house.settings_of(self.directory, self.script, step, self.limits)
        at = step.at if step else self.script.ends[0]
        scene = None
        if step is not None:
            scene = stage.Stage(
                step, house.random_of(self.script.seed, number, "plugins"), self.tell, self._handed_back
            )
            stage.enter(scene)
        trouble = step.trouble if step else None
        data = UnreliableMarket(self.market, trouble.count if trouble and trouble.kind == "data" else None)
        parts = (self.universe, data, MortalBroker(broker, process, self._write, self.oracle.looked), ledger)
        with standing_in(process):
            try:
                yield house.context_of(settings, step, parts, FixedClock(at), sleep)
            finally:
                if scene is not None:
                    scene.over.set()
                database.free()

    def _write(self, name: str, arguments: tuple[Any, ...], act: Callable[[], Any]) -> Any:
        if self._bare is None:
            self._bare = self.oracle.bare()
        if name == "submit":
            self.oracle.sending(arguments[0])
        outcome = act()
        what = arguments[0].client_id if name == "submit" else " ".join(map(str, arguments))
        self.tell(f"    {name} {what}: {words(outcome)}")
        if name == "submit":
            self.oracle.sent(arguments[0], outcome)
        return outcome

    def _handed_back(self, done: Execution) -> None:
        self.oracle.shouted += done.text
        if done.side == "sell" and done.status != "filled" and self.account.shares().get(done.symbol):
            self.oracle.failed_closes.add(done.symbol)
        self.tell(f"    handed back: {_told(done)}")
        self.oracle.handed_back(_told(done))

    def _in_a_real_process(self, step: Step) -> str:
        """Run a command in a process that kills itself; what it says of its way is read back."""
        self._store.close()
        trail = self.directory / "trail"
        trail.write_text("")
        words = [
            sys.executable,
            "-m",
            "faults.child",
            str(self.directory),
            str(self.script.seed),
            str(step.number),
            str(self.script.kills),
        ]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=120)
        lines = trail.read_text().splitlines()
        for line in lines:
            self.tell(line)
            if line.startswith("!!! "):
                self.oracle.violations.append(Violation("in a real process", self.oracle.where, line[4:]))
        if done.returncode == -9:
            return "died"
        if done.returncode != 0:
            self.oracle.broken("no fault of the program", done.stderr[-2000:])
        return lines[-1].strip() if lines else "nothing was said"

    def tightened(self, step: Step) -> Limits:
        """The limits in force at a command, for a process that did not see the commands before it."""
        before = [hand for one in self.script.steps[: step.number + 1] for hand in one.hands]
        times = sum(hand.kind == "tightens" for hand in before)
        return replace(self.limits, max_positions=max(1, self.limits.max_positions - times))

    # -- around a command -----------------------------------------------------------------------------------

    def _by_hand(self, step: Step) -> None:
        for number, hand in enumerate(step.hands):
            what = ""
            if hand.kind == "splits":
                what = self._split(Split(hand.symbol, step.session), orders_stay=bool(hand.part))
            elif hand.kind == "halts":
                halt.halt(self.directory, "by hand", step.at)
            elif hand.kind == "resumes":
                halt.resume(self.directory)
            elif hand.kind == "tightens":
                self.limits = replace(self.limits, max_positions=max(1, self.limits.max_positions - 1))
            else:
                if self.account.moment() is not None:
                    self.account.advance(step.at)
                what = self.account.by_hand(hand, step.number * 10 + number)
            self.tell(f"  somebody {hand.kind} {hand.symbol} {what}")

    def _split(self, split: Split, *, orders_stay: bool) -> str:
        moment = self.account.moment()
        eve = self.market.sessions().days[split.session - 1].closes
        if moment is None:
            return "the account has not begun"
        if moment < eve:
            self.account.advance(eve)
        return self.account.split(split.symbol, orders_stay=orders_stay)

    def _judge(self, ended: str) -> None:
        oracle = self.oracle
        oracle.orders_are_on_record()
        oracle.fills_are_counted_once()
        oracle.never_oversold()
        if ended.startswith("died"):
            return
        if ended.startswith("done"):
            oracle.unknown_is_young()
            oracle.covered_or_told()
        elif self._bare is not None:
            oracle.covered_or_told(self._bare)

    def end(self) -> None:
        """When nothing goes wrong any more, one fixing command brings all together, and another changes nothing."""
        self.account.withdraw_by_hand()
        halt.resume(self.directory)
        states = []
        for at in self.script.ends:
            self.tell(f"at the end, status --fix at {at:%m-%d %H:%M}")
            self.oracle.begin("at the end", self.limits, None)
            process = Process(None, self.tell)
            with self._open(process, None, Faults(), Sleep()) as context:
                moment = at.isoformat()
                context = replace(context, clock=FixedClock(at))
                ended = self._ended(lambda c=context, m=moment: _mended(c, m, self.tell), process)  # type: ignore[misc]
            self.tell(f"  {ended}")
            if not ended.startswith("done"):
                self.oracle.broken("can be mended at the end", ended)
            self._judge(ended)
            self.oracle.ledger_equals_broker()
            states.append(self.oracle.state())
        if self.script.ends[0] == self.script.ends[1] and states[0] != states[1]:
            self.oracle.broken("twice is once", _difference(*states))


class Sleep:
    """Waits in no time, and remembers how long it was asked to."""

    def __init__(self) -> None:
        self.slept = 0.0

    def __call__(self, seconds: float) -> None:
        self.slept += seconds


@contextmanager
def standing_in(process: Process) -> Iterator[None]:
    """Let a process be told of the points that execution reaches."""
    real = points.reach
    points.reach = process.reach
    try:
        yield
    finally:
        points.reach = real


def run(seed: int, *, kills: float = KILLS) -> Report:
    """Run one seed, in a directory that is gone afterwards."""
    drawn = script(seed, kills)
    trail: list[str] = [f"seed {seed}: {drawn.limits}", f"faults {drawn.faults}"]
    with house.workspace() as directory:
        session = Session(drawn, directory, trail.append)
        try:
            for step in drawn.steps:
                session.command(step)
            session.end()
        finally:
            with suppress(MomentumError):
                session.close()
    return Report(seed, tuple(session.oracle.violations), tuple(trail))


def _mended(context: Context, at: str, tell: Callable[[str], None]) -> str:
    mended = mending.mend(context, at, tell)
    return f"done: {len(mended.alarms)} alarms stand"


def _told(done: Execution) -> str:
    return f"{done.side} {done.symbol} {done.status} {done.qty}/{done.asked} {done.text}".rstrip()


def _manner(step: Step) -> str:
    parts = [f"trouble: {step.trouble or 'none'}", f"decider {step.decider}", f"executor {step.executor}"]
    parts += [f"notifier {step.notifier}", "faulty broker" if step.is_faulty else "sound broker"]
    return ", ".join([*parts, *(["signals fail"] if step.signals_fail else [])])


def _difference(first: tuple[object, ...], second: tuple[object, ...]) -> str:
    changed = [f"{a} became {b}" for a, b in zip(first, second, strict=True) if a != b]
    return "; ".join(changed)[:2000]

"""`kill -9` at every labelled point of execution: whatever command comes next, no order is doubled or lost."""

from __future__ import annotations

import contextlib
import io
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from faults.house import quick_disk
from faults.oracle import Oracle
from faults.truth import TrueAccount
from momentum.cli.main import cli
from momentum.context import open_context, settings_in_force
from momentum.execution.book import Change, Held
from momentum.execution.costs import Costs
from momentum.execution.points import POINTS
from momentum.market.clock import RealClock
from momentum_plugins.paper.broker import PaperBroker
from momentum_plugins.paper.store import Store
from workspace_builders import breaks_out, market_file, quiet, sessions, workspace

DAY = 40
SMALL = ("--set", "limits.position_size=4%")
ADDING = ("--set", "limits.add_to_positions=on", "--set", "plugins.decide=[./buyer.py]")
BUYER = """\
import momentum
from momentum.model.decision import CandidateAction, Decision, ExecutionPlan

@momentum.hookimpl
def momentum_decide(situation):
    wanted = tuple(candidate.symbol for candidate in situation.candidates)
    actions = tuple(CandidateAction(symbol, "BUY", 15.0, 1.0, "more of it") for symbol in wanted)
    return Decision(candidate_actions=actions, execution_plan=ExecutionPlan(buys=wanted))
"""
NO_CHANGE = ("--set", "paper.faults.replace_refused=100%")


@dataclass(frozen=True)
class Killed:
    """A command that is killed at its `count`-th reaching of a point, in one of the houses below."""

    point: str
    command: str
    house: str = "new"
    count: int = 1

    @property
    def day(self) -> int:
        """The session it is in: that of the breakout where something is bought, else the next one."""
        return DAY if self.command in ("scan", "add") else DAY + 1


BUYING = "scan", "new"
CLOSING = "close", "held"
EXTENDING = "add", "held"
LOOSE = "fix", "halved"
WHERE: dict[str, tuple[str, str]] = {
    **dict.fromkeys(("close.cancelled", "close.free", "close.sold"), CLOSING),
    "stop.cancelled": LOOSE,
}
CASES = [
    *(Killed(point, *WHERE.get(point, BUYING)) for point in POINTS),
    *(
        Killed(point, *BUYING, count=2)
        for point in ("send.intent", "send.answer", "send.outcome", "protected")
    ),
    *(Killed(point, *CLOSING) for point in ("send.intent", "send.answer", "send.outcome", "follow.done")),
    *(Killed(point, *EXTENDING) for point in ("send.answer", "buy.filled")),
    *(Killed(point, *EXTENDING, count=2) for point in ("send.intent", "send.answer", "send.outcome")),
    Killed("send.intent", *LOOSE),
]
AFTERWARDS = {"scan": ("scan",), "close": ("close", "AAA"), "fix": ("status", "--fix")}
COMMANDS = {**AFTERWARDS, "add": (*ADDING, "scan"), "fix": (*NO_CHANGE, "status", "--fix")}


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Workspaces to copy: `new` is about to buy AAA, `held` has a little of it, `halved` half as much as its stop."""
    root = tmp_path_factory.mktemp("houses")
    market_file(root, breaks_out("AAA", DAY), quiet("DDD"))
    workspace(root / "new")
    (root / "new" / "buyer.py").write_text(BUYER)
    shutil.copytree(root / "new", root / "held")
    said = carried_out(root, root / "held", (*SMALL, "scan", *at(DAY)))
    assert "AAA" in said, said
    shutil.copytree(root / "held", root / "halved")
    halve(root / "halved")
    yield root


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[Path]:
    """A directory where flushing to the disk is quick, if there is one."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="momentum-killed-", dir=quick_disk()) as name:
        yield Path(name)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.command}-{case.point}-{case.count}")
def test_killed_at_any_point_no_order_is_lost_or_doubled(case: Killed, houses: Path, quick: Path) -> None:
    shutil.copytree(houses / case.house, quick / "killed")
    killed(houses, quick / "killed", case)
    for name, words in AFTERWARDS.items():
        work = quick / name
        shutil.copytree(quick / "killed", work)
        carried_out(houses, work, (*words, *at(case.day)))
        with judged(houses, work, f"{case}, then {name}") as oracle:
            oracle.orders_are_on_record()
            oracle.fills_are_counted_once()
            oracle.never_oversold()
            oracle.unknown_is_young()
            oracle.covered_or_told()
            bought_once(oracle, case)
        carried_out(houses, work, ("status", "--fix", *at(case.day + 1)))
        with judged(houses, work, f"{case}, then {name}, at the end") as oracle:
            oracle.ledger_equals_broker()
            bought_once(oracle, case)


def test_every_point_is_walked() -> None:
    assert {case.point for case in CASES} == set(POINTS)


def killed(houses: Path, work: Path, case: Killed) -> None:
    """Run the command in a process that kills itself at the point; it must get there."""
    words = [
        sys.executable,
        "-m",
        "faults.killed",
        case.point,
        str(case.count),
        *located(houses, work, (*COMMANDS[case.command], *at(case.day))),
    ]
    done = subprocess.run(words, cwd=Path(__file__).parent, capture_output=True, text=True, timeout=120)
    assert done.returncode == -9, f"{case.point} was not reached: {done.stdout}{done.stderr}"


def carried_out(houses: Path, work: Path, words: tuple[str, ...]) -> str:
    """What a command says. It may fail, with a word; it may not crash."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        cli.main(args=located(houses, work, words), prog_name="momentum", standalone_mode=False)
    return said.getvalue()


def at(day: int) -> tuple[str, str]:
    """The close of a session."""
    return "--at", sessions()[day].isoformat()


def located(houses: Path, work: Path, words: tuple[str, ...]) -> list[str]:
    """A command in a workspace, over the market data of all: a paper account belongs to its data."""
    data = ("plugins.data=files", f"files.path={houses / 'bars.parquet'}", "universe=all")
    return ["-C", str(work), *(word for value in data for word in ("--set", value)), *words]


@contextlib.contextmanager
def judged(houses: Path, work: Path, where: str) -> Iterator[Oracle]:
    """The oracle over a workspace as it is; what it finds broken fails the test."""
    settings = settings_in_force(work, data=houses / "bars.parquet")
    context = open_context(settings, RealClock())
    said: list[str] = []
    store = Store(work / "data" / "paper.db")
    paper = PaperBroker(store, context.data, cash=1.0, costs=Costs(0.0), series=lambda: "never")
    account = TrueAccount(paper, store, context.data, said.append, _nothing, _nothing)  # type: ignore[arg-type]
    oracle = Oracle(
        account, context.ledger, context.data, context.universe, settings.limits, work, said.append  # type: ignore[arg-type]
    )  # fmt: skip
    oracle.begin(where, settings.limits, None)
    try:
        yield oracle
    finally:
        context.close()
        store.close()
    assert not oracle.violations, "\n".join(map(str, oracle.violations))


def _nothing(*_: object) -> None:
    """Nobody sends an order while it is judged."""


def bought_once(oracle: Oracle, case: Killed) -> None:
    """AAA is bought once, whatever was killed; and once more where the killed command adds to it."""
    filled = Counter(
        order.symbol
        for order in oracle.account.orders(open_only=False)
        if order.side == "buy" and order.filled_qty
    )
    assert filled["AAA"] <= (2 if case.command == "add" else 1), filled


def halve(work: Path) -> None:
    """A reverse split that leaves the stop as it was: it is over twice the shares that are there."""
    store = Store(work / "data" / "paper.db")
    (account,) = store.accounts()
    with store.writing():
        kept = store.load(account)
        assert kept is not None
        held = kept.book.holdings["AAA"]
        holdings = {"AAA": Held(held.qty // 2, held.entry_price * held.qty / (held.qty // 2))}
        store.save(account, Change(replace(kept.book, holdings=holdings)), kept.moment)
    store.close()

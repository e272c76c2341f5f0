"""What happens in the session of one seed: the settings, the broker's faults, the commands and their troubles."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any, Literal

from fakes import closes, opens
from faults.market import BAR, HISTORY, SESSIONS, STRANGER, SYMBOLS, Split
from momentum.execution.points import POINTS, Point
from momentum.model.market import CAPS
from momentum.model.strategy import CapLimits, Limits
from momentum_plugins.paper.fault_settings import CHANCES, Faults

Command = Literal["scan", "close", "flatten", "fix"]
TroubleKind = Literal[
    "crash", "kill", "interrupt", "crash in the ledger", "locked", "full", "read-only", "data"
]
HandKind = Literal[
    "sells", "buys", "bids", "offers", "cancels the stop", "halts", "resumes", "tightens", "splits"
]


@dataclass(frozen=True, slots=True)
class Trouble:
    """What befalls one command.

    A crash is at the `count`-th time that `point` is reached; trouble with the ledger begins at its `count`-th
    statement and lasts for `lasts` of them; the market data answers `count` questions, and not the next.
    """

    kind: TroubleKind
    point: Point = "protected"
    count: int = 1
    lasts: int = 0

    def __str__(self) -> str:
        where = f" at {self.point}" if self.kind in ("crash", "kill", "interrupt") else ""
        until = f" for {self.lasts}" if self.lasts else ""
        return f"{self.kind}{where} (number {self.count}{until})"


@dataclass(frozen=True, slots=True)
class Hand:
    """What somebody does beside the program before a command. `part` is a share of the position, or of cash."""

    kind: HandKind
    symbol: str
    part: float = 1.0


@dataclass(frozen=True, slots=True)
class Step:
    """One command at its moment, and what goes wrong with it."""

    number: int
    command: Command
    at: datetime
    session: int
    symbols: tuple[str, ...]
    hands: tuple[Hand, ...]
    is_faulty: bool
    """Whether the broker has its faults during this command."""
    trouble: Trouble | None
    decider: str
    executor: str
    notifier: str
    signals_fail: bool
    max_buys: int | None


@dataclass(frozen=True, slots=True)
class Script:
    """Everything that a seed draws before anything happens."""

    seed: int
    kills: float
    limits: Limits
    trail: float
    cash: float
    volume_share: float | None
    commission: float
    faults: Faults
    splits: tuple[Split, ...]
    steps: tuple[Step, ...]
    ends: tuple[datetime, datetime]
    """The moments of the two fixing commands after everything, when nothing goes wrong any more."""


DECIDERS = ("sane",) * 6 + ("wild",) * 5 + ("raises", "hangs", "rubbish", "exits", "passes")
EXECUTORS = ("market",) * 6 + ("buys first", "twice", "forges", "raises", "rubbish", "late", "passes")
NOTIFIERS = ("hears",) * 6 + ("raises", "hangs")
_ON_THE_WAY = ("send", "follow", "close", "buy", "stop")
_LEDGER: tuple[TroubleKind, ...] = ("crash in the ledger", "locked", "full", "read-only")


def script(seed: int, kills: float) -> Script:
    """The script of a seed. `kills` is the share of seeds with a real process that is really killed."""
    random = Random(f"{seed}:script")
    steps = list(_steps(random))
    if random.random() < kills:
        number = random.randrange(len(steps))
        trouble = Trouble("kill", random.choice(POINTS), random.choice((1, 1, 2)))
        steps[number] = replace(steps[number], trouble=trouble)
    last = steps[-1]
    end = _end(random, last)
    return Script(
        seed=seed,
        kills=kills,
        limits=_limits(random),
        trail=random.choice((0.02, 0.05, 0.10)),
        cash=random.choice((20_000.0, 100_000.0)),
        volume_share=random.choice((None, None, 0.02, 0.1, 0.5)),
        commission=random.choice((0.0, 0.0, 1.0)),
        faults=_faults(random),
        splits=tuple(
            Split(hand.symbol, step.session) for step in steps for hand in step.hands if hand.kind == "splits"
        ),
        steps=tuple(steps),
        ends=(end, end + random.choice((timedelta(0), timedelta(minutes=15)))),
    )


def _limits(random: Random) -> Limits:
    positions = random.randint(2, 4)
    return Limits(
        max_positions=positions,
        max_buys_per_scan=random.randint(1, 3),
        position_size=random.choice((0.1, 0.25, 0.4)),
        max_exposure=random.choice((0.3, 0.6, 0.9)),
        reduce_to=random.choice((0.0, 0.5, 1.0)),
        slots=random.choice(("at_plan", "at_fill")),
        add_to_positions=random.random() < 0.5,
        max_price_age=timedelta(minutes=45),
        max_order=random.choice((None, None, 4_000.0)),
        caps={cap: CapLimits(random.randint(1, 3), random.randint(1, 2)) for cap in CAPS},
        ignored=frozenset({random.choice((*SYMBOLS, STRANGER))} if random.random() < 0.2 else ()),
    )


def _faults(random: Random) -> Faults:
    chosen = random.sample(sorted(CHANCES), k=random.choice((0, 1, 2, 3, 5)))
    chances: dict[str, Any] = {name: random.choice((0.05, 0.2, 0.5)) for name in chosen}
    if "unreachable" in chances:
        chances["unreachable"] = random.choice((0.02, 0.1, 0.3))
    return replace(Faults(wash_trade=random.random() < 0.15), **chances)


def _steps(random: Random) -> list[Step]:
    steps: list[Step] = []
    number, bar, past = HISTORY, random.randrange(1, 13), timedelta(0)
    for index in range(random.randint(4, 10)):
        begun = not steps or steps[-1].session != number
        hands = tuple(_hands(random, begun=begun)) if steps else ()
        command: Command = random.choices(("scan", "close", "flatten", "fix"), (70, 14, 4, 12))[0]
        if not steps:
            command = "scan"
        steps.append(
            Step(
                number=index,
                command=command,
                at=opens(number) + bar * BAR + past,
                session=number,
                symbols=tuple(random.sample(SYMBOLS, k=random.choice((1, 1, 2)))),
                hands=hands,
                is_faulty=random.random() < 0.8,
                trouble=_trouble(random),
                decider=random.choice(DECIDERS),
                executor=random.choice(EXECUTORS),
                notifier=random.choice(NOTIFIERS),
                signals_fail=random.random() < 0.04,
                max_buys=random.choice((None, None, 1)),
            )
        )
        number, bar, past = _later(random, number, bar, past)
    return steps


def _later(random: Random, number: int, bar: int, past: timedelta) -> tuple[int, int, timedelta]:
    """The next moment: the same, minutes later, some bars later, after the close, or in a later session."""
    kind = random.choices(("same", "minutes", "bars", "closed", "session"), (15, 20, 40, 5, 20))[0]
    if kind == "same":
        return number, bar, past
    if kind == "minutes" and past < timedelta(minutes=15):
        return number, bar, past + timedelta(minutes=random.choice((1, 3, 12)))
    if kind == "closed" and bar <= 13:
        return number, 14, timedelta(minutes=7)
    if kind == "bars" and bar < 12:
        return number, random.randint(bar + 1, 13), timedelta(0)
    if number > SESSIONS - 4:
        return number, bar, past + timedelta(minutes=1)
    return number + random.choice((1, 1, 2)), random.randrange(1, 14), timedelta(0)


def _trouble(random: Random) -> Trouble | None:
    kind = random.choices(("none", "crash", "interrupt", "ledger", "data"), (45, 25, 10, 15, 5))[0]
    if kind == "crash":
        return Trouble("crash", _point(random), random.choice((1, 1, 1, 2, 3)))
    if kind == "interrupt":
        return Trouble("interrupt", _point(random), random.choice((1, 1, 2)))
    if kind == "ledger":
        lasts = random.choice((1, 3, 10, 1000))
        return Trouble(
            random.choice(_LEDGER), count=random.randrange(1, random.choice((20, 90))), lasts=lasts
        )
    return Trouble("data", count=random.randrange(0, 8)) if kind == "data" else None


def _point(random: Random) -> Point:
    """Any point; rather one that only commands with orders reach."""
    return random.choice((*POINTS, *(point for point in POINTS if point.startswith(_ON_THE_WAY))))


def _hands(random: Random, *, begun: bool) -> list[Hand]:
    hands = []
    if begun and random.random() < 0.12:
        hands.append(Hand("splits", random.choice(SYMBOLS), random.choice((0.0, 1.0))))
    if random.random() < 0.25:
        kind: HandKind = random.choice(
            ("sells", "sells", "buys", "buys", "bids", "offers", "cancels the stop", "halts", "tightens")
        )
        symbol = random.choice((*SYMBOLS, STRANGER) if kind in ("buys", "bids") else SYMBOLS)
        hands.append(Hand(kind, symbol, random.choice((0.3, 1.0))))
    if random.random() < 0.3:
        hands.append(Hand("resumes", ""))
    return hands


def _end(random: Random, last: Step) -> datetime:
    """A moment after everything: later by more than an order may stay unknown, or in the next session."""
    later = max(last.at + timedelta(minutes=20), closes(last.session))
    return random.choice((later, opens(last.session + 1) + random.randrange(1, 13) * BAR))

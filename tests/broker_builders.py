"""Broker plugins for a workspace: paper accounts that refuse when told so, or that behave as somebody else's."""

from __future__ import annotations

from pathlib import Path

_STUBBORN = """
from pathlib import Path

import momentum
import momentum_plugins.paper
from momentum.model.orders import Refused, RefusalKind

REFUSED = Path(__file__).with_name("refused")


class Stubborn:
    def __init__(self, inner):
        self._inner = inner
        self.account_id = inner.account_id

    def submit(self, request):
        if REFUSED.exists() and request.type in REFUSED.read_text().split():
            return Refused(RefusalKind.OTHER, "not today")
        return self._inner.submit(request)

    def __getattr__(self, name):
        return getattr(self._inner, name)


@momentum.hookimpl
def momentum_broker(workspace):
    return Stubborn(momentum_plugins.paper.momentum_broker(workspace))
"""

_SOMEBODY_ELSES = """
from datetime import datetime, timezone

import momentum
import momentum_plugins.paper


class Real:
    def __init__(self, inner):
        self._inner = inner
        self.account_id = inner.account_id

    def moment(self):
        return datetime.now(timezone.utc)

    def advance(self, until):
        return ()

    def __getattr__(self, name):
        if name == "reset":
            raise AttributeError(name)
        return getattr(self._inner, name)


@momentum.hookimpl
def momentum_broker(workspace):
    return Real(momentum_plugins.paper.momentum_broker(workspace))
"""


def stubborn(work: Path) -> tuple[str, str]:
    """Options for a paper account that refuses the order types which `refuse` names."""
    (work / "stubborn.py").write_text(_STUBBORN)
    return "--set", "plugins.broker=./stubborn.py"


def refuse(work: Path, *types: str) -> None:
    """From now on these order types are refused; none of them where none is named."""
    (work / "refused").write_text(" ".join(types))


def somebody_elses(work: Path) -> tuple[str, str]:
    """Options for an account that lives by the clock on the wall and cannot be started anew."""
    (work / "real.py").write_text(_SOMEBODY_ELSES)
    return "--set", "plugins.broker=./real.py"

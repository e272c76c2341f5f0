"""Standing alarms: whatever a command was about, it ends with what somebody must mend.

They go to stderr, one line each, but for those that the command itself has shown; stdout stays what the command
is about.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import ContextVar
from typing import TYPE_CHECKING

import click

from momentum.cli.options import InUse
from momentum.errors import MomentumError

if TYPE_CHECKING:
    from momentum.ledger.rows import Alarm

_shown: ContextVar[frozenset[Alarm]] = ContextVar("shown_alarms", default=frozenset())


def note_shown(alarms: Iterable[Alarm]) -> None:
    """Say that a person has these before their eyes already."""
    _shown.set(_shown.get() | frozenset(alarms))


def show_standing(used: InUse, *, tell_trouble: bool) -> None:
    """Show every alarm of the workspace's ledger that was not shown yet.

    A ledger that cannot be read is told of, where `tell_trouble` says so, and keeps no command from its work.
    """
    try:
        alarms = _standing(used)
    except MomentumError as error:
        if tell_trouble:
            click.echo(f"whether alarms stand is not known: {error}", err=True)
        return
    for alarm in alarms:
        if alarm not in _shown.get():
            click.secho(f"{alarm.account}: {alarm.text}", fg="white", bg="red", bold=True, err=True)


def _standing(used: InUse) -> tuple[Alarm, ...]:
    """The alarms of every account; none where there is no ledger yet."""
    from momentum.ledger.address import exists

    url = used.ledger or _written_address(used)
    if not exists(url):
        return ()
    from momentum.ledger.migrations import NEWEST
    from momentum.ledger.store import Ledger, open_database

    database = open_database(url, used.workspace)
    with Ledger(database) as ledger:  # as it is: a command that only halts changes no database
        return ledger.alarms() if database.schema_version == NEWEST else ()


def _written_address(used: InUse) -> str:
    """The ledger's address as the flags or momentum.yaml say, whatever else is wrong with them."""
    from momentum.settings.documents import WORKSPACE_FILE
    from momentum.settings.layers import flag_layers
    from momentum.settings.load import absolute_ledger
    from momentum.settings.nodes import Scalar
    from momentum.settings.schema import workspace_properties
    from momentum.settings.yamlfile import read_file

    layers = [read_file(used.workspace / WORKSPACE_FILE, WORKSPACE_FILE).table, *flag_layers(used.sets)[0]]
    written = [node for layer in layers if isinstance(node := layer.entries.get("ledger"), Scalar)]
    named = written[-1].text if written else str(workspace_properties()["ledger"]["default"])
    return absolute_ledger(named, used.workspace)

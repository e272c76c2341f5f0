"""The state of the ledger on the terminal."""

from __future__ import annotations

from pathlib import Path

import click
from rich.text import Text

from momentum.cli.render import console
from momentum.ledger.upkeep.backups import backups, made_at, short
from momentum.ledger.upkeep.restore import Contents
from momentum.ledger.upkeep.verify import Verdict
from momentum.market.calendar import shown

_MOST_BACKUPS = 10
_WIDTH = 50


def what_it_holds(found: Contents) -> str:
    """`version 1, 12 scans, 8 trades, 2 of them open`."""
    trades = f"{found.trades} trade{'s' if found.trades != 1 else ''}"
    if found.kind == "source":
        return f"a database of the source system, {trades}; the next command makes it a ledger"
    scans = f"{found.scans} scan{'s' if found.scans != 1 else ''}"
    return f"version {found.version}, {scans}, {trades}, {found.open_trades} of them open"


def what_it_is(path: Path, found: Contents) -> str:
    """A backup, for a person who shall say yes to it."""
    return f"{path}: of {shown(made_at(path))}, {what_it_holds(found)}"


def show_backups(ledger: Path, but: Path) -> None:
    """The other backups, newest first."""
    others = [path for path in backups(ledger) if path != but]
    for path in others[:_MOST_BACKUPS]:
        click.echo(f"  there is also {short(path, ledger)}, of {shown(made_at(path))}")
    if len(others) > _MOST_BACKUPS:
        click.echo(f"  and {len(others) - _MOST_BACKUPS} older ones")


def show_verdict(verdict: Verdict) -> None:
    """A line for each check, and below it what it found."""
    out = console()
    out.print(Text(verdict.where, style="bold"))
    for check in verdict.checks:
        wrong = len(check.findings)
        state = Text("WRONG", style="bold red") if wrong else Text("ok   ", style="green")
        out.print(Text.assemble(state, f"  {check.name:<{_WIDTH}}  {check.looked}"))
        for finding in check.findings:
            out.print(Text(f"       {finding}", style="red"))
    total = len(verdict.findings)
    out.print(f"{total} finding{'s' if total != 1 else ''}" if total else Text("in order", style="green"))


def verdict_json(verdict: Verdict) -> dict[str, object]:
    """The same as one document."""
    return {
        "ledger": verdict.where,
        "kind": verdict.kind,
        "version": verdict.version,
        "ok": not verdict.findings,
        "checks": [
            {
                "check": check.name,
                "looked_at": check.looked,
                "ok": not check.findings,
                "findings": check.findings,
            }
            for check in verdict.checks
        ],
    }

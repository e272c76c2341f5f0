"""`momentum backtest --check-lookahead` and `--check-warmup`: may the result be believed?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import click

from momentum.backtest.lookahead import Looked, look_for_lookahead
from momentum.backtest.run import chosen_sessions
from momentum.backtest.warmup import WarmUp, warm_up
from momentum.cli.options import print_json
from momentum.cli.progress import shown_progress
from momentum.cli.render import console, table
from momentum.context import open_data
from momentum.errors import EXIT_FAILED
from momentum.market.clock import RealClock
from momentum.market.universe import universe_of
from momentum.rules.program import compile_program
from momentum.settings.load import Settings


def check(
    loaded: Sequence[Settings],
    span: tuple[date | None, date | None],
    cap: str,
    *,
    lookahead: bool,
    warmup: bool,
    as_json: bool,
) -> None:
    """Check strategies on their data, and say what was found. Exits 1 where something looks ahead."""
    documents: list[Mapping[str, Any]] = []
    failed = False
    for settings in loaded:
        looked = _looked(settings, span, cap) if lookahead else None
        needs = _needs(settings, span) if warmup else None
        failed |= looked is not None and bool(looked.findings)
        if as_json:
            documents.append({"strategy": settings.strategy.name, "lookahead": looked, "warmup": needs})
            continue
        if looked is not None:
            _show_lookahead(looked)
        if needs is not None:
            _show_warmup(settings.strategy.name, needs)
    if as_json:
        print_json({"results": documents})
    if failed:
        raise click.exceptions.Exit(EXIT_FAILED)


def _looked(settings: Settings, span: tuple[date | None, date | None], cap: str) -> Looked:
    universe = universe_of(settings.universe)
    with shown_progress("evaluations") as progress:
        data = open_data(settings, RealClock())
        return look_for_lookahead(
            settings, data, universe, start=span[0], end=span[1], cap=cap, progress=progress
        )


def _needs(settings: Settings, span: tuple[date | None, date | None]) -> WarmUp:
    data = open_data(settings, RealClock())
    program = compile_program(settings.strategy, settings.host, settings.limits)
    sessions = chosen_sessions(data, *span)
    return warm_up(program.features, data, universe_of(settings.universe), sessions)


def _show_lookahead(looked: Looked) -> None:
    for finding in looked.findings:
        click.echo(f"{looked.strategy}: {finding}")
    for note in looked.notes:
        click.echo(f"{looked.strategy}: note: {note}")
    if not looked.findings:
        click.echo(
            f"{looked.strategy}: nothing looks ahead: {looked.features} features, {looked.rules} rules and the "
            f"decisions, with the bars after {len(looked.cut_after)} sessions taken away, and under other names and "
            f"dates; {looked.compared:,} bars of {looked.symbols:,} symbols compared"
        )


def _show_warmup(strategy: str, found: WarmUp) -> None:
    out = console()
    tried = f"{', '.join(found.symbols)}, up to {found.tried} bars"
    out.print(f"{strategy}: how many bars each feature needs (tried on {tried})", markup=False)
    made = table(
        "feature", "has a value after", "settled after", right=["has a value after", "settled after"]
    )
    for need in found.needs:
        made.add_row(need.feature, _bars(need.first, found), _bars(need.settled, found))
    out.print(made)
    before = f"{found.before} session{'' if found.before == 1 else 's'} of the data before {found.start}"
    late = found.unsettled
    lacking = f"not enough for {len(late)} of {len(found.needs)} features to settle"
    out.print(f"{before}: {lacking if late else 'enough for all of them'}", markup=False)


def _bars(count: int | None, found: WarmUp) -> str:
    return f"over {found.tried}" if count is None else str(count)

"""Loading a workspace's settings: read, lay over each other, check, type. All findings in one go."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from momentum.errors import Finding, SettingsError
from momentum.host.discover import installed
from momentum.host.registry import ROLES, Host
from momentum.redaction import redact, without_password
from momentum.settings import checks, typed
from momentum.settings.convert import Conversion, Schema, child_of
from momentum.settings.documents import Documents, Flags, read_documents
from momentum.settings.layers import STRATEGIES, defaults, followed, leaves, merge, origins, written
from momentum.settings.nodes import DEFAULT, Mark, Scalar, Table, dotted, removed
from momentum.settings.nodes import Path as Steps
from momentum.settings.overrides import Override, override_layers, problem_of
from momentum.settings.schema import workspace_schema
from momentum.settings.secrets import environment, secrets_in
from momentum.settings.sections import Sections, plugin_sections, section_faults
from momentum.settings.typed import Settings, describe
from momentum.settings.validate import Fault, validate
from momentum.settings.yamlfile import single

__all__ = ["Override", "Settings", "complete_schema", "describe", "load", "load_plugins", "why_not"]

_LONGEST_NAME = 200
_MOST = 100
"""How many findings are shown in one go: a file of quite another kind would give thousands."""

_ALL_RULES_NEED = ("plugins", "strategy", "extends", "features", "columns")


def load(
    directory: Path,
    *,
    strategy: str | None = None,
    sets: Sequence[str] = (),
    data: Path | None = None,
    overrides: Sequence[Override] = (),
    for_backtest: bool = False,
    rule_check: checks.RuleCheck | None = None,
) -> Settings:
    """Load and check the settings of the workspace in `directory`.

    The layers, the lowest first: defaults, the strategy with what it extends, momentum.yaml, `overrides`,
    then the flags `--strategy`, `--data` and `--set`. A backtest lays the strategy's `backtest:` section over
    momentum.yaml and ignores overrides. `rule_check` checks the strategy's rules, by default
    `momentum.rules.program.check`. Raises `SettingsError` with every finding where there is an error.
    """
    directory = directory.resolve()
    opened = _open(directory, Flags(strategy, data, sets), for_backtest=for_backtest)
    core, documents, host, sections, schema, base, below, unread = opened
    changes, refused = override_layers(() if for_backtest else overrides, below, core, directory)
    tree = documents.tree(schema, changes, for_backtest=for_backtest)

    whole = merge(base, tree, schema)
    faults = list(islice(_faults(whole, core, sections, directory), _MOST + 1))
    findings = [
        *unread,
        *documents.findings,
        *documents.misplaced(),
        *sections.findings,
        *checks.plugin_findings(whole, host),
        *(fault.finding(whole) for fault in _distinct(faults)),
    ]
    if len(faults) > _MOST:
        raise SettingsError(_in_order(findings))
    sound, follows = followed(merge(base, _repaired(tree, faults), schema), schema)
    values = Conversion(directory).value(sound, schema)
    settings = _settings(directory, documents.strategy_name, values, host, for_backtest=for_backtest)
    classified = settings.universe is not None
    across = checks.cross_checks(
        sound, settings.limits, settings.monitor, settings.schedule, classified=classified
    )
    if documents.strategy.found and not any(_spoils_rules(finding) for finding in findings):
        problems = (rule_check or _program_check())(settings.strategy, host, settings.limits)
        findings += checks.rule_findings(sound, problems, _missing_names(faults))

    errors = [finding for finding in (*findings, *across) if finding.severity == "error"]
    if errors:
        raise SettingsError(_in_order(errors))
    return replace(
        settings,
        warnings=tuple(_in_order((*across, *refused))),
        values=_described(sound, schema),
        origins={**origins(sound), **follows},
    )


class _Opened(NamedTuple):
    """A workspace read, its plugins loaded; `below` is the document without changes made while running.

    `unread` is what is wrong with its `.env`.
    """

    core: Schema
    documents: Documents
    host: Host
    sections: Sections
    schema: Schema
    base: Table
    below: Table
    unread: tuple[Finding, ...]


def _open(directory: Path, flags: Flags, *, for_backtest: bool) -> _Opened:
    core = workspace_schema()
    documents = read_documents(directory, flags, core)
    roles = _roles(documents.tree(core, (), for_backtest=for_backtest), core, directory)
    known, unread = _environment(directory)
    host = Host.load(roles, directory, hide=lambda text: redact(text, known))
    sections = plugin_sections(host, core)
    schema = sections.complete(core)
    base = _defaults(schema, directory)
    below = merge(base, documents.tree(schema, (), for_backtest=for_backtest), schema)
    return _Opened(core, documents, host, sections, schema, base, below, unread)


def _environment(directory: Path) -> tuple[Mapping[str, str], tuple[Finding, ...]]:
    """The variables whose secrets are hidden, and what is wrong with `.env`."""
    try:
        return environment(directory), ()
    except SettingsError as error:
        return os.environ, error.findings


def why_not(directory: Path, override: Override) -> str:
    """Why a change may not be made while running; empty where it may.

    It may where the schema marks the key as settable, the value is within its bounds, and no hard limit of
    the files is widened. Raises `SettingsError` where the files themselves are wrong beyond reading.
    """
    opened = _open(directory.resolve(), Flags(), for_backtest=False)
    return problem_of(override, opened.below, opened.core, directory)


def complete_schema(directory: Path) -> Schema:
    """The schema of momentum.yaml with the parts of all plugins, those first that the workspace lists.

    Those of installed plugins are there whether they are listed or not: their sections may stand ready.
    """
    opened = _open(directory.resolve(), Flags(), for_backtest=False)
    everything = Host.load(
        {"services": tuple(installed())}, directory
    )  # of whatever role: asked for schemas only
    return plugin_sections(everything, opened.core).complete(opened.sections.complete(opened.core))


def load_plugins(directory: Path, *, sets: Sequence[str] = (), data: Path | None = None) -> Host:
    """The plugins that the workspace lists, whatever else is wrong with its settings.

    Raises `SettingsError` where there is no momentum.yaml.
    """
    return _open(directory.resolve(), Flags(None, data, sets), for_backtest=False).host


def _program_check() -> checks.RuleCheck:
    """The compiler of rules; imported late, because it brings polars."""
    from momentum.rules.program import check

    return check


def _roles(tree: Table, core: Schema, directory: Path) -> dict[str, tuple[str, ...]]:
    """Which plugins are listed under which role; what is no name is left for the validator to refuse."""
    part = core["properties"]["plugins"]
    written_here = tree.entries.get("plugins")
    whole = defaults(part)
    if isinstance(written_here, Table):
        whole = merge(whole, written_here, part)
    values = Conversion(directory).value(whole, part)
    roles: dict[str, tuple[str, ...]] = {}
    for role in ROLES:
        listed = values.get(role)
        names = listed if isinstance(listed, list) else [listed]
        roles[role] = tuple(
            name for name in names if isinstance(name, str) and 0 < len(name) <= _LONGEST_NAME
        )
    return roles


def _defaults(schema: Schema, directory: Path) -> Table:
    """Every default, the workspace's name by its directory among them."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", directory.name)[:40] or "workspace"
    return merge(defaults(schema), single(("name",), Scalar(name, False, Mark(DEFAULT))), schema)


def _faults(tree: Table, core: Schema, sections: Sections, directory: Path) -> Iterator[Fault]:
    """All that is wrong with single values and keys."""
    conversion = Conversion(directory)
    values = conversion.value(tree, sections.complete(core))
    own = {key: value for key, value in values.items() if key in core["properties"]}
    yield from secrets_in(tree)
    yield from (Fault(problem.path, problem.message) for problem in conversion.problems)
    yield from validate(own, core, tree)
    yield from section_faults(tree, values, core, sections)
    yield from checks.feature_faults(own.get("features"))


def _distinct(faults: Iterable[Fault]) -> list[Fault]:
    """The first fault of each value: a secret under an unknown key is one mistake."""
    found: dict[Steps, Fault] = {}
    for fault in faults:
        found.setdefault(fault.path, fault)
    return list(found.values())


def _repaired(tree: Table, faults: Sequence[Fault]) -> Table:
    """The document without what is wrong, so that the rest can be checked as if it stood alone."""
    whole_items = {_up_to_item(fault.path) for fault in faults if fault.path}
    last_first = sorted(whole_items, key=lambda path: [f"{step:>09}" for step in path], reverse=True)
    for path in last_first:
        tree = removed(tree, path)
    return tree


def _up_to_item(path: Steps) -> Steps:
    place = next((place for place, step in enumerate(path) if isinstance(step, int)), len(path))
    return path[: place + 1]


def _settings(
    directory: Path, strategy: str, values: Mapping[str, Any], host: Host, *, for_backtest: bool
) -> Settings:
    universe = values["universe"]
    sections = {name: values.get(name, {}) for name in host.plugins}
    return Settings(
        directory=directory,
        name=values["name"],
        mode=values["mode"],
        strategy=typed.strategy_of(strategy, values, sections),
        limits=typed.limits_of(values),
        stops=typed.stops_of(values),
        monitor=typed.monitor_of(values),
        schedule=typed.schedule_of(values),
        plugins=host.roles,
        universe=None if universe == "all" else directory / Path(universe),
        sections=sections,
        ledger=absolute_ledger(values["ledger"], directory),
        timeouts=typed.Timeouts(**values["timeouts"]),
        backtest=typed.backtest_of(values) if for_backtest else None,
        host=host,
    )


def absolute_ledger(url: str, directory: Path) -> str:
    """A ledger's address with the path that it has in a workspace."""
    scheme, mark, path = url.partition(":///")
    if scheme != "sqlite":
        return url
    return url if path.startswith("/") else f"{scheme}{mark}{directory / path}"


def _spoils_rules(finding: Finding) -> bool:
    """True for an error after which no rule can be judged: nothing that it names is there."""
    if finding.severity != "error":
        return False
    if finding.where.startswith(f"{STRATEGIES}/") and not finding.key:
        return True
    return finding.key in _ALL_RULES_NEED or finding.key.startswith("plugins.signals")


def _missing_names(faults: Iterable[Fault]) -> frozenset[str]:
    """The features, columns and thresholds that are left out because something is wrong with them."""
    depth = {"features": 1, "columns": 1, "caps": 2}
    at = ((depth.get(str(fault.path[0]), len(fault.path)), fault.path) for fault in faults)
    return frozenset(str(path[place]) for place, path in at if place < len(path))


def _in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Each finding once, in the order of the files, and no more than a person would read."""
    distinct = {str(finding): finding for finding in findings}.values()
    ordered = sorted(distinct, key=lambda f: (f.where, f.line or 0, f.column or 0))
    if len(ordered) <= _MOST:
        return ordered
    return [*ordered[:_MOST], Finding(ordered[0].where, "there is more to correct; begin with these")]


def _described(tree: Table, schema: Schema) -> dict[str, object]:
    """Each value as a person writes it, by dotted key; a password in an address is hidden."""
    values: dict[str, object] = {}
    for path, node in leaves(tree):
        part = schema
        for step in path:
            part = child_of(part, step)
        value = written(node, part)
        values[dotted(path)] = without_password(value) if isinstance(value, str) else value
    return values

"""The plugins' own sections: which may stand in the YAML, and what their schemas find wrong in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from momentum.errors import Finding, PluginError
from momentum.host.discover import describe, installed
from momentum.host.dispatch import schemas
from momentum.host.registry import Host
from momentum.settings.convert import Schema
from momentum.settings.documents import WORKSPACE_FILE
from momentum.settings.nodes import Scalar, Table
from momentum.settings.validate import Fault, did_you_mean, validate


@dataclass(frozen=True, slots=True)
class Sections:
    """`schemas` are those of the listed plugins that have one; `idle` are installed plugins not listed.

    A section of an idle plugin may stand ready in the YAML; it is neither checked nor used.
    """

    schemas: Mapping[str, Schema]
    listed: frozenset[str]
    idle: frozenset[str]
    findings: tuple[Finding, ...]

    def names(self) -> frozenset[str]:
        """Every plugin whose section may stand in the YAML."""
        return frozenset(self.schemas) | self.idle

    def complete(self, core: Schema) -> Schema:
        """The schema of the workspace with those of the plugins."""
        return {**core, "properties": {**core["properties"], **self.schemas}}


def plugin_sections(host: Host, core: Schema) -> Sections:
    """Ask the loaded plugins for their schemas; one that fails, or takes a name that is taken, is a finding."""
    findings: list[Finding] = []
    try:
        found = dict(schemas(host))
    except PluginError as error:
        findings.append(Finding(WORKSPACE_FILE, str(error), "plugins"))
        found = {}
    for name in [name for name in found if name in core["properties"]]:
        message = f"plugin {name} has settings under a name that momentum uses itself; rename the plugin"
        findings.append(Finding(WORKSPACE_FILE, message, "plugins"))
        del found[name]
    listed = frozenset(host.plugins)
    idle = frozenset(installed()) - listed
    if findings:
        idle |= listed
    return Sections(found, listed, idle - frozenset(found), tuple(findings))


def section_faults(
    tree: Table, values: Mapping[str, Any], core: Schema, sections: Sections
) -> Iterator[Fault]:
    """Unknown sections, and what the plugins' schemas find in theirs."""
    for key, node in tree.entries.items():
        if key in core["properties"]:
            continue
        if key in sections.schemas:
            yield from _checked(key, values.get(key, {}), tree, sections.schemas[key])
        elif key in sections.idle:
            if not isinstance(node, Table) and not (isinstance(node, Scalar) and node.is_null):
                yield Fault((key,), f"must be a mapping of plugin {key}'s settings")
        elif key in sections.listed:
            yield Fault((key,), f"plugin {key} has no settings", at_key=True)
        else:
            known = [*core["properties"], *sorted(sections.names())]
            yield Fault((key,), f"unknown key {key[:60]!r}{did_you_mean(key, known)}", at_key=True)


def _checked(name: str, values: object, tree: Table, schema: Schema) -> Iterator[Fault]:
    try:
        yield from validate(values, schema, tree, (name,))
    except Exception as error:
        yield Fault((name,), f"the schema of plugin {name} cannot be used: {describe(error)}")

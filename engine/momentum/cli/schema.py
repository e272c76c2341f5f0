"""`momentum schema`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from momentum.cli.options import chosen_workspace, workspace_options


@click.command()
@workspace_options
@click.option("--strategy", is_flag=True, help="Of strategies/*.yaml instead of momentum.yaml.")
def schema(directory: Path | None, sets: tuple[str, ...], data: Path | None, strategy: bool) -> None:
    """Print the JSON Schema of momentum.yaml, with the parts of the plugins that it lists.

    Editors complete and check the YAML by it: the shipped files name momentum.schema.json and
    strategies/strategy.schema.json in their first line. Write them anew when plugins change:
    `momentum schema > momentum.schema.json`, `momentum schema --strategy > strategies/strategy.schema.json`.
    """
    from momentum.settings.editor_schema import editor_schema, strategy_editor_schema
    from momentum.settings.load import complete_schema
    from momentum.settings.schema import limits_section, monitor_section
    from momentum.settings.strategy_schema import strategy_properties

    whole = complete_schema(chosen_workspace(directory, sets)[0])
    if strategy:
        made = strategy_editor_schema(whole, strategy_properties(limits_section(), monitor_section()))
    else:
        made = editor_schema(whole, "The workspace of momentum")
    click.echo(json.dumps(made, indent=2, ensure_ascii=False))

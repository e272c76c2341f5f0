"""`momentum data`: the commands about files of bars, each imported when it is used."""

from __future__ import annotations

from importlib import import_module

import click

_COMMANDS: dict[str, tuple[str, str]] = {
    "check": ("momentum.cli.data_check:check", "Look for gaps, jumps and other defects."),
    "convert": ("momentum.cli.data_convert:convert", "Write any readable bars into one sorted parquet file."),
}


class _DataCommands(click.Group):
    """A group that knows its commands by name and imports one when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


@click.group(cls=_DataCommands)
def data() -> None:
    """Check market data, or convert it into one file."""

"""The command line. Commands are imported when they are used, so that `momentum --help` answers at once."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import click

from momentum.errors import EXIT_FAILED, EXIT_USAGE, MomentumError

_COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("workspace", "Write a commented workspace into a directory."),
    "check": ("workspace", "Check momentum.yaml and every strategy."),
    "settings": ("workspace", "Show each value in force and where it comes from."),
    "set": ("overrides", "Change a setting while running."),
    "unset": ("overrides", "Take such a change back."),
    "schema": ("schema", "Write the JSON Schema of the YAML files, for editors."),
    "plugins": ("workspace", "List the plugins and what they serve."),
    "scan": ("scan", "Scan the market, decide, pass the risk gate, trade."),
    "status": ("account", "Show the account, its alarms and its positions."),
    "positions": ("account", "List the positions."),
    "paper": ("account", "Manage the paper account."),
    "data": ("data", "Check market data, or convert it into one file."),
    "explain": ("explain", "Explain what a scan made of a symbol."),
}


class _Commands(click.Group):
    """A group that knows its commands by name and imports one when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = import_module(f"momentum.cli.{_COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name, None) or getattr(module, f"{cmd_name}_")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0] if args else ""
        if name not in _COMMANDS and not name.startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(name, _COMMANDS, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else "; see `momentum --help`"
            raise click.UsageError(f"no command {name!r}{hint}", ctx)
        return super().resolve_command(ctx, args)


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="momentum-trader", prog_name="momentum")
@click.option("-C", "directory", type=click.Path(path_type=Path), metavar="DIR", help="The workspace.")
@click.option(
    "--set", "sets", multiple=True, metavar="KEY=VALUE", help="Override a setting; may be repeated."
)
@click.pass_context
def cli(ctx: click.Context, directory: Path | None, sets: tuple[str, ...]) -> None:
    """An autonomous momentum trader for US equities, steered by momentum.yaml.

    Start with `momentum init DIR`, then `momentum scan` in it. Every command takes -C DIR and --set.
    """
    ctx.obj = (directory, sets)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 failed, 2 wrong usage or settings, 3 locked, 4 unreachable."""
    sys.exit(_run(arguments))


def _run(arguments: list[str] | None) -> int:
    try:
        result = cli.main(args=arguments, prog_name="momentum", standalone_mode=False)
    except MomentumError as error:
        click.echo(_redacted(str(error)), err=True)
        return error.exit_code
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return EXIT_USAGE
    except (KeyboardInterrupt, click.Abort):
        click.echo("stopped", err=True)
        return EXIT_FAILED
    except BrokenPipeError:
        sys.stderr.close()
        return EXIT_FAILED
    return result if isinstance(result, int) else 0


def _redacted(text: str) -> str:
    """The text without the value of any secret; a `.env` that cannot be read hides nothing by itself."""
    import os

    from momentum.cli.options import workspace_in_use
    from momentum.redaction import redact
    from momentum.settings.secrets import environment

    try:
        secrets = environment(workspace_in_use.get())
    except MomentumError:
        secrets = os.environ
    return redact(text, secrets)


if __name__ == "__main__":
    main()

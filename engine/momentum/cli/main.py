"""The command line. Commands are imported when they are used, so that `momentum --help` answers at once."""

from __future__ import annotations

import errno
import signal
import sys
import threading
from importlib import import_module
from pathlib import Path
from types import FrameType

import click

from momentum.errors import EXIT_FAILED, EXIT_USAGE, LedgerError, MomentumError

_COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("workspace", "Write a commented workspace into a directory."),
    "check": ("workspace", "Check momentum.yaml and every strategy."),
    "settings": ("workspace", "Show each value in force and where it comes from."),
    "set": ("overrides", "Change a setting while running."),
    "unset": ("overrides", "Take such a change back."),
    "schema": ("schema", "Write the JSON Schema of the YAML files, for editors."),
    "plugins": ("workspace", "List the plugins and what they serve."),
    "scan": ("scan", "Scan the market, decide, pass the risk gate, trade."),
    "backtest": ("backtest", "Run strategies over recorded bars."),
    "replay": ("replay", "Go through recorded sessions as they were scheduled."),
    "status": ("account", "Show the account and its alarms; --fix mends it."),
    "positions": ("account", "List the positions."),
    "close": ("trade", "Sell positions by hand."),
    "flatten": ("trade", "Sell everything, and cancel what would buy."),
    "halt": ("halt", "Stop all buys at once."),
    "resume": ("halt", "Allow buys again."),
    "paper": ("account", "Manage the paper account."),
    "data": ("data", "Check market data, or convert it into one file."),
    "db": ("db", "Back up, migrate, check and restore the ledger."),
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


class _Ended(KeyboardInterrupt):
    """A signal that ends the command as Ctrl-C does, so that what must be finished is finished."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 failed, 2 wrong usage or settings, 3 locked, 4 unreachable.

    SIGTERM and SIGHUP end it as Ctrl-C does, with the exit codes that a shell gives them (143, 129).
    """
    _end_in_order()
    sys.exit(_run(arguments))


def _end_in_order() -> None:
    """Let the signals that would end the process at once end it in order; one that is ignored stays so."""
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, _end)


def _end(number: int, _frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)  # asked once is enough: what follows protects the positions
    raise _Ended(number)


def _run(arguments: list[str] | None) -> int:
    from momentum.cli.options import in_use

    told: MomentumError | None = None
    try:
        result = cli.main(args=arguments, prog_name="momentum", standalone_mode=False)
        code = result if isinstance(result, int) else 0
    except MomentumError as error:
        click.echo(_redacted(str(error)), err=True)
        told, code = error, error.exit_code
    except click.exceptions.Exit as error:
        code = error.exit_code
    except click.ClickException as error:
        error.show()
        code = EXIT_USAGE
    except (KeyboardInterrupt, click.Abort) as error:
        by = error if isinstance(error, _Ended) else error.__cause__
        click.echo(f"stopped by {by}" if isinstance(by, _Ended) else "stopped", err=True)
        code = by.exit_code if isinstance(by, _Ended) else EXIT_FAILED
    except BrokenPipeError:
        sys.stderr.close()
        return EXIT_FAILED
    except OSError as error:
        if sys.stdout is None or error.errno != errno.ENOSPC:
            raise
        click.echo("what was to be shown cannot be written: the disk under the output is full", err=True)
        _discard_output()
        code = EXIT_FAILED
    used = in_use.get()
    if used is not None:
        from momentum.cli.alarms import show_standing

        show_standing(used, tell_trouble=not isinstance(told, LedgerError))
    return code


def _discard_output() -> None:
    """Let the interpreter find nothing to write at its end."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _redacted(text: str) -> str:
    """The text without the value of any secret; a `.env` that cannot be read hides nothing by itself."""
    import os

    from momentum.cli.options import in_use
    from momentum.redaction import redact
    from momentum.settings.secrets import environment

    used = in_use.get()
    try:
        secrets = environment(used.workspace if used else Path())
    except MomentumError:
        secrets = os.environ
    return redact(text, secrets)


if __name__ == "__main__":
    main()

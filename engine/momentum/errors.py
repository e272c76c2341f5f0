"""Every error that a person may meet, with the exit code that the command line gives it.

An error's text names the thing, where it is, what was wrong and what to do. An error that is not one of
these is a fault of the program.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_LOCKED = 3
EXIT_UNREACHABLE = 4


class MomentumError(Exception):
    """The base of all expected errors; `str(error)` is the line shown to a person."""

    exit_code = EXIT_FAILED


class UsageError(MomentumError):
    """The command was asked for something that cannot be: an unknown name, a moment before the account's."""

    exit_code = EXIT_USAGE


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, or suspicious, in the settings.

    `where` is the file (or `--set`) as the person knows it; `line` and `column` count from 1 and are None
    where the value did not come from a file.
    """

    where: str
    message: str
    key: str = ""
    line: int | None = None
    column: int | None = None
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        place = self.where if self.line is None else f"{self.where}:{self.line}:{self.column}"
        return f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"


class SettingsError(UsageError):
    """The settings have findings of severity error; nothing was started. One line per finding."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(str(finding) for finding in self.findings))


class PluginError(UsageError):
    """A plugin that is needed cannot be used: not found, failed to load, or broke its contract."""


class LockHeldError(MomentumError):
    """Another process is writing orders for this account."""

    exit_code = EXIT_LOCKED


class DataError(MomentumError):
    """Market data cannot be had: a file is missing or unreadable, a provider does not answer."""

    exit_code = EXIT_UNREACHABLE


class BrokerError(MomentumError):
    """The broker cannot be reached, or does not answer a question; never used for the outcome of an order."""

    exit_code = EXIT_UNREACHABLE


class LedgerError(MomentumError):
    """The ledger cannot be opened, read or written."""

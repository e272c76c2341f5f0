"""One lock over all writers to an account, between threads and processes."""

from __future__ import annotations

import fcntl
import json
import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from momentum.errors import LedgerError, LockHeldError
from momentum.redaction import without_password

_POLL = 0.05


@contextmanager
def account_lock(directory: Path, account: str, *, wait: float | None = 0) -> Iterator[None]:
    """Hold the account alone: a file `ACCOUNT.lock` in the directory, locked by the kernel.

    `wait` is how many seconds to wait for another holder, 0 not at all, None for ever. The kernel releases
    the lock when its process dies, however that happens. It is not reentrant. Raises LockHeldError, saying who
    holds it, and LedgerError where the file cannot be made.
    """
    with _locked(directory / f"{_safe(account)}.lock", account, wait):
        yield


@contextmanager
def every_lock(directory: Path) -> Iterator[None]:
    """Hold every account that was ever locked in the directory, for what concerns the whole ledger.

    It waits for none. Raises LockHeldError, saying who holds one, and LedgerError.
    """
    with ExitStack() as held:
        for path in sorted(directory.glob("*.lock")):
            held.enter_context(_locked(path, path.stem, 0))
        yield


@contextmanager
def _locked(path: Path, account: str, wait: float | None) -> Iterator[None]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise LedgerError(f"{path}: the account's lock cannot be made: {error.strerror}") from error
    try:
        _take(descriptor, path, account, wait)
        _sign(descriptor)
        try:
            yield
        finally:
            # The file stays: removing it would let two holders lock two files of the same name.
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _take(descriptor: int, path: Path, account: str, wait: float | None) -> None:
    if wait is None:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        return
    deadline = time.monotonic() + wait
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            left = deadline - time.monotonic()
            if left <= 0:
                raise LockHeldError(
                    f"account {account} is being traded by {_holder(path)}; try again when it has ended"
                ) from None
            time.sleep(min(_POLL, left))


def _sign(descriptor: int) -> None:
    """Say who holds the lock, for whoever waits; the command line without any password in it."""
    program, *arguments = sys.argv
    command = " ".join([Path(program).name, *map(without_password, arguments)])
    signature = {
        "pid": os.getpid(),
        "command": command,
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    with suppress(OSError):  # a full disk: the lock is held all the same
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(signature).encode(), 0)


def _holder(path: Path) -> str:
    """Who signed the file; the signature may be missing for a moment after the lock was taken."""
    try:
        signature = json.loads(path.read_text(encoding="utf-8"))
        return f"`{signature['command']}` (process {signature['pid']}, since {signature['since']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"


def _safe(account: str) -> str:
    """A file name of its own for each account; a digest tells apart what looks alike once cleaned."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", account)[:80]
    if plain == account and not plain.startswith("."):
        return plain
    return f"{plain.lstrip('.')}-{sha256(account.encode()).hexdigest()[:8]}"

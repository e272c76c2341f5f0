"""Stop buying until resumed: a file in the workspace, so that no lock and no database is needed.

Closes, stops and all reading go on while trading is halted.
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from momentum.durable import sync_directory
from momentum.errors import MomentumError
from momentum.market.calendar import shown

HALT_FILE = Path("data") / "halt"
"""Where the halt stands in the workspace; its first word is the moment, the rest the reason."""


def halt(workspace: Path, reason: str, at: datetime) -> bool:
    """Stop all buys from this moment. False where a halt stands already: it keeps its moment and its reason.

    It is on the disk when this returns. Raises `MomentumError` where it could not be written: then nothing is
    halted.
    """
    folder = workspace / HALT_FILE.parent
    made = False
    try:
        folder.mkdir(exist_ok=True)
        with (workspace / HALT_FILE).open("x", encoding="utf-8") as handle:
            made = True
            handle.write(f"{at.isoformat()} {' '.join(reason.split())}\n")
            handle.flush()
            os.fsync(handle.fileno())
        sync_directory(folder)
        sync_directory(workspace)
    except FileExistsError:
        return _stands(folder)
    except OSError as error:
        # An empty halt file halts too: on a full disk there may be room for its name and for nothing more.
        if made and halted(workspace) is not None:
            return True
        raise MomentumError(
            f"cannot write {workspace / HALT_FILE}: {error.strerror or error}; trading is NOT halted"
        ) from error
    return True


def resume(workspace: Path) -> bool:
    """Allow buys again. False where nothing was halted. Raises `MomentumError` where the halt stays."""
    if not os.path.lexists(workspace / HALT_FILE):
        return False
    try:
        (workspace / HALT_FILE).unlink()
        sync_directory(workspace / HALT_FILE.parent)
    except FileNotFoundError:
        return False
    except OSError as error:
        why = f"{error.strerror or error}; trading is still halted: remove it by hand"
        raise MomentumError(f"cannot remove {workspace / HALT_FILE}: {why}") from error
    return True


def halted(workspace: Path) -> str | None:
    """Since when and why trading is halted, or None. A halt file that cannot be read halts too."""
    try:
        text = (workspace / HALT_FILE).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        return f"the halt file {HALT_FILE} cannot be read ({error})"
    moment, _, reason = text.strip().partition(" ")
    try:
        since = f"since {shown(datetime.fromisoformat(moment))}"
    except ValueError:  # written by hand
        return text.strip() or "no reason given"
    return f"{since}: {reason}" if reason else since


def _stands(folder: Path) -> bool:
    """What `halt` answers where something is in its way: False for a halt that stands."""
    if not folder.is_dir():
        raise MomentumError(f"{folder} is no directory; trading is NOT halted: move it away and try again")
    return False

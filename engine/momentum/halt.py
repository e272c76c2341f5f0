"""Stop buying until resumed: a file in the workspace, so that no lock and no database is needed.

Closes, stops and all reading go on while trading is halted.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from momentum.errors import MomentumError

_FILE = Path("data") / "halt"


def halt(workspace: Path, reason: str, at: datetime) -> None:
    """Stop all buys from this moment; a halt that stands already keeps its reason."""
    file = workspace / _FILE
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as handle:
            handle.write(f"{at.isoformat()} {reason}\n")
    except FileExistsError:
        return
    except OSError as error:
        raise MomentumError(f"cannot write {_FILE}: {error.strerror}; trading is NOT halted") from error


def resume(workspace: Path) -> bool:
    """Allow buys again. False where nothing was halted."""
    try:
        (workspace / _FILE).unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise MomentumError(f"cannot remove {_FILE}: {error.strerror}; trading is still halted") from error
    return True


def halted(workspace: Path) -> str | None:
    """Why trading is halted, or None. A halt file that cannot be read halts too."""
    try:
        return (workspace / _FILE).read_text(encoding="utf-8").strip() or "halted"
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        return f"the halt file cannot be read ({error})"

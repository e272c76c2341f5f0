"""Files that can be made again: where they are kept, and how they are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path


def cache_directory(environment: Mapping[str, str] = os.environ) -> Path:
    """The user's cache of this program: `$XDG_CACHE_HOME/momentum`, else `~/.cache/momentum`."""
    base = environment.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "momentum"


def keep(path: Path, write: Callable[[Path], object]) -> bool:
    """Let `write` make a file, and put it at `path` in one step, so that no reader meets half of it.

    A directory that cannot be written only costs time, so it is no error: False says that nothing was kept.
    """
    unfinished: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        os.close(handle)
        unfinished = Path(name)
        write(unfinished)
        unfinished.replace(path)
    except OSError:
        if unfinished is not None:
            unfinished.unlink(missing_ok=True)
        return False
    return True

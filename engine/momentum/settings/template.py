"""Where the workspace that `momentum init` copies is kept."""

from __future__ import annotations

from pathlib import Path

import momentum


def template_directory() -> Path:
    """The directory that holds the shipped momentum.yaml, strategies/ and data/.

    A wheel carries it as the package data of `momentum_workspace`, next to this package; in a source tree,
    an editable install included, it is the top of the tree.
    """
    package = Path(momentum.__file__).parent
    installed = package.parent / "momentum_workspace"
    return installed if (installed / "momentum.yaml").is_file() else package.parents[1]

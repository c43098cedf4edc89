"""Which folders of the real disk a program on a simulated host may write to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

__all__ = ["kept_folders"]

_SIMULATED = ("sys", "proc", "dev", "run", "etc", "lib/modules", "usr/sbin")
"""Places of the simulated host. What is written there never meets the real disk."""


def kept_folders(folders: Sequence[Path]) -> list[Path]:
    """Return those directories that are real ones and nothing else.

    :param folders: absolute paths, links resolved.
    """
    return [
        folder
        for folder in folders
        if not any(
            folder.is_relative_to(place) or place.is_relative_to(folder)
            for place in (Path("/", name) for name in _SIMULATED)
        )
    ]

"""Real directories to which a program on a host may write."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

__all__ = ["kept_folders"]

_SIMULATED = ("sys", "proc", "dev", "run", "etc", "lib/modules", "usr/sbin")
"""Directories of the simulated host. Files written there never reach the real disk."""


def kept_folders(folders: Sequence[Path]) -> list[Path]:
    """Return the directories that do not overlap a simulated one.

    :param folders: absolute paths without symbolic links.
    """
    return [
        folder
        for folder in folders
        if not any(
            folder.is_relative_to(simulated) or simulated.is_relative_to(folder)
            for simulated in (Path("/", name) for name in _SIMULATED)
        )
    ]

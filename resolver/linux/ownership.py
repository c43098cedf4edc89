"""Who owns a file, and handing it over."""

from __future__ import annotations

import os
import stat
from typing import NamedTuple

__all__ = ["Owner", "change_owner", "owner_of"]


class Owner(NamedTuple):
    """Whose a file is, and what others may do with it."""

    mode: int
    """Permission bits."""
    uid: int
    gid: int


def owner_of(path: str) -> Owner | None:
    """Return whose a file is; ``None`` if there is no such file.

    :raises OSError: as the kernel says.
    """
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return Owner(stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid)


def change_owner(path: str, owner: Owner) -> None:
    """Give a file to somebody, with these permission bits.

    :raises OSError: as the kernel says; then nothing more is changed.
    """
    os.chown(path, owner.uid, owner.gid)
    os.chmod(path, owner.mode)

"""Owner and permissions of files."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from typing import NamedTuple

__all__ = ["Owner", "change_owner", "group_number", "owner_of", "user_number"]


class Owner(NamedTuple):
    """Owner and permissions of a file."""

    mode: int
    """Permission bits."""
    uid: int
    gid: int


def owner_of(path: str) -> Owner | None:
    """Return the owner of a file; ``None`` if there is no such file.

    :raises OSError: the error of the system call.
    """
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return Owner(stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid)


def change_owner(path: str, owner: Owner) -> None:
    """Set owner and permission bits of a file.

    :raises OSError: the error of the system call; later changes are skipped.
    """
    os.chown(path, owner.uid, owner.gid)
    os.chmod(path, owner.mode)


def user_number(text: str) -> int | None:
    """Return a uid, given by number or name; ``None`` if unknown."""
    import pwd

    return _number(text, lambda: pwd.getpwnam(text).pw_uid)


def group_number(text: str) -> int | None:
    """Return a gid, given by number or name; ``None`` if unknown."""
    import grp

    return _number(text, lambda: grp.getgrnam(text).gr_gid)


# chown(2) reserves the last number for "unchanged".
def _number(text: str, by_name: Callable[[], int]) -> int | None:
    if text.isascii() and text.isdigit():
        number = int(text[:11])
        return number if number < 2**32 - 1 else None
    try:
        return by_name()
    except (KeyError, ValueError):
        return None

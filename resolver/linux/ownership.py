"""Who owns a file, and handing it over."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from typing import NamedTuple

__all__ = ["Owner", "change_owner", "group_number", "owner_of", "user_number"]


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


def user_number(text: str) -> int | None:
    """Return the number of a user, given as such or by name; ``None``: unknown."""
    import pwd

    return _number(text, lambda: pwd.getpwnam(text).pw_uid)


def group_number(text: str) -> int | None:
    """Return the number of a group, given as such or by name; ``None``: unknown."""
    import grp

    return _number(text, lambda: grp.getgrnam(text).gr_gid)


# The last number means "leave as it is" to chown(2).
def _number(text: str, by_name: Callable[[], int]) -> int | None:
    if text.isascii() and text.isdigit():
        number = int(text[:11])
        return number if number < 2**32 - 1 else None
    try:
        return by_name()
    except (KeyError, ValueError):
        return None

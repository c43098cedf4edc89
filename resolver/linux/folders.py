"""Directories of our own."""

from __future__ import annotations

import errno
import os

__all__ = ["remove_if_empty"]


def remove_if_empty(path: str) -> None:
    """Remove a directory, unless something is in it or it is not there.

    :raises OSError: as the kernel says.
    """
    try:
        os.rmdir(path)
    except OSError as problem:
        if problem.errno not in (errno.ENOENT, errno.ENOTEMPTY, errno.EEXIST):
            raise

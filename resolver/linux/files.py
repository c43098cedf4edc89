"""Write and remove the files of resolver: whole, or not at all."""

from __future__ import annotations

import contextlib
import errno
import os

__all__ = ["remove_file", "remove_if_empty", "replace_file"]


def replace_file(path: str, data: bytes) -> None:
    """Write a file, whose directory is made if need be; one at a time writes it.

    The data reach the disk before the name does, and the name before this returns.

    :raises OSError: as the kernel says; no file is left behind.
    """
    directory, _, name = path.rpartition("/")
    os.makedirs(directory, mode=0o755, exist_ok=True)
    new = f"{directory}/.{name}.new"
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(new, flags, 0o644)
    try:
        try:
            os.write(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.rename(new, path)
        _sync_directory(directory)
    except BaseException:
        remove_file(new)
        raise


def remove_file(path: str) -> None:
    """Remove a file; it need not be there.

    :raises OSError: as the kernel says.
    """
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def remove_if_empty(path: str) -> None:
    """Remove a directory, unless something is in it or it is not there.

    :raises OSError: as the kernel says.
    """
    try:
        os.rmdir(path)
    except OSError as problem:
        if problem.errno not in (errno.ENOENT, errno.ENOTEMPTY, errno.EEXIST):
            raise


def _sync_directory(directory: str) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

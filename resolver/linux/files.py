"""Write and remove the files of resolver: whole, or not at all."""

from __future__ import annotations

import contextlib
import errno
import os

__all__ = ["remove_file", "remove_if_empty", "replace_file"]


def replace_file(path: str, data: bytes) -> None:
    """Write a file atomically, and create its directory.

    The caller holds a lock. The data are on disk before the file gets its name; the
    name is on disk on return.

    :raises OSError: the error of the system call; no new file is left.
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
    """Remove a file, if it exists.

    :raises OSError: the error of the system call.
    """
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def remove_if_empty(path: str) -> None:
    """Remove a directory, if it exists and is empty.

    :raises OSError: the error of the system call.
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

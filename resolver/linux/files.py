"""Write and remove the files of resolver: whole, or not at all."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os

__all__ = ["make_directory", "remove_file", "remove_if_empty", "replace_file"]


def replace_file(path: str, data: bytes, *, is_public: bool = False) -> None:
    """Write a file atomically, and create its directory.

    The data are on disk before the file gets its name; the name is on disk on return.
    Writers of the same file wait for each other.

    :param is_public: every user can read the file, whatever the umask.
    :raises OSError: the error of the system call; no new file is left.
    """
    directory, _, name = path.rpartition("/")
    make_directory(directory, is_public=is_public)
    new = f"{directory}/.{name}.new"
    descriptor = _locked_file(new)
    try:
        if is_public:
            os.fchmod(descriptor, 0o644)
        _write_all(descriptor, data, path)
        os.rename(new, path)
        _sync_directory(directory)
    except BaseException:
        remove_file(new)
        raise
    finally:
        os.close(descriptor)


def make_directory(path: str, *, is_public: bool) -> None:
    """Create a directory and its parents, if they are missing.

    :param is_public: every user can list the new ones, whatever the umask.
    :raises OSError: the error of the system call.
    """
    if os.path.isdir(path):
        return
    parent = os.path.dirname(path)
    if parent != path:
        make_directory(parent, is_public=is_public)
    with contextlib.suppress(FileExistsError):
        os.mkdir(path, 0o755)
        if is_public:
            os.chmod(path, 0o755)  # noqa: S103  # every user lists /run/resolver


# The file stays locked until it has its name. A file that a killed process left has
# no lock, so this process uses it.
def _locked_file(path: str) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    while True:
        descriptor = os.open(path, flags, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if _has_name(descriptor, path):
                os.ftruncate(descriptor, 0)
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


# Another process may have renamed it in the meantime.
def _has_name(descriptor: int, path: str) -> bool:
    with contextlib.suppress(FileNotFoundError):
        there = os.stat(path, follow_symlinks=False)
        return os.path.samestat(there, os.fstat(descriptor))
    return False


# A full disk takes a part of the data. The write of the rest fails.
def _write_all(descriptor: int, data: bytes, path: str) -> None:
    left = memoryview(data)
    try:
        while left:
            left = left[os.write(descriptor, left) :]
        os.fsync(descriptor)
    except OSError as problem:
        problem.filename = path
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

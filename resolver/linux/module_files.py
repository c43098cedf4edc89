"""Find module files, and read files within limits."""

from __future__ import annotations

import errno
import os
import stat
from typing import NamedTuple

from resolver.linux.files import replace_file

__all__ = [
    "FileStatus",
    "cache_folder",
    "find_modules",
    "is_folder",
    "processors",
    "read_within",
    "real_path",
    "write_whole",
]

_ENDINGS = (".ko", ".ko.xz", ".ko.zst", ".ko.gz")
_CHUNK_BYTES = 1 << 20


class FileStatus(NamedTuple):
    """A file with size and modification time, to detect changes."""

    path: str
    size: int
    """Size in bytes."""
    mtime_ns: int


def is_folder(path: str) -> bool:
    """Return whether a path is a directory."""
    return os.path.isdir(path)


def real_path(path: str) -> str:
    """Return a path with all links resolved."""
    return os.path.realpath(path)


def find_modules(directory: str) -> list[FileStatus]:
    """Return the module files below a directory, sorted.

    Links are not followed.

    :raises OSError: the directory cannot be listed.
    """
    found: list[FileStatus] = []
    pending = [directory]
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
                elif entry.name.endswith(_ENDINGS) and entry.is_file():
                    status = entry.stat()
                    one = FileStatus(entry.path, status.st_size, status.st_mtime_ns)
                    found.append(one)
    return sorted(found)


def read_within(path: str, limit: int) -> bytes:
    """Return the content of a regular file.

    :param limit: maximum size in bytes.
    :raises OSError: the error of the system call; the file is too large or not regular.
    """
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
    descriptor = os.open(path, flags)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "not a regular file", path)
        if status.st_size > limit:
            raise OSError(errno.EFBIG, f"more than {limit >> 20} MiB", path)
        chunks, left = [], limit
        while chunk := os.read(descriptor, min(_CHUNK_BYTES, left + 1)):
            chunks.append(chunk)
            left -= len(chunk)
            if left < 0:
                raise OSError(errno.EFBIG, f"more than {limit >> 20} MiB", path)
    finally:
        os.close(descriptor)
    return b"".join(chunks)


def write_whole(path: str, data: bytes) -> None:
    """Write a file atomically.

    :raises OSError: the error of the system call.
    """
    replace_file(os.path.abspath(path), data)


def cache_folder() -> str | None:
    """Return the cache directory; ``None`` without a home directory.

    Source: XDG Base Directory Specification.
    """
    base = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(base):
        return f"{base}/resolver"
    home = os.environ.get("HOME", "")
    return f"{home}/.cache/resolver" if os.path.isabs(home) else None


def processors() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0))

"""Functions of ``os`` that must answer for the simulated host, or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from errno import EBADF, EPERM
from typing import Any

from pyfakefs.fake_filesystem import FakeFilesystem
from pyfakefs.helpers import get_uid, set_uid

from simkernel.fronts.fakefs.streams import LiveRaw

__all__ = ["descriptor_calls", "replacements"]

_FORBIDDEN = (
    "copy_file_range",
    "execv",
    "execve",
    "forkpty",
    "popen",
    "posix_spawn",
    "posix_spawnp",
    "preadv",
    "pwritev",
    "readv",
    "sendfile",
    "splice",
    "statvfs",
    "system",
    "writev",
)
"""What pyfakefs leaves real and what would reach past the host."""


def replacements(release: str) -> dict[str, Callable[..., Any]]:
    """Return functions by name, to stand in ``os``.

    :param release: what ``uname`` shall say.
    """
    replaced: dict[str, Callable[..., Any]] = {
        "uname": lambda: os.uname_result(
            ("Linux", "simulated", release, "#1 SMP", "x86_64")
        ),
        "geteuid": get_uid,
        "setuid": set_uid,
        "seteuid": set_uid,
        "setgid": lambda gid: None,
        "setgroups": lambda groups: None,
    }
    for name in _FORBIDDEN:
        if hasattr(os, name):
            replaced[name] = _forbidden(name)
    return replaced


def _forbidden(name: str) -> Callable[..., Any]:
    def refuse(*unused: Any, **ignored: Any) -> Any:
        raise PermissionError(
            EPERM, f"os.{name} would leave the simulated host of the fakefs tier"
        )

    return refuse


def descriptor_calls(
    fake_os: Any, filesystem: FakeFilesystem
) -> dict[str, Callable[..., Any]]:
    """Return the calls on file descriptors that pyfakefs lacks or gets wrong.

    Its ``write`` says that all bytes were taken; its ``pwrite`` and ``pread`` are the
    real ones, and would meet whatever real file has that number.
    """
    plain_read, plain_write = fake_os.read, fake_os.write
    plain_lseek = fake_os.lseek

    def lseek(fd: int, position: int, whence: int) -> int:
        stream = filesystem.get_open_file(fd)
        if not isinstance(stream, LiveRaw):
            plain_lseek(fd, position, whence)
            return int(stream.tell())
        return stream.seek(position, whence)

    def read(fd: int, count: int) -> bytes:
        stream = filesystem.get_open_file(fd)
        if isinstance(stream, LiveRaw) and not stream.readable():
            raise OSError(EBADF, os.strerror(EBADF))
        return bytes(plain_read(fd, count))

    def write(fd: int, data: Any) -> int:
        stream = filesystem.get_open_file(fd)
        if not isinstance(stream, LiveRaw):
            return int(plain_write(fd, data))
        if not stream.writable():
            raise OSError(EBADF, os.strerror(EBADF))
        return int(stream.write(data))

    def pwrite(fd: int, data: Any, offset: int) -> int:
        if not isinstance(filesystem.get_open_file(fd), LiveRaw):
            lseek(fd, offset, os.SEEK_SET)
        return write(fd, data)

    def pread(fd: int, count: int, offset: int) -> bytes:
        before = lseek(fd, 0, os.SEEK_CUR)
        lseek(fd, offset, os.SEEK_SET)
        try:
            return read(fd, count)
        finally:
            lseek(fd, before, os.SEEK_SET)

    return {
        "lseek": lseek,
        "pread": pread,
        "pwrite": pwrite,
        "read": read,
        "write": write,
    }

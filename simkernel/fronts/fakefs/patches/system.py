"""Replaced and refused functions of ``os``."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from errno import EBADF, EPERM
from typing import Any

from pyfakefs.fake_file import StandardStreamWrapper
from pyfakefs.fake_filesystem import FakeFilesystem
from pyfakefs.helpers import get_uid, set_uid

from simkernel.fronts.fakefs.patches.streams import LiveRaw

__all__ = ["DescriptorCalls", "replacements"]

_STDERR = 2
"""Descriptor of standard error."""

_FORBIDDEN = (
    "copy_file_range",
    "execv",
    "execve",
    "fork",
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
"""Functions that pyfakefs leaves real, so they would act on the machine."""


def uname(release: str) -> os.uname_result:
    """Return the result of ``uname(2)`` for a kernel release."""
    return os.uname_result(("Linux", "simulated", release, "#1 SMP", "x86_64"))


def replacements(release: str) -> dict[str, Callable[..., Any]]:
    """Return replacements for functions of ``os``, by name.

    :param release: kernel release for ``uname``.
    """
    replaced: dict[str, Callable[..., Any]] = {
        "uname": lambda: uname(release),
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


def _print(fd: int, data: bytes) -> int:
    """Write to the program's standard output or standard error.

    pyfakefs accepts no bytes there, and the caller may have replaced the streams.
    """
    stream = sys.stderr if fd == _STDERR else sys.stdout
    stream.flush()
    if hasattr(stream, "buffer"):
        stream.buffer.write(data)
        stream.buffer.flush()
    else:
        stream.write(data.decode(errors="replace"))
    return len(data)


class DescriptorCalls:
    """Functions on descriptors that pyfakefs gets wrong.

    Its ``write`` always reports that all bytes were written. Its ``pwrite`` and
    ``pread`` are the real ones, and would act on the real file of that number.
    """

    def __init__(self, fake_os: Any, filesystem: FakeFilesystem) -> None:
        self._filesystem = filesystem
        self._read, self._write = fake_os.read, fake_os.write
        self._lseek = fake_os.lseek

    def install(self, fake_os: Any) -> None:
        """Install the functions in pyfakefs's ``os``."""
        for name in ("lseek", "pread", "pwrite", "read", "write"):
            setattr(fake_os, name, getattr(self, name))

    def _stream(self, fd: int) -> Any:
        return self._filesystem.get_open_file(fd)

    def _live(self, fd: int) -> LiveRaw | None:
        stream = self._stream(fd)
        return stream if isinstance(stream, LiveRaw) else None

    def lseek(self, fd: int, position: int, whence: int) -> int:
        """``os.lseek``."""
        live = self._live(fd)
        if live is not None:
            return live.seek(position, whence)
        self._lseek(fd, position, whence)
        return int(self._filesystem.get_open_file(fd).tell())

    def read(self, fd: int, count: int) -> bytes:
        """``os.read``."""
        live = self._live(fd)
        if live is not None and not live.readable():
            raise OSError(EBADF, os.strerror(EBADF))
        return bytes(self._read(fd, count))

    def write(self, fd: int, data: Any) -> int:
        """``os.write``."""
        live = self._live(fd)
        if live is None and isinstance(self._stream(fd), StandardStreamWrapper):
            return _print(fd, bytes(data))
        if live is None:
            return int(self._write(fd, data))
        if not live.writable():
            raise OSError(EBADF, os.strerror(EBADF))
        return int(live.write(data))

    def pwrite(self, fd: int, data: Any, offset: int) -> int:
        """``os.pwrite``; the kernel's files ignore the offset."""
        if self._live(fd) is None:
            self.lseek(fd, offset, os.SEEK_SET)
        return self.write(fd, data)

    def pread(self, fd: int, count: int, offset: int) -> bytes:
        """``os.pread``."""
        before = self.lseek(fd, 0, os.SEEK_CUR)
        self.lseek(fd, offset, os.SEEK_SET)
        try:
            return self.read(fd, count)
        finally:
            self.lseek(fd, before, os.SEEK_SET)

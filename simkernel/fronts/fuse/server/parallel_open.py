"""Parallel writes to one file, as sysfs allows them.

By default Linux runs one write to a FUSE file at a time, so that a slow probe would
block all other writers. The kernel's own files have one lock per open file instead. A
FUSE server asks for parallel writes in its reply to an open, which libfuse supports
since 3.14.1; Debian 12 has 3.14.0. So this module replies to opens for writing and to
the releases of these files itself. libfuse's own reply then fails, which it ignores.

A file that is truncated as it is opened, as by a shell's ``>``, still has one writer at
a time: Linux insists on that while it takes the file to be empty.

Source: fs/kernfs/file.c kernfs_fop_write_iter(); drivers/base/dd.c
__device_driver_lock(). Rule: R-LOCK-2.
"""

from __future__ import annotations

import ctypes
import os
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from errno import ENOENT

__all__ = ["ParallelOpens"]

_RELEASE = 18
_DIRECT_IO, _PARALLEL_DIRECT_WRITES = 1 << 0, 1 << 6
_OUT_HEADER = "=IiQ"
_OPEN_OUT = "QIi"


class _RequestHeader(ctypes.Structure):
    """``fuse_in_header`` and the word that follows it.

    Source: include/uapi/linux/fuse.h.
    """

    _fields_ = (
        ("length", ctypes.c_uint32),
        ("opcode", ctypes.c_uint32),
        ("unique", ctypes.c_uint64),
        ("node", ctypes.c_uint64),
        ("uid", ctypes.c_uint32),
        ("gid", ctypes.c_uint32),
        ("pid", ctypes.c_uint32),
        ("extensions", ctypes.c_uint32),
        ("handle", ctypes.c_uint64),
    )


class ParallelOpens:
    """Replies to opens for writing, and to their releases.

    :param device: ``/dev/fuse``.
    :param close: closes an open file by its number.
    """

    def __init__(self, device: int, close: Callable[[int], None]) -> None:
        self._device = device
        self._close = close
        self._opened: set[int] = set()
        self._thread = threading.local()

    def set_request_buffer(self, address: int) -> None:
        """Set the address at which this thread receives its requests."""
        self._thread.request = _RequestHeader.from_address(address)

    def reply_open(self, number: int) -> None:
        """Reply to the current open, except in libfuse's threads.

        :param number: number of the open file.
        :raises OSError: ENOENT, this has replied, and libfuse need not.
        """
        request = getattr(self._thread, "request", None)
        if request is None:
            return
        self._opened.add(number)
        flags = _DIRECT_IO | _PARALLEL_DIRECT_WRITES
        try:
            self._send(request.unique, struct.pack(f"={_OPEN_OUT}", number, flags, 0))
        except OSError:  # the program has been killed
            self._opened.discard(number)
            self._close(number)
        raise OSError(ENOENT, "already replied")

    def reply_release(self) -> bool:
        """Reply to the current request if it is such a release."""
        request = self._thread.request
        if request.opcode != _RELEASE or request.handle not in self._opened:
            return False
        number, unique = request.handle, request.unique
        self._opened.discard(number)
        self._close(number)
        with suppress(OSError):  # the program has been killed
            self._send(unique, b"")
        return True

    def _send(self, unique: int, body: bytes) -> None:
        length = struct.calcsize(_OUT_HEADER) + len(body)
        os.write(self._device, struct.pack(_OUT_HEADER, length, 0, unique) + body)

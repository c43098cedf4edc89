"""Files to which several programs write at once, as they do to the kernel's.

Linux lets one write to a FUSE file go at a time, unless the answer to its open says
that several may; so one that takes long, as a probe does, would keep others waiting.
The kernel's own files have no such lock, but one for each open file. libfuse can say it
since 3.14.1, and Debian 12 has 3.14.0. So opens for writing are answered here, and the
same files closed here; libfuse finds that nobody waits for its answer.

A file that is emptied as it is opened, as by a shell's ``>``, has one writer at a time
all the same: Linux insists while it takes the file to be empty.

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

__all__ = ["Writers"]

_RELEASE = 18
_DIRECT_IO, _PARALLEL_DIRECT_WRITES = 1 << 0, 1 << 6
_OUT_HEADER = "=IiQ"
_OPEN_OUT = "QIi"


class _Request(ctypes.Structure):
    """``fuse_in_header`` and the first word behind it (include/uapi/linux/fuse.h)."""

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


class Writers:
    """Answers opens for writing, and what follows from that.

    :param device: ``/dev/fuse``, of which a descriptor of its own is kept.
    :param close: forgets something open, by its number.
    """

    def __init__(self, device: int, close: Callable[[int], None]) -> None:
        self._device = device
        self._close = close
        self._answered: set[int] = set()
        self._thread = threading.local()

    def reads_at(self, address: int) -> None:
        """Take note of where this thread has each request that it deals with."""
        self._thread.request = _Request.from_address(address)

    def answer_open(self, number: int) -> None:
        """Answer the open under way; threads of libfuse's own do so themselves.

        :param number: what the file is opened as.
        :raises OSError: ENOENT, it is answered.
        """
        request = getattr(self._thread, "request", None)
        if request is None:
            return
        self._answered.add(number)
        flags = _DIRECT_IO | _PARALLEL_DIRECT_WRITES
        try:
            self._send(request.unique, struct.pack(f"={_OPEN_OUT}", number, flags, 0))
        except OSError:  # the program has been killed meanwhile
            self._answered.discard(number)
            self._close(number)
        raise OSError(ENOENT, "it is answered")

    def closes(self) -> bool:
        """Tell whether the request is the end of such a file; if so, answer it."""
        request = self._thread.request
        if request.opcode != _RELEASE or request.handle not in self._answered:
            return False
        number, unique = request.handle, request.unique
        self._answered.discard(number)
        self._close(number)
        with suppress(OSError):  # nobody waits for it
            self._send(unique, b"")
        return True

    def _send(self, unique: int, body: bytes) -> None:
        length = struct.calcsize(_OUT_HEADER) + len(body)
        os.write(self._device, struct.pack(_OUT_HEADER, length, 0, unique) + body)

"""Seccomp notifications: trapped calls and their replies.

Source: include/uapi/linux/seccomp.h.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from io import FileIO

from simkernel.fronts.fuse.inside.mounts import HIDDEN_PROC

__all__ = ["Notification", "proc_path", "receive"]

_RECEIVE = 0xC0502100
_SEND = 0xC0182101
_IS_VALID = 0x40082102
_ADD_DESCRIPTOR = 0x40182103
_NOTIFICATION = struct.Struct("=QIIiIQ6Q")
_RESPONSE = struct.Struct("=QqiI")
_CONTINUE = 1
_LONGEST_TEXT = 4096
_PAGE = 4096


def proc_path(process: int, name: str) -> str:
    """Return the path of a process's file in ``/proc``."""
    return f"{_proc()}/{process}/{name}"


@cache
def _proc() -> str:
    return HIDDEN_PROC if os.path.isdir(HIDDEN_PROC) else "/proc"


class Notification:
    """A trapped system call; the caller waits for the reply.

    :param listener: descriptor at which it arrived.
    :param process: the calling thread's id in this PID namespace.
    """

    def __init__(
        self,
        listener: int,
        identity: int,
        process: int,
        number: int,
        architecture: int,
        arguments: Sequence[int],
    ) -> None:
        self.listener = listener
        self._identity = identity
        self.process = process
        self.number = number
        self.architecture = architecture
        self.arguments = arguments

    # ---- the caller

    def read_memory(self, address: int, size: int) -> bytes:
        """Read the caller's memory, less at the end of a mapping.

        :raises OSError: EFAULT.
        """
        with self._open_memory("rb") as stream:
            return os.pread(stream.fileno(), size, address)

    def read_text(self, address: int) -> str:
        """Read a NUL-terminated text from the caller's memory.

        :raises OSError: EFAULT, or ENAMETOOLONG after 4096 bytes without a NUL.
        """
        data = b""
        while b"\0" not in data and len(data) < _LONGEST_TEXT:
            left_in_page = _PAGE - (address + len(data)) % _PAGE
            data += self.read_memory(address + len(data), left_in_page)
        text, end, _ = data.partition(b"\0")
        if not end:
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
        return os.fsdecode(text)

    def write_memory(self, address: int, data: bytes) -> None:
        """Write to the caller's memory.

        :raises OSError: EFAULT, also if the caller has been killed.
        """
        with self._open_memory("r+b") as stream:
            # After this check, the open file belongs to the caller for certain, and
            # not to another process that got its id.
            fcntl.ioctl(self.listener, _IS_VALID, struct.pack("=Q", self._identity))
            os.pwrite(stream.fileno(), data, address)

    @contextmanager
    def _open_memory(self, mode: str) -> Iterator[FileIO]:
        """Open the caller's memory; all errors become EFAULT."""
        with FileIO(proc_path(self.process, "mem"), mode) as stream:
            try:
                yield stream
            except OSError:
                raise OSError(errno.EFAULT, os.strerror(errno.EFAULT)) from None

    def has_capability(self, capability: int) -> bool:
        """Tell whether the caller has a capability, by number."""
        with open(proc_path(self.process, "status")) as lines:
            for line in lines:
                if line.startswith("CapEff:"):
                    return bool(int(line.split()[1], 16) >> capability & 1)
        return False

    # ---- the reply

    def reply(self, value: int = 0, *, errno: int = 0) -> None:
        """Let the call return a value, or fail with an errno."""
        self._respond(value, -errno, 0)

    def continue_call(self) -> None:
        """Let the machine's kernel carry out the call."""
        self._respond(0, 0, _CONTINUE)

    def reply_with_descriptor(self, number: int, *, close_on_exec: bool) -> None:
        """Let the call return a duplicate of a descriptor."""
        flags = os.O_CLOEXEC if close_on_exec else 0
        request = struct.pack("=QIIII", self._identity, 0, number, 0, flags)
        self.reply(fcntl.ioctl(self.listener, _ADD_DESCRIPTOR, bytearray(request)))

    def _respond(self, value: int, error: int, flags: int) -> None:
        response = _RESPONSE.pack(self._identity, value, error, flags)
        try:
            fcntl.ioctl(self.listener, _SEND, response)
        except FileNotFoundError:
            return  # the caller has been killed


def receive(listener: int) -> Notification | None:
    """Receive the next notification, if there is one."""
    buffer = bytearray(_NOTIFICATION.size)
    try:
        fcntl.ioctl(listener, _RECEIVE, buffer)
    except (FileNotFoundError, InterruptedError):
        return None  # the caller has been killed, or poll() reports it again
    fields = _NOTIFICATION.unpack(buffer)
    identity, process, _, number, architecture, _, *arguments = fields
    return Notification(
        listener, identity, process, number, architecture, tuple(arguments)
    )

"""One trapped system call: who made it, with what, and how it is answered.

Source of the whole: include/uapi/linux/seccomp.h.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import FileIO

from simkernel.fronts.fuse.inside.processes import about

__all__ = ["Notice", "receive"]

_RECEIVE = 0xC0502100
_SEND = 0xC0182101
_IS_VALID = 0x40082102
_ADD_DESCRIPTOR = 0x40182103
_NOTICE = struct.Struct("=QIIiIQ6Q")
_RESPONSE = struct.Struct("=QqiI")
_CONTINUE = 1
_LONGEST_TEXT = 4096
_PAGE = 4096


class Notice:
    """A call that waits for its answer.

    :param listener: descriptor at which it came.
    :param process: its thread, as ``/proc`` in here knows it.
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

    # ---- looking

    def memory(self, address: int, size: int) -> bytes:
        """Return bytes of the caller's memory; fewer where there is no more.

        :raises OSError: there is nothing at that address.
        """
        with self._open_memory("rb") as stream:
            return os.pread(stream.fileno(), size, address)

    def text(self, address: int) -> str:
        """Return the text at an address, up to its NUL.

        :raises OSError: there is nothing at that address, or no NUL.
        """
        data = b""
        while b"\0" not in data and len(data) < _LONGEST_TEXT:
            room = _PAGE - (address + len(data)) % _PAGE
            data += self.memory(address + len(data), room)
        text, end, _ = data.partition(b"\0")
        if not end:
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
        return os.fsdecode(text)

    def put(self, address: int, data: bytes) -> None:
        """Write to the caller's memory.

        :raises OSError: it cannot be written there, or the caller is gone.
        """
        with self._open_memory("r+b") as stream:
            # Only now it is sure that the number is no other process's.
            fcntl.ioctl(self.listener, _IS_VALID, struct.pack("=Q", self._identity))
            os.pwrite(stream.fileno(), data, address)

    @contextmanager
    def _open_memory(self, mode: str) -> Iterator[FileIO]:
        """Open the caller's memory; an address that it has not is EFAULT."""
        with FileIO(about(self.process, "mem"), mode) as stream:
            try:
                yield stream
            except OSError:
                raise OSError(errno.EFAULT, os.strerror(errno.EFAULT)) from None

    def may(self, capability: int) -> bool:
        """Tell whether the caller has a capability, by its number."""
        with open(about(self.process, "status")) as lines:
            for line in lines:
                if line.startswith("CapEff:"):
                    return bool(int(line.split()[1], 16) >> capability & 1)
        return False

    # ---- answering

    def answer(self, value: int = 0, *, errno: int = 0) -> None:
        """Let the call return a value, or fail."""
        self._respond(value, -errno, 0)

    def let_go(self) -> None:
        """Let the kernel carry the call out."""
        self._respond(0, 0, _CONTINUE)

    def answer_with_descriptor(self, number: int, *, close_on_exec: bool) -> None:
        """Give the caller a descriptor of one's own, as the call's result."""
        flags = os.O_CLOEXEC if close_on_exec else 0
        request = struct.pack("=QIIII", self._identity, 0, number, 0, flags)
        self.answer(fcntl.ioctl(self.listener, _ADD_DESCRIPTOR, bytearray(request)))

    def _respond(self, value: int, error: int, flags: int) -> None:
        response = _RESPONSE.pack(self._identity, value, error, flags)
        try:
            fcntl.ioctl(self.listener, _SEND, response)
        except FileNotFoundError:
            return  # the caller was killed meanwhile


def receive(listener: int) -> Notice | None:
    """Take the next trapped call; None: there is none to be had just now."""
    buffer = bytearray(_NOTICE.size)
    try:
        fcntl.ioctl(listener, _RECEIVE, buffer)
    except (FileNotFoundError, InterruptedError):
        return None  # its caller was killed, or will still be there the next time
    identity, process, _, number, architecture, _, *arguments = _NOTICE.unpack(buffer)
    return Notice(listener, identity, process, number, architecture, tuple(arguments))

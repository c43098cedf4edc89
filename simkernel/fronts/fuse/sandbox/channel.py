"""Messages between the kernel and the namespaces in which programs run on it.

Both ends use it, so it imports the standard library only.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Sequence
from typing import Any

__all__ = ["Channel", "Message", "packed", "unpacked"]

Message = dict[str, Any]
"""What is said: ``say`` is its kind, the rest belongs to it."""

_LONGEST = 65536
"""Bytes of a message; what may be longer travels in a memory file."""
_MOST_DESCRIPTORS = 8


class Channel:
    """One end of a socket that keeps messages apart and passes descriptors."""

    def __init__(self, end: socket.socket) -> None:
        self._socket = end

    def fileno(self) -> int:
        """Return the descriptor, for ``poll``."""
        return self._socket.fileno()

    def send(self, message: Message, descriptors: Sequence[int] = ()) -> None:
        """Send a message; the descriptors stay open here, too.

        :raises OSError: the other end is gone.
        """
        data = json.dumps(message).encode()
        socket.send_fds(self._socket, [data], list(descriptors))

    def receive(self) -> tuple[Message, list[int]] | None:
        """Wait for a message; None: the other end is gone."""
        try:
            data, descriptors, _, _ = socket.recv_fds(
                self._socket, _LONGEST, _MOST_DESCRIPTORS
            )
        except ConnectionError:
            return None
        for number in descriptors:
            os.set_inheritable(number, False)
        if not data:
            return None
        message: Message = json.loads(data)
        return message, descriptors

    def shutdown(self) -> None:
        """Say nothing more, and hear nothing more: the other end notices."""
        self._socket.shutdown(socket.SHUT_RDWR)

    def detach(self) -> int:
        """Return the descriptor, which is now the caller's to close."""
        return self._socket.detach()

    def close(self) -> None:
        """Close this end."""
        self._socket.close()


def packed(content: object) -> int:
    """Return a memory file that holds something, however long, for a message."""
    number = os.memfd_create("simkernel", os.MFD_CLOEXEC)
    with open(number, "w", closefd=False) as stream:
        json.dump(content, stream)
    return number


def unpacked(number: int) -> Any:
    """Return what a memory file holds, and close it."""
    with open(number) as stream:
        stream.seek(0)
        return json.load(stream)

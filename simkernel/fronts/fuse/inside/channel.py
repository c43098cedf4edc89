"""Messages between the kernel and the namespaces.

Both sides import this module, so it imports the standard library only.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Sequence
from typing import Any

__all__ = ["Channel", "Message", "packed", "unpacked"]

Message = dict[str, Any]
"""``type`` names the kind of message; the other members depend on it."""

_LARGEST_MESSAGE = 65536
"""Bytes of a message; larger content goes into a memory file."""
_MOST_DESCRIPTORS = 8


class Channel:
    """One end of a socket for messages and file descriptors."""

    def __init__(self, end: socket.socket) -> None:
        self._socket = end

    def fileno(self) -> int:
        """Return the descriptor, for ``poll``."""
        return self._socket.fileno()

    def send(self, message: Message, descriptors: Sequence[int] = ()) -> None:
        """Send a message; the descriptors also stay open on this side.

        :raises OSError: the other end is closed.
        """
        data = json.dumps(message).encode()
        socket.send_fds(self._socket, [data], list(descriptors))

    def receive(self) -> tuple[Message, list[int]] | None:
        """Wait for a message; None: the other end is closed."""
        try:
            data, descriptors, _, _ = socket.recv_fds(
                self._socket, _LARGEST_MESSAGE, _MOST_DESCRIPTORS
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
        """Shut down both directions, and so close the other end."""
        self._socket.shutdown(socket.SHUT_RDWR)

    def detach(self) -> int:
        """Return the descriptor, which the caller must close now."""
        return self._socket.detach()

    def close(self) -> None:
        """Close this end."""
        self._socket.close()


def packed(content: object) -> int:
    """Return the descriptor of a memory file with JSON content."""
    number = os.memfd_create("simkernel", os.MFD_CLOEXEC)
    with open(number, "w", closefd=False) as stream:
        json.dump(content, stream)
    return number


def unpacked(number: int) -> Any:
    """Return the content of a memory file, and close it."""
    with open(number) as stream:
        stream.seek(0)
        return json.load(stream)

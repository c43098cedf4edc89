"""The line to the host: JSON documents, one a line, over a port of virtio-serial."""

from __future__ import annotations

import json
import os
from typing import Any

__all__ = ["Channel", "open_port"]

_PORTS = "/sys/class/virtio-ports"
_PIECE = 32768
"""Bytes that the port takes at most in one write."""


def open_port(name: str) -> int:
    """Return a descriptor of the port that has a name.

    :raises LookupError: there is no such port.
    """
    for port in os.listdir(_PORTS):
        with open(f"{_PORTS}/{port}/name", encoding="ascii") as file:
            if file.read().strip() == name:
                return os.open(f"/dev/{port}", os.O_RDWR | os.O_CLOEXEC)
    raise LookupError(f"no port {name} in {_PORTS}")


class Channel:
    """Documents from the host and to it.

    :param port: descriptor that is read and written.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self._waiting = b""

    def receive(self) -> list[dict[str, Any]]:
        """Return the documents that have come; wait for the next bytes first.

        :raises EOFError: the host is gone.
        """
        data = os.read(self.port, _PIECE)
        if not data:
            raise EOFError
        *lines, self._waiting = (self._waiting + data).split(b"\n")
        return [json.loads(line) for line in lines]

    def send(self, document: dict[str, Any]) -> None:
        """Send a document; wait while the host does not read."""
        data = memoryview(json.dumps(document).encode() + b"\n")
        while data:
            data = data[os.write(self.port, data[:_PIECE]) :]

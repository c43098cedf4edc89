"""The channel to the host: JSON lines over a virtio-serial port."""

from __future__ import annotations

import json
import os
from typing import Any

__all__ = ["Channel", "open_port"]

_PORTS = "/sys/class/virtio-ports"
_PIECE = 32768
"""Maximum number of bytes per write to the port."""


def open_port(name: str) -> int:
    """Return a descriptor of the port with a given name.

    :raises LookupError: no such port.
    """
    for port in os.listdir(_PORTS):
        with open(f"{_PORTS}/{port}/name", encoding="ascii") as file:
            if file.read().strip() == name:
                return os.open(f"/dev/{port}", os.O_RDWR | os.O_CLOEXEC)
    raise LookupError(f"no port {name} in {_PORTS}")


class Channel:
    """Documents from and to the host.

    :param port: descriptor of the port.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self._partial = b""

    def receive(self) -> list[dict[str, Any]]:
        """Wait for bytes, and return the documents they complete.

        :raises EOFError: the host has closed the channel.
        """
        data = os.read(self.port, _PIECE)
        if not data:
            raise EOFError
        *lines, self._partial = (self._partial + data).split(b"\n")
        return [json.loads(line) for line in lines]

    def send(self, document: dict[str, Any]) -> None:
        """Send a document; blocks while the host does not read."""
        data = memoryview(json.dumps(document).encode() + b"\n")
        while data:
            data = data[os.write(self.port, data[:_PIECE]) :]

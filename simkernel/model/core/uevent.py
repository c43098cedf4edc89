"""Uevents: what the kernel tells user space about its objects.

Knows the message format; who receives it is not its concern.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Uevent", "UeventLog"]


@dataclass(frozen=True, slots=True)
class Uevent:
    """One message of ``NETLINK_KOBJECT_UEVENT``."""

    action: str
    """``add``, ``remove``, ``change``, ``bind``, ``unbind``, ..."""
    devpath: str
    """Path below ``/sys``, beginning with ``/``."""
    variables: tuple[tuple[str, str], ...]
    """``SUBSYSTEM`` and what the bus adds, in the order sent."""
    seqnum: int

    def __str__(self) -> str:
        """Return a line for a person, and one for each variable."""
        lines = [f"{self.action}@{self.devpath}"]
        return "\n    ".join(
            [*lines, *(f"{key}={text}" for key, text in self.variables)]
        )

    def to_bytes(self) -> bytes:
        """Return the datagram as the kernel sends it.

        Source: lib/kobject_uevent.c kobject_uevent_env().
        """
        fields = [
            f"{self.action}@{self.devpath}",
            f"ACTION={self.action}",
            f"DEVPATH={self.devpath}",
            *(f"{key}={value}" for key, value in self.variables),
            f"SEQNUM={self.seqnum}",
        ]
        return b"".join(field.encode() + b"\0" for field in fields)


class UeventLog:
    """All uevents since the host was up, and who wants to hear of new ones."""

    __slots__ = ("_recording", "_seqnum", "events", "listeners")

    def __init__(self) -> None:
        self.events: list[Uevent] = []
        self.listeners: list[Callable[[Uevent], None]] = []
        self._seqnum = 0
        self._recording = False

    def start(self) -> None:
        """Record from here on; what happened while the host booted is not kept."""
        self._recording = True

    def emit(self, action: str, devpath: str, *variables: tuple[str, str]) -> None:
        """Send one event to the log and to every listener."""
        self._seqnum += 1
        if not self._recording:
            return
        event = Uevent(action, devpath, variables, self._seqnum)
        self.events.append(event)
        for listener in self.listeners:
            listener(event)

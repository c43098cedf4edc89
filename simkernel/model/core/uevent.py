"""Uevents: the kernel's messages to user space about its objects.

Source of the whole: lib/kobject_uevent.c.
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
    """``SUBSYSTEM`` and the variables of the bus, in the order sent."""
    seqnum: int
    """Sequence number, which counts all events since the kernel started."""

    def __str__(self) -> str:
        """Return action and path, and an indented line for each variable."""
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
    """The uevents since boot, and the listeners for new ones."""

    __slots__ = ("_recording", "_seqnum", "events", "listeners")

    def __init__(self) -> None:
        self.events: list[Uevent] = []
        self.listeners: list[Callable[[Uevent], None]] = []
        self._seqnum = 0
        self._recording = False

    def start(self) -> None:
        """Start to record; the events of the boot are not recorded."""
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

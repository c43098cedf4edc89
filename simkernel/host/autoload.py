"""What udev does with the modules of a host: loads what a new device's modalias names.

A policy of user space, not of the kernel. It acts when an operation is over, as a
daemon does that hears of it.

Source: systemd's rules.d/80-drivers.rules and src/udev/udev-builtin-kmod.c: on
``add`` with ``MODALIAS``, every match that is not blacklisted is loaded.
"""

from __future__ import annotations

from collections.abc import Callable

from simkernel.model.core.notifier import Observer
from simkernel.model.core.uevent import Uevent

__all__ = ["Autoload"]


class Autoload(Observer):
    """Hears uevents and loads modules for them.

    :param load: loads the modules for one modalias; failures are its own to swallow.
    """

    def __init__(self, load: Callable[[str], None]) -> None:
        self.load = load
        self._pending: list[str] = []

    def hear(self, event: Uevent) -> None:
        """Remember what an event asks for."""
        if event.action == "add":
            self._pending += [
                value for key, value in event.variables if key == "MODALIAS"
            ]

    def operation_ended(self) -> None:
        """Load what the events since the last time asked for, and what follows."""
        while self._pending:
            self.load(self._pending.pop(0))

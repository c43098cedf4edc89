"""Load modules for new devices, as udev does.

A policy of user space, not of the kernel. It acts after the operation that sent the
uevents, as a daemon does.

Source: systemd's rules.d/80-drivers.rules and src/udev/udev-builtin-kmod.c: on
``add`` with ``MODALIAS``, udev loads every match that is not blacklisted.
"""

from __future__ import annotations

from collections.abc import Callable

from simkernel.model.core.notifier import Observer
from simkernel.model.core.uevent import Uevent

__all__ = ["Autoload"]


class Autoload(Observer):
    """Listener that loads modules for the modaliases in uevents.

    :param load: loads the modules for one modalias, and ignores failures.
    """

    def __init__(self, load: Callable[[str], None]) -> None:
        self.load = load
        self._pending: list[str] = []

    def hear(self, event: Uevent) -> None:
        """Queue the modalias of an ``add`` event."""
        if event.action == "add":
            self._pending += [
                value for key, value in event.variables if key == "MODALIAS"
            ]

    def operation_ended(self) -> None:
        """Load modules until no modalias is queued."""
        while self._pending:
            self.load(self._pending.pop(0))

"""Fault injection: failures at the n-th write to sysfs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from simkernel.errors import KernelRefusal

__all__ = ["Fault", "Faults"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One injected failure."""

    at_write: int
    """Number of the write that fails; the first write is 1."""
    errno: int = 0
    """errno of the write; 0: the write succeeds."""
    remove: str = ""
    """Name of a PCI device that is hot-unplugged just before; empty: none."""
    path: str = ""
    """File below ``/sys`` that another process writes to just before; empty: none."""
    data: bytes = b""
    """Bytes that the other process writes."""


class Faults:
    """The injected failures of one kernel.

    :param unplug: hot-unplugs the named PCI device.
    """

    __slots__ = ("_unplug", "planned", "writes")

    def __init__(self, unplug: Callable[[str], None] | None = None) -> None:
        self._unplug = unplug
        self.planned: list[Fault] = []
        self.writes = 0
        """Number of writes to sysfs attributes so far."""

    def next_write(self) -> list[Fault]:
        """Count a write and return the failures at it."""
        self.writes += 1
        return [fault for fault in self.planned if fault.at_write == self.writes]

    def inject(self, fault: Fault) -> None:
        """Carry out a failure.

        :raises KernelRefusal: the errno that the scenario gives. Rule: R-FAULT-1.
        """
        if fault.remove and self._unplug is not None:
            self._unplug(fault.remove)
        if fault.errno:
            raise KernelRefusal(fault.errno, "R-FAULT-1")

"""Failures that a scenario asks for, at the n-th write to sysfs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from simkernel.errors import KernelRefusal

__all__ = ["Fault", "Faults"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One failure."""

    at_write: int
    """Number of the write that meets it; the first write is 1."""
    errno: int = 0
    """errno with which the write is refused; 0: it is carried out."""
    remove: str = ""
    """Name of a PCI device that vanishes just before the write; empty: none."""
    path: str = ""
    """File below ``/sys`` that another process writes to just before; empty: none."""
    data: bytes = b""
    """What it writes."""


class Faults:
    """The failures still to come.

    :param vanish: takes the named PCI device away.
    """

    __slots__ = ("_vanish", "planned", "writes")

    def __init__(self, vanish: Callable[[str], None] | None = None) -> None:
        self._vanish = vanish
        self.planned: list[Fault] = []
        self.writes = 0
        """Writes to sysfs attributes so far."""

    def next_write(self) -> list[Fault]:
        """Count a write and return the failures that it meets."""
        self.writes += 1
        return [fault for fault in self.planned if fault.at_write == self.writes]

    def carry_out(self, fault: Fault) -> None:
        """Let a failure happen.

        :raises KernelRefusal: the errno that the scenario names.
        """
        if fault.remove and self._vanish is not None:
            self._vanish(fault.remove)
        if fault.errno:
            raise KernelRefusal(fault.errno, "R-FAULT-1")

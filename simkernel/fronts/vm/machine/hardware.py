"""The hardware that QEMU must have, so that a scenario's functions find their buses.

QEMU has the buses and the bridges to them, and no function: those are synthetic. A bus
that no bridge of the scenario leads to becomes a root bus of its own, by a PCI
expander; a bridge on a root bus becomes a root port, one below it a port of a switch.
:mod:`simkernel.fronts.vm.machine.topology` works out a machine for scenarios.

Source: QEMU, docs/pci_expander_bridge.txt.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from simkernel.errors import UsageError

__all__ = ["DOWNSTREAM", "ROOT_PORT", "UPSTREAM", "Bdf", "Machine", "Port"]

ROOT_PORT = "pcie-root-port"
UPSTREAM = "x3130-upstream"
DOWNSTREAM = "xio3130-downstream"

_LAST_SLOT = 0x1E
"""Highest device number on bus 00 that QEMU's machine leaves free."""


@dataclass(frozen=True, slots=True, order=True)
class Bdf:
    """Bus, device and function number in domain 0."""

    bus: int
    slot: int
    function: int

    @classmethod
    def parse(cls, address: str) -> Bdf:
        """Return the place of an address like ``0000:3b:00.2``.

        :raises UsageError: it is in another domain.
        """
        domain, bus, rest = address.split(":")
        slot, function = rest.split(".")
        if int(domain, 16) != 0:
            raise UsageError(f"{address}: QEMU has only PCI domain 0000")
        return cls(int(bus, 16), int(slot, 16), int(function))

    def __str__(self) -> str:
        return f"0000:{self.bus:02x}:{self.slot:02x}.{self.function}"


@dataclass(frozen=True, slots=True)
class Port:
    """A bridge that QEMU has."""

    place: Bdf
    kind: str
    """QEMU's name of the device: one of the three constants."""
    secondary: int
    """Number of the bus behind it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Buses and bridges."""

    iommu: bool = True
    root_buses: tuple[int, ...] = ()
    """Root buses beside 00, ascending."""
    ports: tuple[Port, ...] = ()
    """In the order in which QEMU must make them."""
    fillers: tuple[Bdf, ...] = ()
    """Ports among them that no scenario has."""
    arguments: tuple[str, ...] = ()
    """Words for the kernel's command line."""
    used_slots: frozenset[int] = frozenset()
    """Device numbers on bus 00 that belong to a scenario."""

    def devices(self, places: Iterator[str]) -> list[str]:
        """Return QEMU's options.

        :param places: free places on bus 00, see :meth:`free_slots`.
        """
        words: list[str] = []
        for bus in reversed(self.root_buses):  # a guest finds the last one first
            place = next(places)
            words += ["-device", f"pxb-pcie,id=bus{bus:02x},bus_nr={bus},{place}"]
        for number, port in enumerate(self.ports, start=1):
            place = f"addr={port.place.slot:x}.{port.place.function},multifunction=on"
            above = f"bus{port.place.bus:02x}" if port.place.bus else "pcie.0"
            text = f"{port.kind},id=bus{port.secondary:02x},bus={above},{place}"
            if port.kind != UPSTREAM:
                text += f",chassis={number},slot={number}"
            if port.kind == ROOT_PORT:
                text += ",hotplug=off"
            words += ["-device", text]
        return words

    def free_slots(self) -> Iterator[str]:
        """Yield option texts for places on bus 00 that no scenario uses.

        :raises UsageError: there are no more.
        """
        for slot in range(_LAST_SLOT, 0, -1):
            if slot in self.used_slots:
                continue
            yield f"bus=pcie.0,addr={slot:x}.0,multifunction=on"
            for function in range(1, 8):
                yield f"bus=pcie.0,addr={slot:x}.{function}"
        raise UsageError("bus 0000:00 has no room for what the vm tier itself needs")

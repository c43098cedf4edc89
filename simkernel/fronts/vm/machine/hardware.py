"""The buses and bridges that QEMU needs for a scenario.

QEMU has only buses and bridges; the functions behind them are synthetic. A bus
without a bridge in the scenario becomes a root bus behind a PCI expander. A bridge
on a root bus becomes a root port, a bridge below it a port of a switch.
:mod:`simkernel.fronts.vm.machine.topology` plans the machine for a scenario.

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
"""Highest free device number on bus 00 of QEMU's machine."""


@dataclass(frozen=True, slots=True, order=True)
class Bdf:
    """Bus, device and function number in PCI domain 0."""

    bus: int
    slot: int
    function: int

    @classmethod
    def parse(cls, address: str) -> Bdf:
        """Return the numbers of an address such as ``0000:3b:00.2``.

        :raises UsageError: the domain is not 0.
        """
        domain, bus, rest = address.split(":")
        slot, function = rest.split(".")
        if int(domain, 16) != 0:
            raise UsageError(f"{address}: QEMU supports only PCI domain 0000")
        return cls(int(bus, 16), int(slot, 16), int(function))

    def __str__(self) -> str:
        return f"0000:{self.bus:02x}:{self.slot:02x}.{self.function}"


@dataclass(frozen=True, slots=True)
class Port:
    """A bridge of the machine."""

    place: Bdf
    kind: str
    """QEMU's device name: one of the three constants."""
    secondary: int
    """Number of the bus behind it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Buses and bridges of a QEMU machine."""

    iommu: bool = True
    root_buses: tuple[int, ...] = ()
    """Root buses except 00, ascending."""
    ports: tuple[Port, ...] = ()
    """In the order in which QEMU must create them."""
    fillers: tuple[Bdf, ...] = ()
    """Ports that no scenario has; they only consume bus numbers."""
    arguments: tuple[str, ...] = ()
    """Options for the kernel command line."""
    used_slots: frozenset[int] = frozenset()
    """Device numbers on bus 00 that scenarios use."""

    def devices(self, places: Iterator[str]) -> list[str]:
        """Return QEMU's options for buses and bridges.

        :param places: free locations on bus 00, see :meth:`free_slots`.
        """
        words: list[str] = []
        for bus in reversed(self.root_buses):  # a guest enumerates the last one first
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
        """Yield the options for locations on bus 00 that no scenario uses.

        :raises UsageError: bus 00 is full.
        """
        for slot in range(_LAST_SLOT, 0, -1):
            if slot in self.used_slots:
                continue
            yield f"bus=pcie.0,addr={slot:x}.0,multifunction=on"
            for function in range(1, 8):
                yield f"bus=pcie.0,addr={slot:x}.{function}"
        raise UsageError("no free slot on bus 0000:00 for the vm tier's own devices")

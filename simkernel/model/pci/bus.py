"""The PCI bus: matching, enumeration and removal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simkernel.errors import KernelRefusal
from simkernel.model.core.bus import Bus
from simkernel.model.core.driver import Driver, PciId
from simkernel.model.pci import sriov
from simkernel.model.pci.function import (
    PciAddress,
    PciDevice,
    PciFunction,
    root_devpath,
)
from simkernel.model.pci.quirks import apply_final

if TYPE_CHECKING:
    from simkernel.model.kernel import Kernel

__all__ = ["PciBus"]

_ANY = PciId()
"""What probe is given when only ``driver_override`` made the driver match."""


class PciBus(Bus[PciDevice]):
    """``/sys/bus/pci``, and the functions that answer on the wires."""

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(kernel, "pci")
        self._wires: dict[tuple[int, int], dict[int, PciFunction]] = {}
        """Functions that answer, by domain and bus, then devfn; no virtual ones."""
        self.roots: dict[str, dict[str, PciDevice]] = {}
        """Devices on root buses: path of the host bridge, then name."""
        self.resource_alignment: bytes | None = None
        """What ``resource_alignment`` keeps; it does nothing here."""
        self._bridged: set[tuple[int, int]] = set()
        """Buses that lie behind a bridge; the others are root buses."""

    # ---- matching

    def match(self, driver: Driver, device: PciDevice) -> PciId | None:
        """Return the entry by which the driver takes the device.

        ``driver_override`` decides alone; then ids added at run time; then the
        static table, whose override-only entries need the override. A virtual
        function whose physical function has ``sriov_drivers_autoprobe`` 0 is taken
        by override only.

        Source: drivers/pci/pci-driver.c pci_match_device(), pci_bus_match().
        Rules: R-MATCH-2, R-MATCH-3, R-MATCH-4, R-MATCH-5.
        """
        override = device.driver_override
        if override is None:
            physfn = device.physfn
            if physfn and physfn.sriov and not physfn.sriov.drivers_autoprobe:
                return None
        elif override != driver.name.encode():
            return None
        it = device.function
        ids = (it.vendor, it.device, it.subvendor, it.subdevice, it.class_)
        for entry in driver.dynamic_ids:
            if entry.fits(*ids):
                return entry
        for entry in driver.spec.ids:
            if (override is not None or not entry.override_only) and entry.fits(*ids):
                return entry
        return None if override is None else _ANY

    # ---- enumeration

    def plug(self, function: PciFunction) -> None:
        """Let a function answer; the kernel finds it at the next rescan."""
        bus = function.address[:2]
        self._wires.setdefault(bus, {})[function.address.devfn] = function
        if function.secondary_bus is not None:
            self._bridged.add((function.address.domain, function.secondary_bus))

    def unplug(self, name: str) -> PciFunction:
        """Let a function answer no more; its device stays until it is removed.

        :return: the function, which may be plugged in again.
        :raises KeyError: no such function.
        """
        address = PciAddress.parse(name)
        function = self._wires[address[:2]].pop(address.devfn)
        if function.secondary_bus is not None:
            self._bridged.discard((address.domain, function.secondary_bus))
        return function

    def has_bus(self, domain: int, bus: int) -> bool:
        """Tell whether a bus is there, behind a bridge or with functions on it."""
        return (domain, bus) in self._bridged or (domain, bus) in self._wires

    def answers(self, device: PciDevice) -> bool:
        """Tell whether the hardware of a device is still there."""
        return self._answering(device.physfn or device) is not None

    def _answering(self, device: PciDevice) -> PciFunction | None:
        """Return the function that answers at a device's address now."""
        address = device.function.address
        return self._wires.get(address[:2], {}).get(address.devfn)

    def rescan(self) -> None:
        """Find functions that answer and are not known, on one root bus after another.

        Source: drivers/pci/pci-sysfs.c rescan_store(). Rule: R-RESCAN-1.
        """
        for bus in sorted(self._wires.keys() - self._bridged):
            self.rescan_bus(bus, None)

    def rescan_bus(self, bus: tuple[int, int], bridge: PciDevice | None) -> None:
        """Find functions that answer and are not known, and probe them.

        :param bus: domain and number; buses behind its bridges are looked at, too.
        :param bridge: the one to the bus; None for a root bus.

        Source: drivers/pci/probe.c pci_rescan_bus(): all are added before the first
        is probed. Rules: R-RESCAN-1, R-RESCAN-2.
        """
        new: list[PciDevice] = []
        self._scan(bus, bridge, new)
        for device in new:
            self.start(device)

    def _scan(
        self, bus: tuple[int, int], parent: PciDevice | None, new: list[PciDevice]
    ) -> None:
        """Add what is new on one bus, then on the buses behind its bridges."""
        bridges = []
        for _, function in sorted(self._wires.get(bus, {}).items()):
            device = self.devices.get(str(function.address))
            if device is None:
                device = self.add_function(function, parent)
                new.append(device)
            if function.secondary_bus is not None:
                bridges.append((function.secondary_bus, device))
        for secondary, bridge in bridges:
            self._scan((bus[0], secondary), bridge, new)

    def start(self, device: PciDevice) -> None:
        """Probe a device that was just added.

        Source: drivers/pci/bus.c pci_bus_add_device(). Rule: R-AUTO-2.
        """
        apply_final(device, self.devices)
        if self.autoprobe or not self.kernel.features.add_honours_autoprobe:
            self.attach_device(device)

    def attach_device(self, device: PciDevice) -> None:
        """Probe a device; nobody hears of a failure."""
        try:
            self.probe(device)
        except KernelRefusal:
            return  # device_attach()'s result is only logged

    def add_function(
        self,
        function: PciFunction,
        parent: PciDevice | None,
        *,
        physfn: PciDevice | None = None,
    ) -> PciDevice:
        """Make the device of a function; it is not probed yet."""
        device = PciDevice(function, parent, physfn=physfn)
        if function.iommu_label is not None:
            self.kernel.iommu.add(
                device, function.iommu_label, prefer=function.iommu_number
            )
        if parent is None:
            above = root_devpath(function.address)
            self.roots.setdefault(above, {})[device.name] = device
        self.add_device(device)
        return device

    def remove(self, device: PciDevice) -> None:
        """Remove a device and everything below it.

        Drivers let go of all of it before the first device goes.

        Source: drivers/pci/remove.c pci_stop_and_remove_bus_device().
        Rule: R-REMOVE-1.
        """
        self._stop(device)
        if not device.dead:  # somebody else may have removed it meanwhile
            self._destroy(device)

    def _stop(self, device: PciDevice) -> None:
        for child in reversed(list(device.children.values())):
            self._stop(child)
        self.release(device)

    def _destroy(self, device: PciDevice) -> None:
        for child in list(device.children.values()):
            self._destroy(child)
            real = self._answering(child)
            if real is not None and real.lost_with_bus:
                self.unplug(child.name)
        sriov.disable(self.kernel, device)
        self.remove_device(device)
        if device.parent is not None:
            del device.parent.children[device.name]
        else:
            del self.roots[root_devpath(device.function.address)][device.name]

"""The PCI bus: hooks of the driver core, enumeration and removal.

Source of the whole: drivers/pci/pci-driver.c, probe.c, bus.c, remove.c.
"""

from __future__ import annotations

from errno import ENODEV

from simkernel.errors import KernelRefusal
from simkernel.model.core.bus import Bus
from simkernel.model.core.device import Driver
from simkernel.model.core.driver_spec import PciId
from simkernel.model.core.probe import ProbeFailure
from simkernel.model.core.services import Services
from simkernel.model.pci import enabling, reset, sriov, vfio_pci
from simkernel.model.pci.function import (
    PciAddress,
    PciDevice,
    PciFunction,
    root_devpath,
)
from simkernel.model.pci.matching import match_device
from simkernel.model.pci.quirks import apply_final
from simkernel.model.vfio.core import Vfio

__all__ = ["PciBus"]


class PciBus(Bus[PciDevice]):
    """``/sys/bus/pci``, and the functions that answer in the hardware."""

    def __init__(self, services: Services, vfio: Vfio) -> None:
        super().__init__(services, "pci")
        self._vfio = vfio
        self._hardware: dict[tuple[int, int], dict[int, PciFunction]] = {}
        """Answering functions by domain and bus, then devfn; no virtual functions."""
        self.roots: dict[str, dict[str, PciDevice]] = {}
        """Devices on root buses: path of the host bridge, then name."""
        self.resource_alignment: bytes | None = None
        """Text of ``resource_alignment``; the model does not use it."""
        self._bridged: set[tuple[int, int]] = set()
        """Buses behind a bridge; the others are root buses."""
        self._creators: dict[int, str] = {}
        """Names of functions whose drivers create domains, by domain."""

    # ---- hooks of the driver core

    def match(self, driver: Driver, device: PciDevice) -> PciId | None:
        """Return the id entry that matches a device; None: no match.

        Source: drivers/pci/pci-driver.c pci_bus_match().
        """
        return match_device(driver, device)

    def uevent(self, device: PciDevice) -> tuple[tuple[str, str], ...]:
        """Return the ``PCI_`` variables.

        Source: drivers/pci/pci-driver.c pci_uevent().
        """
        it = device.function
        return (
            ("PCI_CLASS", f"{it.class_:04X}"),
            ("PCI_ID", f"{it.vendor:04X}:{it.device:04X}"),
            ("PCI_SUBSYS_ID", f"{it.subvendor:04X}:{it.subdevice:04X}"),
            ("PCI_SLOT_NAME", device.name),
        )

    def probe(self, driver: Driver, device: PciDevice, entry: PciId) -> None:
        """Play the driver's probe function.

        :raises ProbeFailure: with the errno that probe returns.

        Source: drivers/pci/pci-driver.c pci_device_probe(); drivers/pci/pcie/portdrv.c
        pcie_portdrv_probe(). Rules: R-BIND-4, R-PCI-10.
        """
        spec = driver.spec
        super().probe(driver, device, entry)
        if spec.virtual_only and device.physfn is None:
            raise ProbeFailure(spec.virtual_only, "R-BIND-4")
        vfio_pci.check_denylist(driver, device)
        if spec.vfio:
            vfio_pci.register_device(self._vfio, device, self.services.features)
        if spec.ports:
            if not (device.is_bridge and device.function.express):
                raise ProbeFailure(ENODEV, "R-PCI-10")
            enabling.enable(device)
        if not spec.vfio:
            for bus in self._buses_created_by(device):
                self.rescan_bus(bus, None)

    def remove(self, driver: Driver, device: PciDevice) -> None:
        """Play the driver's remove function.

        A driver disables SR-IOV, unless its ``keeps_vfs_parameter`` is on.

        Source: drivers/pci/pci-driver.c pci_device_remove(). Rules: R-SRIOV-8,
        R-VFIO-4, R-VFIO-8.
        """
        spec = driver.spec
        super().remove(driver, device)
        self._remove_domains(device)
        if spec.vfio:
            self._vfio.wait_until_closed(device)
        if not driver.parameter(spec.keeps_vfs_parameter):
            sriov.disable(self, device)
        if spec.vfio:
            self._vfio.unregister(device)
        if spec.ports:
            enabling.disable(device)

    # ---- domains that a driver creates

    def domains_of(self, device: PciDevice) -> dict[str, dict[str, PciDevice]]:
        """Return the devices on root buses below a function, by bus and name."""
        if device.name not in self._creators.values():
            return {}
        start = f"{device.devpath}/"
        return {
            path.removeprefix(start): below
            for path, below in self.roots.items()
            if below and path.startswith(start) and "/" not in path[len(start) :]
        }

    def _buses_created_by(self, device: PciDevice) -> list[tuple[int, int]]:
        domains = {key for key, name in self._creators.items() if name == device.name}
        return sorted(
            one for one in self._hardware.keys() - self._bridged if one[0] in domains
        )

    def _remove_domains(self, device: PciDevice) -> None:
        """Remove the domains that a function's driver created.

        Source: drivers/pci/controller/vmd.c vmd_remove(). Rule: R-PCI-12.
        """
        for below in self.domains_of(device).values():
            for child in reversed(list(below.values())):
                self.stop_and_remove(child)

    def _exists(self, domain: int) -> bool:
        """Tell whether a domain is there: by firmware, or while a driver is bound."""
        creator = self.devices.get(self._creators.get(domain, ""))
        if creator is None:
            return domain not in self._creators
        return creator.driver is not None and not creator.driver.spec.vfio

    # ---- hardware

    def plug(self, function: PciFunction) -> None:
        """Add a function to the hardware, for the next rescan to find."""
        bus = function.address[:2]
        self._hardware.setdefault(bus, {})[function.address.devfn] = function
        if function.secondary_bus is not None:
            self._bridged.add((function.address.domain, function.secondary_bus))
        if function.created_by:
            self._creators[function.address.domain] = function.created_by

    def unplug(self, name: str) -> PciFunction:
        """Remove a function from the hardware, not its device.

        :return: the function, which can be plugged in again.
        :raises KeyError: no such function.
        """
        address = PciAddress.parse(name)
        function = self._hardware[address[:2]].pop(address.devfn)
        if function.secondary_bus is not None:
            self._bridged.discard((address.domain, function.secondary_bus))
        return function

    def has_bus(self, domain: int, bus: int) -> bool:
        """Tell whether a bus exists, behind a bridge or with functions on it."""
        return (domain, bus) in self._bridged or (domain, bus) in self._hardware

    def answers(self, device: PciDevice) -> bool:
        """Tell whether the hardware of a device answers."""
        function = self._answering(device.physfn or device)
        return function is not None and function.answers and device.function.answers

    def _answering(self, device: PciDevice) -> PciFunction | None:
        """Return the function that answers at a device's address; None: none."""
        address = device.function.address
        return self._hardware.get(address[:2], {}).get(address.devfn)

    # ---- enumeration

    def rescan(self) -> None:
        """Add and probe new functions, on one root bus after another.

        Source: drivers/pci/pci-sysfs.c rescan_store(). Rule: R-RESCAN-1.
        """
        for bus in sorted(self._hardware.keys() - self._bridged):
            if self._exists(bus[0]):
                self.rescan_bus(bus, None)

    def rescan_bus(self, bus: tuple[int, int], bridge: PciDevice | None) -> None:
        """Add and probe new functions on a bus and the buses below.

        :param bus: domain and number.
        :param bridge: the bridge to the bus; None: a root bus.

        Source: drivers/pci/probe.c pci_rescan_bus(): the kernel adds all new devices
        before it probes the first. Rules: R-RESCAN-1, R-RESCAN-2.
        """
        new: list[PciDevice] = []
        self._scan(bus, bridge, new)
        for device in new:
            self.start(device)

    def _scan(
        self, bus: tuple[int, int], parent: PciDevice | None, new: list[PciDevice]
    ) -> None:
        """Add new functions on one bus, then on the buses behind its bridges.

        Source: drivers/pci/probe.c pci_scan_child_bus().
        """
        bridges = []
        for _, function in sorted(self._hardware.get(bus, {}).items()):
            device = self.devices.get(str(function.address))
            if device is None:
                device = self.add_function(function, parent)
                new.append(device)
            if function.secondary_bus is not None:
                bridges.append((function.secondary_bus, device))
        for secondary, bridge in bridges:
            self._scan((bus[0], secondary), bridge, new)

    def add_function(
        self,
        function: PciFunction,
        parent: PciDevice | None,
        *,
        physfn: PciDevice | None = None,
    ) -> PciDevice:
        """Add the device of a function, without a probe.

        :param parent: the bridge above; None: the function is on a root bus.
        :param physfn: the physical function of a virtual one.

        Source: drivers/pci/probe.c pci_device_add().
        """
        creator = self.devices.get(self._creators.get(function.address.domain, ""))
        device = PciDevice(function, parent, physfn=physfn, creator=creator)
        reset.init_methods(device)
        if function.iommu_label is not None:
            self.services.iommu.add(
                device, function.iommu_label, prefer=function.iommu_number
            )
        if parent is None:
            above = root_devpath(function.address, creator)
            self.roots.setdefault(above, {})[device.name] = device
        self.add_device(device)
        return device

    def start(self, device: PciDevice) -> None:
        """Probe a new device; ignore failures.

        Source: drivers/pci/bus.c pci_bus_add_device(). Rule: R-AUTO-2.
        """
        apply_final(device, self.devices)
        if self.services.features.add_honours_autoprobe and not self.autoprobe:
            return
        try:
            self.attach_device(device)
        except KernelRefusal:
            return  # the kernel only logs the result of device_attach()

    # ---- removal

    def stop_and_remove(self, device: PciDevice) -> None:
        """Remove a device and everything below it.

        All drivers release their devices before the first device goes.

        Source: drivers/pci/remove.c pci_stop_and_remove_bus_device().
        Rule: R-REMOVE-1.
        """
        self._stop(device)
        if not device.dead:  # another operation may have removed it meanwhile
            self._destroy(device)

    def _stop(self, device: PciDevice) -> None:
        """Release a device and everything below it, last added first.

        Source: drivers/pci/remove.c pci_stop_bus_device().
        """
        for child in reversed(list(device.children.values())):
            self._stop(child)
        self.release(device)

    def _destroy(self, device: PciDevice) -> None:
        """Remove the devices that :meth:`_stop` released.

        Source: drivers/pci/remove.c pci_remove_bus_device(), pci_destroy_dev().
        """
        for child in list(device.children.values()):
            if child.dead:
                continue  # a virtual function that went with its physical one
            self._destroy(child)
            hardware = self._answering(child)
            if hardware is not None and hardware.lost_with_bus:
                self.unplug(child.name)
        sriov.disable(self, device)
        self.remove_device(device)
        if device.parent is not None:
            del device.parent.children[device.name]
        else:
            del self.roots[device.devpath.rpartition("/")[0]][device.name]

"""The kernel as one object: everything that a simulated host's kernel knows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from simkernel.model.core.clock import Clock
from simkernel.model.core.faults import Faults
from simkernel.model.core.features import Features
from simkernel.model.core.notifier import Notifier
from simkernel.model.core.uevent import UeventLog
from simkernel.model.modules.spec import DeviceSpec
from simkernel.model.modules.table import Modules
from simkernel.model.other_buses import OtherBus, OtherDevice
from simkernel.model.pci import sriov
from simkernel.model.pci.bus import PciBus
from simkernel.model.pci.function import PciDevice
from simkernel.model.vfio.core import Vfio
from simkernel.model.vfio.iommu import IommuGroups

if TYPE_CHECKING:
    from simkernel.model.core.bus import Bus
    from simkernel.model.core.device import Device
    from simkernel.model.core.driver import Driver

__all__ = ["Kernel"]


class Kernel:
    """A running kernel.

    :param release: as ``uname -r`` prints it; it decides the features.
    :param cdev: built with ``CONFIG_VFIO_DEVICE_CDEV``.
    :param cmdline: text of ``/proc/cmdline``, without newline.
    :param boot_id: UUID of this boot.
    :param buses: further buses, of those in :data:`BUS_KINDS`.
    :param lockdown: ``integrity`` or ``confidentiality``; empty: not locked down.
    :raises ValueError: ``release`` is no kernel release.
    """

    def __init__(
        self,
        release: str,
        *,
        cdev: bool = False,
        cmdline: str = "",
        boot_id: str = "",
        buses: Iterable[str] = ("platform",),
        lockdown: str = "",
    ) -> None:
        self.release = release
        self.cmdline = cmdline
        self.lockdown = lockdown
        self.boot_id = boot_id
        self.features = Features.of_release(release)
        self.uevents = UeventLog()
        self.notifier = Notifier()
        self.clock = Clock()
        self.iommu = IommuGroups()
        self.vfio = Vfio(self, cdev=cdev)
        self.modules = Modules(self)
        self.pci = PciBus(self)
        self.faults = Faults(self.vanish)
        self.other_buses = {name: OtherBus(self, name) for name in buses}
        self._buses: dict[str, Bus[Any]] = {"pci": self.pci, **self.other_buses}

    @property
    def buses(self) -> dict[str, Bus[Any]]:
        """All buses by name."""
        return self._buses

    def bus(self, name: str) -> Bus[Any]:
        """Return a bus by name.

        :raises KeyError: the kernel has no such bus.
        """
        return self._buses[name]

    def add_other_device(self, spec: DeviceSpec) -> OtherDevice:
        """Add a device to a bus other than PCI.

        :raises KeyError: the kernel has no such bus.
        """
        bus = self.other_buses[spec.bus]
        return bus.add(spec.name, spec.id, iommu=spec.iommu)

    def vanish(self, name: str) -> None:
        """Take a PCI device away as hot-unplug does: hardware and device."""
        device = self.pci.devices.get(name)
        if device is None:
            return
        if device.physfn is None:
            self.pci.unplug(name)
        self.pci.remove(device)

    @staticmethod
    def netdev_of(device: Device) -> str:
        """Return the name of a device's network interface, empty while it has none.

        It has one while a driver that is no VFIO driver holds it.
        """
        if not isinstance(device, PciDevice) or device.driver is None:
            return ""
        return "" if device.driver.spec.vfio else device.function.netdev

    def driver_gone(self, driver: Driver, device: Device) -> None:
        """Let the subsystems play their part in a driver's remove function."""
        sriov.driver_gone(self, driver, device)
        if driver.spec.vfio:
            self.vfio.unregister(device)

"""VFIO: what appears and goes when a device is bound to a VFIO driver.

Source of the whole: drivers/vfio/vfio_main.c, group.c, device_cdev.c,
drivers/vfio/pci/vfio_pci_core.c.
"""

from __future__ import annotations

from errno import EBUSY, EINVAL
from typing import TYPE_CHECKING

from simkernel.model.core.notifier import Change, Kind
from simkernel.model.core.numbers import LowestFree
from simkernel.model.pci.function import PciDevice
from simkernel.model.vfio.nodes import CDEV_MAJOR, CONTAINER, GROUP_MAJOR, Owner
from simkernel.model.vfio.uevents import VfioUevents

if TYPE_CHECKING:
    from simkernel.model.core.device import Device
    from simkernel.model.core.driver import Driver
    from simkernel.model.kernel import Kernel
    from simkernel.model.modules.loaded import Module

__all__ = ["Vfio"]


class Vfio:
    """The VFIO core, and the devices registered with it."""

    __slots__ = (
        "_kernel",
        "_numbers",
        "cdev",
        "devices",
        "groups",
        "owners",
        "present",
        "uevents",
    )

    def __init__(self, kernel: Kernel, *, cdev: bool) -> None:
        self._kernel = kernel
        self.cdev = cdev
        """``CONFIG_VFIO_DEVICE_CDEV``: devices have a node of their own."""
        self.present = False
        """The ``vfio`` module is there."""
        self.devices: dict[int, Device] = {}
        """Registered devices by the N of ``vfioN``."""
        self.groups: dict[int, list[Device]] = {}
        """Groups with a node ``/dev/vfio/<number>``, and the devices that hold it."""
        self.owners: dict[tuple[int, int], Owner] = {}
        """Whose the nodes are that somebody was given, by major and minor number.

        Source: drivers/base/devtmpfs.c: a node is made anew, and root's, each time.
        Rule: R-DEV-2."""
        self.uevents = VfioUevents(kernel)
        self._numbers = LowestFree()

    @property
    def has_device_class(self) -> bool:
        """Whether ``/sys/class/vfio-dev`` exists."""
        return self.present and self._kernel.features.vfio_dev

    def has_cdev(self, device: Device) -> bool:
        """Tell whether a registered device has a node of its own.

        Source: drivers/vfio/device_cdev.c; observed on 6.12. Rules: R-VFIO-6,
        R-VFIO-7.
        """
        group = device.iommu_group
        return self.cdev and group is not None and not group.noiommu

    @staticmethod
    def cdev_numbers(device: Device) -> str:
        """Return ``major:minor`` of a device's own node."""
        return f"{CDEV_MAJOR}:{device.vfio_index}"

    def module_here(self, module: Module) -> None:
        """Play the init function of ``vfio``: the misc device and the classes.

        Source: drivers/vfio/vfio_main.c vfio_init(). Rule: R-VFIO-2.
        """
        if module.name != "vfio":
            return
        self.present = True
        self.uevents.container("add")
        for name in ("vfio", "vfio-dev") if self.has_device_class else ("vfio",):
            self.uevents.device_class("add", name)

    def module_gone(self, module: Module) -> None:
        """Play the exit function of ``vfio``."""
        if module.name != "vfio":
            return
        for name in ("vfio-dev", "vfio") if self.has_device_class else ("vfio",):
            self.uevents.device_class("remove", name)
        self.uevents.container("remove")
        self.owners.pop(CONTAINER, None)
        self.present = False

    def set_owner(self, number: tuple[int, int], name: str, owner: Owner) -> None:
        """Give a device node to a user.

        :param number: major and minor number of the node.
        :param name: path of the node below ``/dev``.
        """
        self.owners[number] = owner
        self._kernel.notifier.notify(Change.CHANGED, Kind.NODE, f"/{name}")

    def node_names(self) -> dict[str, int]:
        """Return the nodes of groups in ``/dev/vfio``: name to group number."""
        known = self._kernel.iommu.by_number
        return {known[number].node_name: number for number in self.groups}

    def probe_errno(self, device: Device) -> int:
        """Return the errno with which a VFIO driver refuses a device, 0 if it takes it.

        Source: drivers/vfio/pci/vfio_pci_core.c vfio_pci_core_register_device(), in
        this order. Rule: R-VFIO-1.
        """
        if isinstance(device, PciDevice):
            if device.is_bridge:
                return EINVAL
            if device.sriov is not None and device.sriov.virtual_functions:
                return EBUSY
            device.power.pop("control", None)
        if device.iommu_group is None and not self.allows_noiommu:
            return EINVAL
        return 0

    def register(self, device: Device) -> None:
        """Make a device known to user space: its group's node, then its own.

        A PCI function may be suspended from here on.

        Source: drivers/vfio/vfio_main.c __vfio_register_dev(), pci/vfio_pci_core.c
        vfio_pci_core_register_device(). Rules: R-VFIO-3, R-VFIO-11.
        """
        if device.iommu_group is None:
            self._make_group(device)
        group = device.iommu_group
        if group is None:
            return
        if group.number not in self.groups:
            self.groups[group.number] = []
            self.uevents.group("add", group)
        self.groups[group.number].append(device)
        device.vfio_index = self._numbers.take()
        self.devices[device.vfio_index] = device
        self._pin(1)
        if isinstance(device, PciDevice) and self._kernel.features.vfio_runtime_pm:
            device.power["control"] = "auto"
        self.uevents.device("add", device)

    def unregister(self, device: Device) -> None:
        """Take back what :meth:`register` gave.

        Source: drivers/vfio/vfio_main.c vfio_unregister_group_dev(). Rule: R-VFIO-4.
        """
        index, group = device.vfio_index, device.iommu_group
        if index is None or group is None:
            return
        self.uevents.device("remove", device)
        device.vfio_index = None
        self.owners.pop((CDEV_MAJOR, index), None)
        del self.devices[index]
        self._numbers.give_back(index)
        self._pin(-1)
        device.power.clear()
        self.groups[group.number].remove(device)
        if not self.groups[group.number]:
            del self.groups[group.number]
            group.power.clear()
            self.owners.pop((GROUP_MAJOR, group.number), None)
            self.uevents.group("remove", group)
        if group.noiommu:
            self._kernel.iommu.remove(device)

    def _pin(self, change: int) -> None:
        """Hold the vfio module while it has devices: they have a file system there.

        Source: drivers/vfio/vfio_main.c vfio_fs_inode_new(). Rule: R-VFIO-10.
        """
        vfio = self._kernel.modules.find("vfio")
        is_only_one = len(self.devices) == (1 if change > 0 else 0)
        if vfio is not None and is_only_one and self._kernel.features.vfio_fs:
            vfio.pins += change

    @property
    def allows_noiommu(self) -> bool:
        """Whether devices without an IOMMU may be registered.

        Source: drivers/vfio/vfio_main.c: CONFIG_VFIO_NOIOMMU and the parameter of
        the vfio module. Rule: R-VFIO-7.
        """
        vfio = self._kernel.modules.find("vfio")
        return vfio is not None and bool(vfio.number("enable_unsafe_noiommu_mode"))

    def _make_group(self, device: Device) -> None:
        """Make a group of its own for a device that no IOMMU guards.

        Source: drivers/vfio/group.c vfio_noiommu_group_alloc(). Rule: R-VFIO-7.
        """
        label = ("noiommu", device.devpath)
        self._kernel.iommu.add(device, label, name="vfio-noiommu")
        if device.iommu_group is not None:
            device.iommu_group.noiommu = True

    def capture(self, driver: Driver, virtual: PciDevice) -> None:
        """Keep a new virtual function of a VFIO-bound physical one from host drivers.

        Source: drivers/vfio/pci/vfio_pci_core.c vfio_pci_bus_notifier(): the override
        gets the name in ``vfio_device_ops``; only vfio-pci has SR-IOV, and there it
        is the driver's own. Rule: R-VFIO-5.
        """
        virtual.driver_override = driver.name.encode()

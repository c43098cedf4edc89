"""The VFIO core: registers devices with user space.

Source of the whole: drivers/vfio/vfio_main.c, group.c, device_cdev.c.
"""

from __future__ import annotations

from errno import EINVAL

from simkernel.model.core.clock import FOREVER
from simkernel.model.core.device import Device
from simkernel.model.core.iommu import IommuGroup
from simkernel.model.core.notifier import Change, Kind
from simkernel.model.core.numbers import LowestFree
from simkernel.model.core.probe import ProbeFailure
from simkernel.model.core.services import Services
from simkernel.model.modules.loaded import Module
from simkernel.model.vfio.nodes import CDEV_MAJOR, CONTAINER, GROUP_MAJOR, NodeOwner
from simkernel.model.vfio.uevents import VfioUevents, device_variables

__all__ = ["Vfio"]


class Vfio:
    """The VFIO core, and the devices registered with it.

    :param cdev: built with ``CONFIG_VFIO_DEVICE_CDEV``: devices have nodes.
    """

    def __init__(self, services: Services, *, cdev: bool) -> None:
        self._services = services
        self._uevents = VfioUevents(services.uevents)
        self._cdev = cdev
        self._module: Module | None = None
        """The ``vfio`` module; None: not loaded."""
        self.devices: dict[int, Device] = {}
        """Registered devices by the N of ``vfioN``."""
        self.groups: dict[int, list[Device]] = {}
        """Groups with a node ``/dev/vfio/<number>``, and their registered devices."""
        self.owners: dict[tuple[int, int], NodeOwner] = {}
        """Owners of nodes that user space changed, by major and minor number.

        Source: drivers/base/devtmpfs.c handle_create(): root owns each new node.
        Rule: R-DEV-2."""
        self._numbers = LowestFree()

    # ---- module and classes

    def init(self, module: Module) -> None:
        """Play the module's init function: the misc device and the classes.

        Source: drivers/vfio/vfio_main.c vfio_init(). Rule: R-VFIO-2.
        """
        self._module = module
        self._uevents.container("add")
        for name in ("vfio", "vfio-dev") if self.has_device_class else ("vfio",):
            self._uevents.device_class("add", name)

    def exit(self) -> None:
        """Play the module's exit function.

        Source: drivers/vfio/vfio_main.c vfio_cleanup(). Rule: R-VFIO-2.
        """
        for name in ("vfio-dev", "vfio") if self.has_device_class else ("vfio",):
            self._uevents.device_class("remove", name)
        self._uevents.container("remove")
        self.owners.pop(CONTAINER, None)
        self._module = None

    @property
    def present(self) -> bool:
        """Whether the ``vfio`` module is loaded or built in."""
        return self._module is not None

    @property
    def has_device_class(self) -> bool:
        """Whether ``/sys/class/vfio-dev`` exists."""
        return self.present and self._services.features.vfio_dev

    @property
    def allows_noiommu(self) -> bool:
        """Whether devices without an IOMMU may be registered.

        Source: drivers/vfio/vfio_main.c: CONFIG_VFIO_NOIOMMU and the parameter of
        the vfio module. Rule: R-VFIO-7.
        """
        module = self._module
        return module is not None and bool(module.number("enable_unsafe_noiommu_mode"))

    # ---- nodes

    def has_cdev(self, device: Device) -> bool:
        """Tell whether a registered device has a node of its own.

        Source: drivers/vfio/device_cdev.c; observed on 6.12. Rules: R-VFIO-6,
        R-VFIO-7.
        """
        group = device.iommu_group
        return self._cdev and group is not None and not group.noiommu

    @staticmethod
    def cdev_numbers(device: Device) -> str:
        """Return ``major:minor`` of a device's own node."""
        return f"{CDEV_MAJOR}:{device.vfio_index}"

    def node_names(self) -> dict[str, int]:
        """Return the nodes of groups in ``/dev/vfio``: name to group number."""
        known = self._services.iommu.by_number
        return {known[number].node_name: number for number in self.groups}

    def set_owner(self, number: tuple[int, int], name: str, owner: NodeOwner) -> None:
        """Set the owner of a device node.

        :param number: major and minor number of the node.
        :param name: path of the node below ``/dev``.
        """
        self.owners[number] = owner
        self._services.notifier.notify(Change.CHANGED, Kind.NODE, f"/{name}")

    # ---- devices

    def register(self, device: Device) -> None:
        """Register a device with user space: its group's node, then its own.

        :raises ProbeFailure: EINVAL, the device has no IOMMU group, and noiommu mode
            is off.

        Source: drivers/vfio/vfio_main.c __vfio_register_dev(), group.c
        vfio_device_set_group(). Rules: R-VFIO-1, R-VFIO-3, R-VFIO-7.
        """
        if device.iommu_group is None and not self.allows_noiommu:
            raise ProbeFailure(EINVAL, "R-VFIO-1")
        group = device.iommu_group or self._make_group(device)
        if group.number not in self.groups:
            self.groups[group.number] = []
            self._uevents.group("add", group)
        self.groups[group.number].append(device)
        device.vfio_index = self._numbers.take()
        self.devices[device.vfio_index] = device
        self._pin(1)
        self.emit("add", device)

    def _make_group(self, device: Device) -> IommuGroup:
        """Create a group for a device without an IOMMU.

        Source: drivers/vfio/group.c vfio_noiommu_group_alloc(). Rule: R-VFIO-7.
        """
        label = ("noiommu", device.devpath)
        self._services.iommu.add(device, label, name="vfio-noiommu")
        group = device.iommu_group
        assert group is not None
        group.noiommu = True
        return group

    def wait_until_closed(self, device: Device) -> None:
        """Wait until the user process closes a device: forever.

        Source: drivers/vfio/vfio_main.c vfio_unregister_group_dev(). Rule: R-VFIO-8.
        """
        if device.iommu_group is not None and device.iommu_group.user_owned:
            self._services.clock.wait(FOREVER)

    def unregister(self, device: Device) -> None:
        """Undo :meth:`register`.

        Source: drivers/vfio/vfio_main.c vfio_unregister_group_dev(). Rule: R-VFIO-4.
        """
        index, group = device.vfio_index, device.iommu_group
        if index is None or group is None:
            return
        self.emit("remove", device)
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
            self._uevents.group("remove", group)
        if group.noiommu:
            self._services.iommu.remove(device)

    def _pin(self, change: int) -> None:
        """Pin the vfio module while devices are in its file system.

        Source: drivers/vfio/vfio_main.c vfio_fs_inode_new(). Rule: R-VFIO-10.
        """
        is_only_one = len(self.devices) == (1 if change > 0 else 0)
        has_fs = self._services.features.vfio_fs
        if self._module is not None and is_only_one and has_fs:
            self._module.pins += change

    # ---- uevents

    def emit(self, action: str, device: Device, *more: tuple[str, str]) -> None:
        """Send a uevent of a registered device, if its class exists.

        :param more: variables that user space added.
        """
        if self.has_device_class:
            has_cdev = self.has_cdev(device)
            self._uevents.device(action, device, *more, has_cdev=has_cdev)

    def emit_group(
        self, action: str, group: IommuGroup, *more: tuple[str, str]
    ) -> None:
        """Send a uevent of a group's device.

        :param more: variables that user space added.
        """
        self._uevents.group(action, group, *more)

    def uevent_variables(self, device: Device) -> tuple[tuple[str, str], ...]:
        """Return the variables in the ``uevent`` file of a registered device."""
        return device_variables(device, has_cdev=self.has_cdev(device))

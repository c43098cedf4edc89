"""Uevents of VFIO's devices, and what their ``uevent`` files hold.

Source: drivers/vfio/group.c vfio_group_alloc(), vfio_main.c vfio_init_device(),
drivers/base/core.c dev_uevent().
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from simkernel.model.vfio.nodes import CDEV_MAJOR, CONTAINER, GROUP_MAJOR

if TYPE_CHECKING:
    from simkernel.model.core.device import Device
    from simkernel.model.kernel import Kernel
    from simkernel.model.vfio.iommu import IommuGroup

__all__ = ["VfioUevents"]

Variable = tuple[str, str]


class VfioUevents:
    """What a kernel tells of groups, registered devices and the container."""

    __slots__ = ("_kernel",)

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    @staticmethod
    def group_variables(group: IommuGroup) -> tuple[Variable, ...]:
        """Return what is in the ``uevent`` file of a group's device."""
        return _node(GROUP_MAJOR, group.number, group.node_name)

    def device_variables(self, device: Device) -> tuple[Variable, ...]:
        """Return what is in the ``uevent`` file of a registered device."""
        index = device.vfio_index
        if index is None or not self._kernel.vfio.has_cdev(device):
            return ()
        return _node(CDEV_MAJOR, index, f"devices/vfio{index}")

    def container(self, action: str) -> None:
        """Tell of ``/dev/vfio/vfio``, a misc device."""
        variables = (*_node(*CONTAINER, "vfio"), ("DEVMODE", "0666"))
        self._emit(action, "/devices/virtual/misc/vfio", "misc", *variables)

    def device_class(self, action: str, name: str) -> None:
        """Tell of a class of devices."""
        self._emit(action, f"/class/{name}", "class")

    def group(self, action: str, group: IommuGroup, *more: Variable) -> None:
        """Tell of a group's device.

        :param more: variables that user space added.
        """
        path = f"/devices/virtual/vfio/{group.node_name}"
        self._emit(action, path, "vfio", *more, *self.group_variables(group))

    def device(self, action: str, device: Device, *more: Variable) -> None:
        """Tell of a registered device, on a kernel that has their class.

        :param more: variables that user space added.
        """
        if not self._kernel.vfio.has_device_class:
            return
        path = f"{device.devpath}/vfio-dev/vfio{device.vfio_index}"
        self._emit(action, path, "vfio-dev", *more, *self.device_variables(device))

    def _emit(
        self, action: str, path: str, subsystem: str, *variables: Variable
    ) -> None:
        self._kernel.uevents.emit(action, path, ("SUBSYSTEM", subsystem), *variables)


def _node(major: int, minor: int, name: str) -> tuple[Variable, ...]:
    """Return what tells of a device node below ``/dev/vfio``."""
    return ("MAJOR", str(major)), ("MINOR", str(minor)), ("DEVNAME", f"vfio/{name}")

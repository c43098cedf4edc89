"""Uevents of VFIO's devices.

Source of the whole: drivers/vfio/group.c vfio_group_alloc(), drivers/vfio/vfio_main.c
vfio_init_device(), drivers/base/core.c dev_uevent().
"""

from __future__ import annotations

from simkernel.model.core.device import Device
from simkernel.model.core.iommu import IommuGroup
from simkernel.model.core.uevent import UeventLog
from simkernel.model.vfio.nodes import CDEV_MAJOR, CONTAINER, GROUP_MAJOR

__all__ = ["VfioUevents", "device_variables", "group_variables"]

Variable = tuple[str, str]


class VfioUevents:
    """Sends the uevents of groups, devices and the container."""

    __slots__ = ("_log",)

    def __init__(self, log: UeventLog) -> None:
        self._log = log

    def container(self, action: str) -> None:
        """Send a uevent of ``/dev/vfio/vfio``, a misc device."""
        variables = (*_node(*CONTAINER, "vfio"), ("DEVMODE", "0666"))
        self._emit(action, "/devices/virtual/misc/vfio", "misc", *variables)

    def device_class(self, action: str, name: str) -> None:
        """Send a uevent of a device class."""
        self._emit(action, f"/class/{name}", "class")

    def group(self, action: str, group: IommuGroup, *more: Variable) -> None:
        """Send a uevent of a group's device.

        :param more: variables that user space added.
        """
        path = f"/devices/virtual/vfio/{group.node_name}"
        self._emit(action, path, "vfio", *more, *group_variables(group))

    def device(
        self, action: str, device: Device, *more: Variable, has_cdev: bool
    ) -> None:
        """Send a uevent of a registered device.

        :param more: variables that user space added.
        :param has_cdev: the device has a node.
        """
        path = f"{device.devpath}/vfio-dev/vfio{device.vfio_index}"
        variables = device_variables(device, has_cdev=has_cdev)
        self._emit(action, path, "vfio-dev", *more, *variables)

    def _emit(
        self, action: str, path: str, subsystem: str, *variables: Variable
    ) -> None:
        self._log.emit(action, path, ("SUBSYSTEM", subsystem), *variables)


def group_variables(group: IommuGroup) -> tuple[Variable, ...]:
    """Return the variables in the ``uevent`` file of a group's device."""
    return _node(GROUP_MAJOR, group.number, group.node_name)


def device_variables(device: Device, *, has_cdev: bool) -> tuple[Variable, ...]:
    """Return the variables in the ``uevent`` file of a registered device.

    :param has_cdev: the device has a node.
    """
    index = device.vfio_index
    if index is None or not has_cdev:
        return ()
    return _node(CDEV_MAJOR, index, f"devices/vfio{index}")


def _node(major: int, minor: int, name: str) -> tuple[Variable, ...]:
    """Return the variables of a device node below ``/dev/vfio``."""
    return ("MAJOR", str(major)), ("MINOR", str(minor)), ("DEVNAME", f"vfio/{name}")

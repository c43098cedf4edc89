"""What must hold before a device is touched.

Only reads; a refusal leaves the host as it is.
"""

from __future__ import annotations

import errno

from resolver.device import Device
from resolver.errors import FailedError, RefusedError
from resolver.inventory import device_directory
from resolver.linux import Host

__all__ = ["require_iommu", "require_writable"]


def require_iommu(host: Host, device: Device) -> None:
    """Refuse a device that the IOMMU does not isolate.

    :raises RefusedError: it has no IOMMU group, and VFIO is not told to do without.

    Source: Linux, drivers/vfio/group.c, vfio_group_find_or_alloc().
    """
    if device.iommu_group is not None:
        return
    parameter = f"{host.sys}/module/vfio/parameters/enable_unsafe_noiommu_mode"
    if host.attribute(parameter) == "Y":
        return
    hint = "the IOMMU is on, but leaves this device out: VFIO cannot have it"
    if not host.names(f"{host.sys}/kernel/iommu_groups"):
        hint = (
            "turn on VT-d, AMD-Vi or SMMU in the firmware; on Intel also add "
            "intel_iommu=on to the kernel command line"
        )
    raise RefusedError(
        "no IOMMU group, so VFIO could not isolate the device",
        rule="no-iommu-group",
        hint=hint,
    )


def require_writable(host: Host, device: Device) -> None:
    """Find out before the first change, not at the second, that nothing may change.

    :raises RefusedError: the host is a captured one.
    :raises FailedError: the bus has no ``driver_override``, or this process may not
        write it.
    """
    host.require_live()
    directory = device_directory(device.bus, device.name)
    path = f"{host.sys}/{directory}/driver_override"
    if not host.is_there(path):
        raise FailedError(
            f"bus {device.bus!r} has no driver_override",
            hint="devices of this bus cannot be kept for a driver",
        )
    if not host.is_writable(path):
        raise FailedError(
            f"{path} is not writable", hint="run as root", errno=errno.EACCES
        )

"""What must hold before a device is touched.

Only reads; a refusal leaves the host as it is. What a person may want nevertheless is
allowed by force; what could not work is refused all the same.
"""

from __future__ import annotations

import errno

from resolver.device import Device
from resolver.errors import FailedError, RefusedError
from resolver.inspect import in_use, iommu
from resolver.inspect.devices import device_directory, place_of
from resolver.linux import Host
from resolver.matching.denylist import DENIED
from resolver.options import Options

__all__ = [
    "require_group",
    "require_idle",
    "require_iommu",
    "require_not_denied",
    "require_unused",
    "require_writable",
]


def require_iommu(host: Host, device: Device) -> None:
    """Refuse a device that the IOMMU does not isolate; no force helps.

    :raises RefusedError: it has no IOMMU group, and VFIO is not told to do without.

    Source: Linux, drivers/vfio/group.c, vfio_group_find_or_alloc().
    """
    if device.iommu_group is not None:
        return
    parameter = f"{host.sys}/module/vfio/parameters/enable_unsafe_noiommu_mode"
    if host.attribute(parameter) == "Y":
        return
    raise RefusedError(
        "no IOMMU group, so VFIO could not isolate the device",
        rule="no-iommu-group",
        hint=iommu.advice(host),
    )


def require_group(host: Host, device: Device, options: Options) -> None:
    """Refuse a device whose IOMMU group nobody could open with it.

    :raises RefusedError: another member is bound to a driver of the host.

    Source: Linux, drivers/iommu/iommu.c, iommu_group_claim_dma_owner().
    """
    if options.is_forced:
        return
    reserved = iommu.reserved_memory(host, device)
    if reserved:
        raise RefusedError(
            f"the firmware reserves memory for IOMMU group {device.iommu_group} "
            f"({reserved}), so VFIO cannot open the group",
            rule="reserved-memory",
            hint="look for a firmware setting that ends the reservation (RMRR, IVMD)",
        )
    hindering = [
        mate
        for mate in iommu.hindering(host, device)
        if mate.name not in options.together
    ]
    if hindering:
        names = ", ".join(f"{mate} on {mate.binding.driver}" for mate in hindering)
        raise RefusedError(
            f"IOMMU group {device.iommu_group} is of no use to VFIO while other "
            f"members are bound to drivers of the host: {names}",
            rule="group-shared",
            hint="--group binds every member; --force binds this one only",
        )


def require_unused(host: Host, device: Device, options: Options) -> None:
    """Refuse to take a device from its driver while it is in use.

    :raises RefusedError: it is, and who uses it.
    """
    if options.is_forced:
        return
    uses = tuple(in_use.uses_of(host, device))
    if uses:
        raise RefusedError(
            f"the device is in use: {'; '.join(use.text for use in uses)}",
            rule=uses[0].rule,
            hint="end that use first, or take the device away from it with --force",
        )


def require_not_denied(host: Host, device: Device, driver: str) -> None:
    """Refuse what vfio-pci would refuse at its probe; no force helps.

    Kernels before 5.9 have no such list, and no parameter that says so.

    :raises RefusedError: the device is on the list of the loaded vfio-pci.
    """
    if driver != "vfio-pci" or device.vendor_device not in DENIED:
        return
    parameter = f"{host.sys}/module/vfio_pci/parameters/disable_denylist"
    if host.attribute(parameter) == "N":
        raise RefusedError(
            f"vfio-pci denies devices of this kind, {device.vendor_device}: they are "
            "not safe to give away",
            rule="vfio-pci-denylist",
            hint="a guest that you trust may have it: put options vfio-pci "
            "disable_denylist=1 into /etc/modprobe.d, and load vfio-pci again",
        )


def require_idle(device: Device) -> None:
    """Refuse a device that the kernel is at work on.

    :raises FailedError: an unbind or a probe of it has not ended.
    """
    if device.is_busy:
        raise FailedError(
            "the kernel is at work on the device: an unbind or a probe has not ended",
            hint="try again when it is over; resolver status shows who waits for it",
        )


def require_writable(host: Host, device: Device) -> None:
    """Find out before the first change, not at the second, that nothing may change.

    :raises RefusedError: the host is a captured one.
    :raises FailedError: the bus has no ``driver_override``, or this process may not
        write it.
    """
    host.require_live()
    if host.is_writable(f"{place_of(host, device)}/driver_override"):
        return
    path = f"{host.sys}/{device_directory(device.bus, device.name)}/driver_override"
    if not host.is_there(path):
        raise FailedError(
            f"bus {device.bus!r} has no driver_override",
            hint="devices of this bus cannot be kept for a driver",
        )
    raise FailedError(f"{path} is not writable", hint="run as root", errno=errno.EACCES)

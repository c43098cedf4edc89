"""Refuses devices that vfio-pci itself would refuse."""

from __future__ import annotations

from resolver.device import Device
from resolver.errors import RefusedError
from resolver.linux import Host
from resolver.matching.denylist import DENIED

__all__ = ["require_not_denied"]


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

"""Devices that vfio-pci itself refuses, because a guest could break out by them."""

from __future__ import annotations

from typing import Final

from resolver.device import Device
from resolver.errors import RefusedError
from resolver.linux import Host

__all__ = ["DENIED", "require_not_denied"]

DENIED: Final = frozenset(
    f"8086:{device}"
    for device in ("0435", "0443", "0b25", "0cfe", "19e2", "19e3", "37c8", "37c9")
)
"""Kinds of devices: Intel QAT of the first generations, DSA and IAA.

Source: Linux, drivers/vfio/pci/vfio_pci.c, vfio_pci_dev_in_denylist().
"""


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

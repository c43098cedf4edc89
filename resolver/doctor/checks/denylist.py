"""Which devices does vfio-pci itself refuse?

Pure: facts in, findings out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from resolver.doctor.facts import Facts
from resolver.doctor.finding import Finding

__all__ = ["DENYLIST", "check"]

DENYLIST: Final = {
    "8086:0435": "QuickAssist DH895xCC",
    "8086:0443": "QuickAssist DH895xCC virtual function",
    "8086:0b25": "DSA of Sapphire Rapids",
    "8086:0cfe": "IAA of Sapphire Rapids",
    "8086:19e2": "QuickAssist C3xxx",
    "8086:19e3": "QuickAssist C3xxx virtual function",
    "8086:37c8": "QuickAssist C62x",
    "8086:37c9": "QuickAssist C62x virtual function",
}
"""Devices that an untrusted user could harm the host with.

Source: Linux, drivers/vfio/pci/vfio_pci.c, vfio_pci_dev_in_denylist();
include/linux/pci_ids.h. Variant drivers have no such list.
"""


def check(facts: Facts) -> Iterator[Finding]:
    """Yield the devices that vfio-pci refuses, unless it is told not to."""
    if facts.parameters.get("vfio_pci.disable_denylist") == "Y":
        return
    refused = [
        one.device
        for one in facts.wanted
        if one.module == "vfio_pci" and one.device.vendor_device in DENYLIST
    ]
    if not refused:
        return
    kinds = sorted({DENYLIST[device.vendor_device or ""] for device in refused})
    yield Finding(
        id="denylisted",
        severity="warning",
        message=f"vfio-pci refuses these devices with EINVAL, because an untrusted "
        f"user could harm the host with them: {', '.join(kinds)}",
        advice=(
            "where every user is trusted: options vfio-pci disable_denylist=1 in "
            "/etc/modprobe.d, then load vfio-pci anew",
        ),
        devices=tuple(device.name for device in refused),
    )

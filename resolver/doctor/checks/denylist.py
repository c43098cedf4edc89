"""Check for devices on the denylist of vfio-pci.

Pure: facts in, findings out.
"""

from __future__ import annotations

from collections.abc import Iterator

from resolver.doctor.facts import Facts
from resolver.doctor.finding import Finding
from resolver.matching.denylist import DENIED

__all__ = ["check"]


def check(facts: Facts) -> Iterator[Finding]:
    """Yield the devices that vfio-pci refuses, unless its denylist is off."""
    if facts.parameters.get("vfio_pci.disable_denylist") == "Y":
        return
    refused = [
        one.device
        for one in facts.wanted
        if one.module == "vfio_pci" and one.device.vendor_device in DENIED
    ]
    if not refused:
        return
    kinds = sorted({DENIED[device.vendor_device or ""] for device in refused})
    yield Finding(
        id="denylisted",
        severity="warning",
        message="vfio-pci refuses these devices with EINVAL, because an untrusted "
        f"user could harm the host: {', '.join(kinds)}",
        advice=(
            "if you trust every user, add `options vfio-pci disable_denylist=1` to "
            "/etc/modprobe.d and reload vfio-pci",
        ),
        devices=tuple(device.name for device in refused),
    )

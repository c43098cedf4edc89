"""Why a device has no IOMMU group, and what to do about it. Only reads.

Source: Linux, Documentation/admin-guide/kernel-parameters.txt, ``intel_iommu``,
``amd_iommu`` and ``iommu``; drivers/iommu/amd/init.c, parse_amd_iommu_options().
"""

from __future__ import annotations

from resolver.linux import Host

__all__ = ["advice"]

_PARAMETERS = {"GenuineIntel": "intel_iommu=on"}  # AMD's is on by itself
_FIRMWARE = {
    "GenuineIntel": "VT-d",
    "AuthenticAMD": "AMD-Vi (IOMMU)",
    "": "VT-d, AMD-Vi or SMMU",
}
_OFF = ("intel_iommu=off", "amd_iommu=off", "iommu=off")


def advice(host: Host) -> str:
    """Return what to do so that devices get IOMMU groups."""
    if host.names(f"{host.sys}/kernel/iommu_groups"):
        return "the IOMMU is on, but leaves this device out: VFIO cannot have it"
    vendor = _vendor(host)
    given = _command_line(host)
    off = [word for word in given if word in _OFF]
    if off:
        return f"take {' '.join(off)} off the kernel command line, and boot again"
    parameter = _PARAMETERS.get(vendor, "")
    firmware = f"turn on {_FIRMWARE.get(vendor, _FIRMWARE[''])} in the firmware"
    if not vendor:
        return (
            f"{firmware}; on Intel also add intel_iommu=on to the kernel command line"
        )
    if not parameter or parameter in given:
        return f"{firmware}: the kernel found no IOMMU"
    return f"add {parameter} to the kernel command line, {firmware}, and boot again"


# "" on a host that does not say it, as one that is no PC.
def _vendor(host: Host) -> str:
    data = host.read_if_there(f"{host.proc}/cpuinfo") or b""
    for line in data.decode("ascii", "replace").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "vendor_id":
            return value.strip()
    return ""


def _command_line(host: Host) -> list[str]:
    data = host.read_if_there(f"{host.proc}/cmdline") or b""
    return data.decode("utf-8", "replace").split()

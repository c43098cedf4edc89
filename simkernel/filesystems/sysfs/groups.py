"""``/sys/kernel/iommu_groups``."""

from __future__ import annotations

from collections.abc import Callable

from simkernel.filesystems.node import Attribute, Directory, Link, Listing, Node, link
from simkernel.model.core.iommu import IommuGroup, default_type
from simkernel.model.kernel import Kernel

__all__ = ["iommu_groups"]


def iommu_groups(kernel: Kernel) -> Directory:
    """Return ``/sys/kernel/iommu_groups``.

    Source: Documentation/ABI/testing/sysfs-kernel-iommu_groups. Rule: R-IOMMU-3.
    """

    def child(name: str) -> Node | None:
        group = kernel.iommu.by_number.get(int(name)) if name.isdecimal() else None
        if group is None or str(group.number) != name:
            return None
        base = f"/kernel/iommu_groups/{name}/devices"

        def member(device_name: str) -> Link | None:
            device = group.devices.get(device_name)
            return link(f"{base}/{device_name}", device.devpath) if device else None

        entries: dict[str, Callable[[], Node]] = {
            "devices": lambda: Directory({}, Listing(lambda: group.devices, member)),
            "reserved_regions": lambda: Attribute(
                mode=0o444, show=lambda: _regions(group)
            ),
            "type": lambda: Attribute(
                mode=0o644, show=lambda: f"{_type(kernel, group)}\n".encode()
            ),
        }
        if group.name:
            entries["name"] = lambda: Attribute(
                mode=0o444, show=lambda: f"{group.name}\n".encode()
            )
        return Directory(entries)

    return Directory({}, Listing(lambda: map(str, kernel.iommu.by_number), child))


def _regions(group: IommuGroup) -> bytes:
    return "".join(f"{one}\n" for one in group.reserved_regions()).encode()


def _type(kernel: Kernel, group: IommuGroup) -> str:
    """Return the text of a group's ``type``.

    Source: drivers/iommu/iommu.c iommu_group_show_type(). Rules: R-IOMMU-4, R-VFIO-7.
    """
    if group.noiommu:
        return "unknown"
    return default_type(kernel.cmdline, lazy=kernel.features.lazy_dma)

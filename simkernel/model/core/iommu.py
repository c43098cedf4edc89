"""IOMMU groups: devices that the IOMMU cannot isolate.

Source of the whole: drivers/iommu/iommu.c.
"""

from __future__ import annotations

from errno import EBUSY
from typing import NamedTuple, Protocol

from simkernel.errors import KernelRefusal
from simkernel.model.core.numbers import LowestFree

__all__ = [
    "GroupMember",
    "IommuGroup",
    "IommuGroups",
    "ReservedRegion",
    "default_type",
]


def default_type(cmdline: str, *, lazy: bool) -> str:
    """Return the type of the default domains, as ``type`` shows it.

    :param cmdline: the kernel's command line.
    :param lazy: the kernel flushes lazily by default.

    Source: drivers/iommu/iommu.c iommu_group_show_type(), iommu_subsys_init();
    Documentation/admin-guide/kernel-parameters.txt. Rule: R-IOMMU-4.
    """
    words = cmdline.split()
    if "iommu=pt" in words or "iommu.passthrough=1" in words:
        return "identity"
    is_strict = "iommu.strict=1" in words or "intel_iommu=strict" in words
    return "DMA-FQ" if lazy and not is_strict else "DMA"


class ReservedRegion(NamedTuple):
    """A range of I/O virtual addresses that is not free for mappings.

    Source: include/linux/iommu.h struct iommu_resv_region.
    """

    start: int
    end: int
    """Last address of the range."""
    type: str
    """``direct``, ``direct-relaxable``, ``reserved`` or ``msi``."""

    def __str__(self) -> str:
        """Return the line in ``reserved_regions``.

        Source: drivers/iommu/iommu.c iommu_group_show_resv_regions().
        """
        return f"0x{self.start:016x} 0x{self.end:016x} {self.type}"


_MSI = ReservedRegion(0xFEE00000, 0xFEEFFFFF, "msi")
"""Interrupt addresses of a PC, which every group reserves.

Source: drivers/iommu/intel/iommu.c intel_iommu_get_resv_regions().
"""


class GroupMember(Protocol):
    """What a group knows of its devices."""

    name: str
    devpath: str
    iommu_group: IommuGroup | None

    @property
    def reserved_regions(self) -> tuple[ReservedRegion, ...]:
        """Its own reserved regions."""


class IommuGroup:
    """One IOMMU group."""

    __slots__ = (
        "devices",
        "label",
        "name",
        "noiommu",
        "number",
        "power",
        "user_owned",
    )

    def __init__(self, number: int, label: object, name: str = "") -> None:
        self.number = number
        self.label = label
        """What the members share: the hardware's reason for the group."""
        self.name = name
        """Text of the ``name`` file; empty: the file does not exist."""
        self.devices: dict[str, GroupMember] = {}
        self.power: dict[str, str] = {}
        """Settings in ``power/`` of the group's VFIO device."""
        self.noiommu = False
        """VFIO made it for a device without an IOMMU."""
        self.user_owned = False
        """A process owns the group's DMA (it opened the group through VFIO)."""

    @property
    def node_name(self) -> str:
        """Name of its node in ``/dev/vfio`` and of its VFIO device.

        Source: drivers/vfio/group.c vfio_group_alloc(). Rules: R-VFIO-6, R-VFIO-7.
        """
        return f"noiommu-{self.number}" if self.noiommu else str(self.number)

    def reserved_regions(self) -> list[ReservedRegion]:
        """Return the regions of all members, in order of their addresses.

        Source: drivers/iommu/iommu.c iommu_insert_resv_region(). Rule: R-IOMMU-3.
        """
        own = (
            one for member in self.devices.values() for one in member.reserved_regions
        )
        return sorted({_MSI, *own})

    def use_default_domain(self) -> None:
        """Admit a host driver to the group.

        :raises KernelRefusal: EBUSY, a user process owns the group's DMA.

        Source: drivers/iommu/iommu.c iommu_device_use_default_domain(), since
        5.19. Rule: R-IOMMU-2.
        """
        if self.user_owned:
            raise KernelRefusal(EBUSY, "R-IOMMU-2")


class IommuGroups:
    """All groups of the host.

    Source: drivers/iommu/iommu.c iommu_group_alloc(): numbers come from an ida, so
    a new group gets the lowest free one. Rule: R-IOMMU-1.
    """

    __slots__ = ("_by_label", "_numbers", "by_number")

    def __init__(self) -> None:
        self.by_number: dict[int, IommuGroup] = {}
        self._by_label: dict[object, IommuGroup] = {}
        self._numbers = LowestFree()

    def add(
        self,
        device: GroupMember,
        label: object,
        *,
        prefer: int | None = None,
        name: str = "",
    ) -> None:
        """Add a device to the group of its label; create a new group.

        :param prefer: number for a new group if it is free; None: the lowest free.
        :param name: text of a new group's ``name`` file; empty: no such file.

        Source: drivers/iommu/iommu.c iommu_group_add_device().
        """
        group = self._by_label.get(label)
        if group is None:
            if prefer is not None and prefer in self.by_number:
                prefer = None
            group = IommuGroup(self._numbers.take(prefer), label, name)
            self._by_label[label] = group
            self.by_number[group.number] = group
        group.devices[device.name] = device
        device.iommu_group = group

    def remove(self, device: GroupMember) -> None:
        """Remove a device from its group, and an empty group.

        Source: drivers/iommu/iommu.c iommu_group_remove_device().
        """
        group = device.iommu_group
        if group is None:
            return
        device.iommu_group = None
        del group.devices[device.name]
        if not group.devices:
            del self._by_label[group.label]
            del self.by_number[group.number]
            self._numbers.give_back(group.number)

"""IOMMU groups: which devices can only be given away together."""

from __future__ import annotations

from errno import EBUSY

from simkernel.errors import KernelRefusal
from simkernel.model.core.device import Device
from simkernel.model.core.numbers import LowestFree

__all__ = ["IommuGroup", "IommuGroups", "default_type"]


def default_type(cmdline: str, *, lazy: bool) -> str:
    """Return the type of the groups' default domains, as ``type`` shows it.

    :param cmdline: the kernel's command line.
    :param lazy: what is not said to be strict is flushed later.

    Source: drivers/iommu/iommu.c iommu_group_show_type(), iommu_subsys_init();
    Documentation/admin-guide/kernel-parameters.txt. Rule: R-IOMMU-4.
    """
    words = cmdline.split()
    if "iommu=pt" in words or "iommu.passthrough=1" in words:
        return "identity"
    is_strict = "iommu.strict=1" in words or "intel_iommu=strict" in words
    return "DMA-FQ" if lazy and not is_strict else "DMA"


class IommuGroup:
    """One group of devices that the IOMMU cannot tell apart."""

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
        """What the members share; the hardware's reason for the group."""
        self.name = name
        """Text of the ``name`` file; empty: there is no such file."""
        self.devices: dict[str, Device] = {}
        self.power: dict[str, str] = {}
        """What was set in ``power/`` of the device that VFIO makes of the group."""
        self.noiommu = False
        """Made by VFIO for a device that no IOMMU guards."""
        self.user_owned = False
        """A process has claimed the group's DMA (opened it through VFIO)."""

    @property
    def node_name(self) -> str:
        """Name of its node in ``/dev/vfio``, and of its device in class ``vfio``.

        Source: drivers/vfio/group.c vfio_group_alloc(). Rules: R-VFIO-6, R-VFIO-7.
        """
        return f"noiommu-{self.number}" if self.noiommu else str(self.number)

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

    Source: drivers/iommu/iommu.c iommu_group_alloc(); numbers come from an ida, so
    the lowest free one is taken. Rule: R-IOMMU-1.
    """

    __slots__ = ("_by_label", "_numbers", "by_number")

    def __init__(self) -> None:
        self.by_number: dict[int, IommuGroup] = {}
        self._by_label: dict[object, IommuGroup] = {}
        self._numbers = LowestFree()

    def add(
        self,
        device: Device,
        label: object,
        *,
        prefer: int | None = None,
        name: str = "",
    ) -> None:
        """Put a device into the group of its label; make the group if need be.

        :param prefer: number for a new group if it is free; None: the lowest free.
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

    def remove(self, device: Device) -> None:
        """Take a device out of its group; the group goes with its last member."""
        group = device.iommu_group
        if group is None:
            return
        device.iommu_group = None
        del group.devices[device.name]
        if not group.devices:
            del self._by_label[group.label]
            del self.by_number[group.number]
            self._numbers.give_back(group.number)

"""PCI functions: what the hardware is, and the kernel's device for it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from simkernel.model.core.device import Device
from simkernel.model.pci.reset import find

__all__ = ["PciAddress", "PciDevice", "PciFunction", "SriovCapability", "SriovState"]

_ADDRESS = re.compile(r"([0-9a-f]{4,8}):([0-9a-f]{2}):([01][0-9a-f])\.([0-7])")


class PciAddress(NamedTuple):
    """Where a function sits."""

    domain: int
    bus: int
    devfn: int
    """Device number * 8 + function number."""

    @classmethod
    def parse(cls, text: str) -> PciAddress:
        """Return the address that ``0000:3b:00.2`` names.

        :raises ValueError: not the kernel's own spelling of an address.
        """
        found = _ADDRESS.fullmatch(text)
        if found is None:
            raise ValueError(
                f"{text!r} is no PCI address: it must look like 0000:3b:00.2, "
                "with lower-case digits"
            )
        domain, bus, device, function = (int(part, 16) for part in found.groups())
        return cls(domain, bus, device << 3 | function)

    def __str__(self) -> str:
        """Return the name that the kernel gives the device.

        Source: drivers/pci/probe.c pci_setup_device().
        """
        slot, function = self.devfn >> 3, self.devfn & 7
        return f"{self.domain:04x}:{self.bus:02x}:{slot:02x}.{function}"

    def routing_id_plus(self, offset: int) -> PciAddress:
        """Return the address ``offset`` routing ids further, as virtual functions are.

        Source: drivers/pci/iov.c pci_iov_virtfn_bus(), pci_iov_virtfn_devfn().
        """
        routing_id = (self.bus << 8 | self.devfn) + offset
        return PciAddress(self.domain, routing_id >> 8, routing_id & 0xFF)


@dataclass(frozen=True, slots=True, kw_only=True)
class SriovCapability:
    """The SR-IOV extended capability of a physical function."""

    total_vfs: int
    offset: int
    """Routing ids from the physical function to its first virtual function."""
    stride: int
    """Routing ids between two virtual functions."""
    vf_device: int
    """Device id of the virtual functions."""
    vf_subdevice: int | None = None
    """Their subsystem device id; None: the physical function's."""
    vf_netdev: str = ""
    """Name of a virtual function's network interface, ``{index}`` its number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PciFunction:
    """A PCI function as hardware: it answers, whether the kernel knows it or not."""

    address: PciAddress
    vendor: int
    device: int
    subvendor: int = 0
    subdevice: int = 0
    class_: int = 0
    """24 bits: base class, subclass, programming interface."""
    revision: int = 0
    iommu_label: object = None
    """What the IOMMU tells apart: equal labels share a group; None: no IOMMU."""
    iommu_number: int | None = None
    """Number that the group should have, if it is free."""
    secondary_bus: int | None = None
    """Bus number behind the function, if it is a bridge."""
    sriov: SriovCapability | None = None
    reset_methods: tuple[str, ...] = ()
    """``flr``, ``pm``, ... as ``reset_method`` lists them; ``bus`` comes by itself."""
    netdev: str = ""
    """Name of its network interface while a network driver has it; empty: none."""
    express: bool = True
    """Has a PCI Express capability; False: a conventional function."""
    lost_with_bus: bool = False
    """Answers only until the bus that it sits on is removed."""


class SriovState:
    """What a physical function's SR-IOV is set to."""

    __slots__ = ("drivers_autoprobe", "offset", "stride", "virtual_functions")

    def __init__(self, capability: SriovCapability) -> None:
        self.drivers_autoprobe = True
        self.offset, self.stride = capability.offset, capability.stride
        """As last read from the hardware."""
        self.virtual_functions: list[PciDevice] = []


class PciDevice(Device):
    """The kernel's object for one enumerated PCI function."""

    __slots__ = (
        "can_reset",
        "children",
        "enabled",
        "function",
        "parent",
        "physfn",
        "reset_methods",
        "settings",
        "sriov",
    )

    def __init__(
        self,
        function: PciFunction,
        parent: PciDevice | None,
        *,
        physfn: PciDevice | None = None,
    ) -> None:
        name = str(function.address)
        above = root_devpath(function.address) if parent is None else parent.devpath
        super().__init__(name, f"{above}/{name}")
        self.function = function
        self.parent = parent
        """The bridge above; None: the function sits on a root bus."""
        self.physfn = physfn
        """The physical function, if this is a virtual one."""
        self.children: dict[str, PciDevice] = {}
        """Devices on the bus behind a bridge."""
        self.sriov = SriovState(function.sriov) if function.sriov else None
        self.settings: dict[str, int | str] = {}
        """Attributes that were written, by file name."""
        self.enabled = 0
        """How many times it was enabled and not disabled again."""
        if parent is not None:
            parent.children[name] = self
        self.reset_methods = find(self)
        """By what it is reset, in the order in which it is tried."""
        self.can_reset = bool(self.reset_methods)
        """It could be reset when it was found: it has the files for that."""

    @property
    def is_bridge(self) -> bool:
        """Whether a bus lies behind it (header type 1)."""
        return self.function.secondary_bus is not None

    @property
    def modalias(self) -> str:
        """Text of the ``modalias`` file.

        Source: drivers/pci/pci-sysfs.c modalias_show(). Rule: R-ALIAS-1.
        """
        it = self.function
        return (
            f"pci:v{it.vendor:08X}d{it.device:08X}sv{it.subvendor:08X}"
            f"sd{it.subdevice:08X}bc{it.class_ >> 16:02X}"
            f"sc{it.class_ >> 8 & 0xFF:02X}i{it.class_ & 0xFF:02X}"
        )

    def uevent_variables(self) -> tuple[tuple[str, str], ...]:
        """Return the ``PCI_`` variables.

        Source: drivers/pci/pci-driver.c pci_uevent().
        """
        it = self.function
        return (
            ("PCI_CLASS", f"{it.class_:04X}"),
            ("PCI_ID", f"{it.vendor:04X}:{it.device:04X}"),
            ("PCI_SUBSYS_ID", f"{it.subvendor:04X}:{it.subdevice:04X}"),
            ("PCI_SLOT_NAME", self.name),
        )


def root_devpath(address: PciAddress) -> str:
    """Return the path of the host bridge on whose bus an address lies."""
    return f"/devices/pci{address.domain:04x}:{address.bus:02x}"

"""PCI functions: the hardware, and the kernel's device for it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from simkernel.model.core.device import Device
from simkernel.model.core.iommu import ReservedRegion

__all__ = [
    "PciAddress",
    "PciDevice",
    "PciFunction",
    "SriovCapability",
    "SriovState",
    "root_devpath",
]

_ADDRESS = re.compile(r"([0-9a-f]{4,8}):([0-9a-f]{2}):([01][0-9a-f])\.([0-7])")


class PciAddress(NamedTuple):
    """Address of a function: domain, bus, device and function number."""

    domain: int
    bus: int
    devfn: int
    """Device number * 8 + function number."""

    @classmethod
    def parse(cls, text: str) -> PciAddress:
        """Return the address that ``0000:3b:00.2`` names.

        :raises ValueError: not an address as the kernel spells it.
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
        """Return the name that the kernel gives to the device.

        Source: drivers/pci/probe.c pci_setup_device().
        """
        slot, function = self.devfn >> 3, self.devfn & 7
        return f"{self.domain:04x}:{self.bus:02x}:{slot:02x}.{function}"

    def routing_id_plus(self, offset: int) -> PciAddress:
        """Return the address ``offset`` routing ids after this one.

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
    """Routing ids from one virtual function to the next."""
    vf_device: int
    """Device id of the virtual functions."""
    vf_subdevice: int | None = None
    """Their subsystem device id; None: the physical function's."""
    vf_netdev: str = ""
    """Name of a virtual function's network interface, ``{index}`` its number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PciFunction:
    """A PCI function as hardware, known to the kernel or not."""

    address: PciAddress
    vendor: int
    device: int
    subvendor: int = 0
    subdevice: int = 0
    class_: int = 0
    """24 bits: base class, subclass, programming interface."""
    revision: int = 0
    iommu_label: object = None
    """Functions with equal labels share an IOMMU group; None: no IOMMU."""
    iommu_number: int | None = None
    """Preferred number of the group, if it is free."""
    secondary_bus: int | None = None
    """Bus number behind the function if it is a bridge."""
    sriov: SriovCapability | None = None
    reset_methods: tuple[str, ...] = ()
    """``flr``, ``pm``, ... as ``reset_method`` lists them; the kernel adds ``bus``."""
    netdev: str = ""
    """Name of its network interface while a host driver is bound; empty: none."""
    express: bool = True
    """Has a PCI Express capability; False: conventional PCI."""
    lost_with_bus: bool = False
    """Stops answering when its bus is removed."""
    answers: bool = True
    """False: its registers read as all ones."""
    reserved_regions: tuple[ReservedRegion, ...] = ()
    """Ranges of I/O virtual addresses that the IOMMU does not map freely."""
    created_by: str = ""
    """Function whose host driver creates the PCI domain; empty: firmware did."""


class SriovState:
    """SR-IOV settings of a physical function.

    Source: drivers/pci/pci.h struct pci_sriov.
    """

    __slots__ = ("drivers_autoprobe", "offset", "stride", "virtual_functions")

    def __init__(self, capability: SriovCapability) -> None:
        self.drivers_autoprobe = True
        self.offset, self.stride = capability.offset, capability.stride
        """Values last read from the hardware."""
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
        creator: PciDevice | None = None,
    ) -> None:
        name = str(function.address)
        above = parent.devpath if parent else root_devpath(function.address, creator)
        super().__init__("pci", name, f"{above}/{name}")
        self.function = function
        self.parent = parent
        """The bridge above; None: the function is on a root bus."""
        self.physfn = physfn
        """The physical function; None: this is not a virtual function."""
        self.children: dict[str, PciDevice] = {}
        """Devices on the bus behind a bridge."""
        self.sriov = SriovState(function.sriov) if function.sriov else None
        self.settings: dict[str, int | str] = {}
        """Values of written attributes, by file name."""
        self.enabled = 0
        """Enable count (``pci_dev.enable_cnt``)."""
        self.reset_methods: tuple[str, ...] = ()
        """Chosen reset methods, in the order in which the kernel tries them."""
        self.can_reset = False
        """It had a reset method when it was added, and so has the files for it."""
        if parent is not None:
            parent.children[name] = self

    @property
    def is_bridge(self) -> bool:
        """Whether a bus is behind it (header type 1)."""
        return self.function.secondary_bus is not None

    @property
    def reserved_regions(self) -> tuple[ReservedRegion, ...]:
        """Its contribution to ``reserved_regions`` of its IOMMU group."""
        return self.function.reserved_regions

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

    @property
    def netdev(self) -> str:
        """Name of its network interface; empty: none.

        A host driver registers the interface; a VFIO driver does not.
        """
        if self.driver is None or self.driver.spec.vfio:
            return ""
        return self.function.netdev


def root_devpath(address: PciAddress, creator: PciDevice | None = None) -> str:
    """Return the path of the host bridge above an address on a root bus.

    :param creator: function whose driver created the domain; None: firmware did.

    Source: drivers/pci/probe.c pci_register_host_bridge(); drivers/pci/controller/
    vmd.c vmd_enable_domain() passes the function as the parent.
    """
    above = "/devices" if creator is None else creator.devpath
    return f"{above}/pci{address.domain:04x}:{address.bus:02x}"

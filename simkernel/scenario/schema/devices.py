"""PCI functions: hardware, and state at boot."""

from __future__ import annotations

from dataclasses import dataclass, field

from simkernel.scenario.schema.patterns import (
    ADDRESS,
    ADDRESS_MEANING,
    CLASS,
    IDS,
    NETDEV,
    REGION,
    VF_NETDEV,
    override_field,
    text_field,
    texts_field,
)

__all__ = ["DeviceEntry", "Sriov", "VirtualFunction"]


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualFunction:
    """The state of one virtual function at boot."""

    index: int
    driver: str | None = None
    """Driver at boot; ``none``: no driver. Default: as the kernel binds it."""
    driver_override: str | None = override_field()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sriov:
    """The SR-IOV capability of a physical function."""

    total_vfs: int
    vf_device: str = text_field("[0-9a-f]{4}", "four hex digits")
    offset: int = 1
    stride: int = 1
    vf_subdevice: str = text_field("(?:[0-9a-f]{4})?", "four hex digits", "")
    vf_netdev: str = text_field(
        VF_NETDEV, "an interface name; no brace but {index}", ""
    )
    """Name of a virtual function's interface; ``{index}`` is the function's number."""
    enabled: int = 0
    """Virtual functions enabled at boot."""
    vf_driver: str | None = None
    """Driver of all virtual functions at boot. Default: as the kernel binds them."""
    vfs: tuple[VirtualFunction, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceEntry:
    """A PCI function."""

    address: str = text_field(ADDRESS, ADDRESS_MEANING)
    id: str = text_field(IDS, "vendor:device, like 15b3:101d")
    subsystem: str = text_field(IDS, "vendor:device", "0000:0000")
    class_: str = text_field(CLASS, "six hex digits, like 020000", "000000")
    revision: str = text_field("[0-9a-f]{2}", "two hex digits", "00")
    iommu_group: int | None = field(
        default=None, metadata={"advice": "; for no group, write iommu: false"}
    )
    """Number of the IOMMU group. Default: a group of its own."""
    iommu: bool = True
    """False: no IOMMU isolates the function, so it has no group."""
    reserved_regions: tuple[str, ...] = texts_field(
        REGION,
        "first address, last address and type, like 0xbdf83000 0xbdf84fff direct",
    )
    """Regions that the function adds to ``reserved_regions`` of its group."""
    created_by: str = text_field(f"(?:{ADDRESS})?", "a PCI address", "")
    """Function whose driver creates the PCI domain of this one, as vmd does. The domain
    exists while a host driver is bound to that function."""
    answers: bool = True
    """False: its registers read as all ones, as after a surprise removal."""
    secondary_bus: str = text_field("(?:[0-9a-f]{2})?", "two hex digits", "")
    """Bus behind the bridge."""
    reset_methods: tuple[str, ...] = ()
    express: bool = True
    """False: a conventional PCI function."""
    netdev: str = text_field(NETDEV, "an interface name, at most 15 characters", "")
    """Name of its network interface while a network driver is bound."""
    driver: str | None = None
    """Driver at boot; ``none``: no driver. Default: as the kernel binds it."""
    driver_override: str | None = override_field()
    sriov: Sriov | None = None

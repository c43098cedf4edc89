"""PCI devices and the spellings of their names. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from resolver.errors import UsageError

__all__ = [
    "Binding",
    "Device",
    "InterfaceName",
    "PciAddress",
    "SysfsPath",
    "VendorDevice",
    "check_name",
    "parse_kind",
    "parse_spelling",
]

_ADDRESS = re.compile(
    r"(?:(?P<domain>[0-9a-f]{4,8}):)?"
    r"(?P<bus>[0-9a-f]{2}):(?P<device>[01][0-9a-f])\.(?P<function>[0-7])"
)
_LIBVIRT = re.compile(
    r"pci_([0-9a-f]{4,8})_([0-9a-f]{2})_([01][0-9a-f])_([0-7])", re.IGNORECASE
)
_FUNCTION_TOO_HIGH = re.compile(r"([0-9a-f]{4,8}:)?[0-9a-f]{2}:[01][0-9a-f]\.[89a-f]")
_DEVICE_TOO_HIGH = re.compile(r"([0-9a-f]{4,8}:)?[0-9a-f]{2}:[2-9a-f][0-9a-f]\.[0-7]")
_VENDOR_DEVICE = re.compile(r"([0-9a-f]{4}):([0-9a-f]{4})")


class PciAddress(NamedTuple):
    """Address of a PCI function: ``domain:bus:device.function``."""

    domain: int
    bus: int
    device: int
    function: int

    @classmethod
    def parse(cls, text: str) -> PciAddress | None:
        """Parse ``0000:3b:00.2`` or ``3b:00.2``, in upper or lower case.

        The domain has 4 to 8 hexadecimal digits (5 behind VMD), and is 0000 by default.
        ``None``: the text is not an address.
        """
        found = _ADDRESS.fullmatch(text.lower())
        if found is None:
            return None
        return cls(*(int(part or "0", 16) for part in found.groups()))

    def __str__(self) -> str:
        """Return the address as the kernel writes it.

        Source: Linux, drivers/pci/probe.c, pci_setup_device().
        """
        return f"{self.domain:04x}:{self.bus:02x}:{self.device:02x}.{self.function:x}"


class VendorDevice(NamedTuple):
    """Vendor and device id: ``15b3:101e``, lower case."""

    text: str


class SysfsPath(NamedTuple):
    """Path of a device below ``/sys``."""

    path: str


class InterfaceName(NamedTuple):
    """Name of a device's network interface."""

    name: str


class Binding(NamedTuple):
    """Driver and override of a device."""

    driver: str | None
    """Name of the driver; ``None``: no driver."""
    override: str | None
    """Content of ``driver_override``; ``None``: unset."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A device as sysfs shows it."""

    bus: str
    """Name below ``/sys/bus``."""
    name: str
    """Name below ``/sys/bus/<bus>/devices``; for PCI its address."""
    modalias: str | None
    """``None`` if the bus has no modaliases, such as ``mdev``."""
    binding: Binding
    vendor_device: str | None = None
    """``15b3:101e``; ``None`` off the PCI bus."""
    device_class: str | None = None
    """Class, subclass and interface of a PCI device: six hexadecimal digits."""
    iommu_group: str | None = None
    """Number of its IOMMU group; ``None``: it is in none."""
    interfaces: tuple[str, ...] = ()
    """Names of its network interfaces."""
    vfio_device: str | None = None
    """Name below ``vfio-dev/``, such as ``vfio3``."""
    is_busy: bool = False
    """An unbind or a probe of it runs; ``binding.override`` is unknown."""
    path: str = ""
    """Its directory; empty: use the link in the directory of its bus."""

    @property
    def is_bridge(self) -> bool:
        """Whether it is a bridge, which VFIO does not bind.

        Source: Linux, drivers/vfio/pci/vfio_pci_core.c: the header type is not 0;
        include/linux/pci_ids.h: PCI, CardBus and semi-transparent bridges.
        """
        return (self.device_class or "").startswith(("0604", "0607", "0609"))

    def __str__(self) -> str:
        """Return ``0000:3b:00.2 (15b3:101e)``."""
        return (
            f"{self.name} ({self.vendor_device})" if self.vendor_device else self.name
        )


def parse_spelling(
    text: str,
) -> PciAddress | VendorDevice | SysfsPath | InterfaceName:
    """Parse the name of a device.

    It is ``0000:3b:00.2``, ``3b:00.2``, ``pci_0000_3b_00_2`` (libvirt), ``15b3:101e``,
    a path below ``/sys``, or the name of a network interface.

    :raises UsageError: it is none of them.
    """
    if address := PciAddress.parse(text):
        return address
    if found := _LIBVIRT.fullmatch(text):
        return PciAddress(*(int(part, 16) for part in found.groups()))
    if _VENDOR_DEVICE.fullmatch(text.lower()):
        return VendorDevice(text.lower())
    if text.startswith("/sys/"):
        return SysfsPath(text)
    if ":" in text:
        raise UsageError(
            f"invalid device {text!r}: {_problem(text)}",
            hint="use an address such as 0000:3b:00.2, or an id such as 15b3:101e",
        )
    return InterfaceName(check_name(text, "device"))


def _problem(text: str) -> str:
    if _FUNCTION_TOO_HIGH.fullmatch(text.lower()):
        return "function numbers are 0-7"
    if _DEVICE_TOO_HIGH.fullmatch(text.lower()):
        return "device numbers are 00-1f"
    return "it is not an address, and not vendor:device"


def parse_kind(text: str) -> str:
    """Return a vendor and device id, ``15b3:101e``, in lower case.

    :raises UsageError: the text is not one.
    """
    if not _VENDOR_DEVICE.fullmatch(text.lower()):
        raise UsageError(
            f"invalid vendor:device {text!r}", hint="use an id such as 15b3:101e"
        )
    return text.lower()


def check_name(text: str, what: str) -> str:
    """Return a name that is safe in a path and on a command line.

    :param what: the kind of name, for the error.
    :raises UsageError: it is not one path component of 1 to 255 bytes, starts
        with ``-``, or contains a NUL or a newline.
    """
    if not text:
        raise UsageError(f"empty {what} name")
    problem = ""
    if "/" in text or text in (".", ".."):
        problem = "it is a path"
    elif text.startswith("-"):
        problem = "it starts with '-'"
    elif "\0" in text or "\n" in text:
        problem = "it contains a NUL or a newline"
    elif len(text.encode("utf-8", "surrogateescape")) > 255:
        problem = "it is longer than 255 bytes"
    if problem:
        raise UsageError(f"invalid {what} name {text[:80]!r}: {problem}")
    return text

"""Devices: how people spell them, and what is known of one.

Pure: spellings in, values out; finding the device on a host is ``inventory``.
"""

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
_VENDOR_DEVICE = re.compile(r"([0-9a-f]{4}):([0-9a-f]{4})")


class PciAddress(NamedTuple):
    """Where a PCI function is: ``domain:bus:device.function``, numbers from 0."""

    domain: int
    bus: int
    device: int
    function: int

    @classmethod
    def parse(cls, text: str) -> PciAddress | None:
        """Read ``0000:3b:00.2`` or ``3b:00.2``, in either case.

        Domains have 4 to 8 hexadecimal digits; those of VMD have five. Without
        one it is 0000. ``None`` if the text is no address.
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
    """A kind of PCI device: ``15b3:101e``, lower case."""

    text: str


class SysfsPath(NamedTuple):
    """A device by a path below ``/sys``."""

    path: str


class InterfaceName(NamedTuple):
    """A device by the name of its network interface."""

    name: str


class Binding(NamedTuple):
    """To which driver a device is bound, and which one it is kept for."""

    driver: str | None
    """Name of the driver; ``None``: not bound."""
    override: str | None
    """Content of ``driver_override``; ``None``: any driver may have it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """What sysfs says about a device."""

    bus: str
    """Name below ``/sys/bus``."""
    name: str
    """Name below ``/sys/bus/<bus>/devices``; for PCI its address."""
    modalias: str | None
    """``None`` where the bus has no modaliases, like ``mdev``."""
    binding: Binding
    vendor_device: str | None = None
    """``15b3:101e``; ``None`` off the PCI bus."""
    device_class: str | None = None
    """Class, subclass and interface of a PCI device: six hexadecimal digits."""
    iommu_group: str | None = None
    """Number of the group; ``None``: the IOMMU does not isolate the device."""
    interfaces: tuple[str, ...] = ()
    """Names of its network interfaces."""
    vfio_device: str | None = None
    """Name below ``vfio-dev/``, such as ``vfio3``."""
    is_busy: bool = False
    """The kernel is at work on it: ``binding.override`` is not known."""
    path: str = ""
    """Its directory, where it was found; empty: the link that its bus has to it."""

    @property
    def is_bridge(self) -> bool:
        """Whether it is a bridge between buses, which VFIO refuses.

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
    """Say which of the usual spellings of a device a text is.

    ``0000:3b:00.2``, ``3b:00.2``, ``pci_0000_3b_00_2`` as libvirt has it, a path
    below ``/sys``, ``15b3:101e``, or else the name of a network interface.

    :raises UsageError: it can be none of them.
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
            f"{text!r} is no device: neither an address nor vendor:device",
            hint="addresses look like 0000:3b:00.2 or 3b:00.2, kinds like 15b3:101e",
        )
    return InterfaceName(check_name(text, "device"))


def parse_kind(text: str) -> str:
    """Return a kind of devices, ``15b3:101e``, in lower case.

    :raises UsageError: the text is none.
    """
    if not _VENDOR_DEVICE.fullmatch(text.lower()):
        raise UsageError(
            f"{text!r} is no vendor:device", hint="they look like 15b3:101e"
        )
    return text.lower()


def check_name(text: str, what: str) -> str:
    """Return a name that may become part of a path or of a command line.

    :param what: what it names, for the error.
    :raises UsageError: it is not one path component of 1 to 255 bytes, starts
        with ``-`` or holds a NUL or a newline.
    """
    if not text:
        raise UsageError(f"the name of a {what} is empty")
    problem = ""
    if "/" in text or text in (".", ".."):
        problem = "it is a path, not a name"
    elif text.startswith("-"):
        problem = "it starts with '-'"
    elif "\0" in text or "\n" in text:
        problem = "it holds a NUL or a newline"
    elif len(text.encode("utf-8", "surrogateescape")) > 255:
        problem = "it is longer than 255 bytes"
    if problem:
        raise UsageError(f"{text[:80]!r} is no name of a {what}: {problem}")
    return text

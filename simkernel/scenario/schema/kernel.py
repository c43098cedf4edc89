"""The kernel, and what goes wrong in it."""

from __future__ import annotations

from dataclasses import dataclass

from simkernel.scenario.schema.patterns import ADDRESS, ERRNO, text_field

__all__ = ["FaultEntry", "KernelImage"]


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelImage:
    """The kernel."""

    release: str = text_field(r"\d+\.\d+[!-.0-~]*", "a release like 6.12.117-amd64")
    """What ``uname -r`` prints."""
    iommu: bool = True
    """An IOMMU is there and on."""
    vfio_cdev: bool = False
    """``CONFIG_VFIO_DEVICE_CDEV``."""
    buses: tuple[str, ...] = ("platform",)
    """Buses beside PCI."""
    cmdline: str = "BOOT_IMAGE=/vmlinuz root=/dev/vda1 ro"
    lockdown: str = text_field(
        "(?:integrity|confidentiality)?", "integrity or confidentiality", ""
    )
    """Locked down so far: only the kernel's own modules, below ``kernel/``, are signed,
    and no others get loaded."""
    compressed_modules: bool = False
    """Its own modules are installed as ``.ko.xz``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultEntry:
    """A failure at a write to sysfs."""

    at_write: int
    """Number of the write; the first is 1."""
    errno: str = text_field(f"(?:{ERRNO})?", "an errno name like EIO", "")
    """The write is refused so."""
    remove: str = text_field(f"(?:{ADDRESS})?", "a PCI address", "")
    """This function vanishes just before the write."""
    path: str = text_field(r"(?:/sys/[^\0]+)?", "a path below /sys", "")
    """Another process writes to this file just before the write ..."""
    data: str = ""
    """... this text."""

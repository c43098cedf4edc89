"""The kernel, and faults in it."""

from __future__ import annotations

from dataclasses import dataclass

from simkernel.scenario.schema.patterns import ADDRESS, ERRNO, text_field

__all__ = ["FaultEntry", "KernelImage"]


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelImage:
    """The kernel."""

    release: str = text_field(r"\d+\.\d+[!-.0-~]*", "a release like 6.12.117-amd64")
    """Output of ``uname -r``; determines the kernel's features."""
    iommu: bool = True
    """The host has an IOMMU, and it is on."""
    vfio_cdev: bool = False
    """``CONFIG_VFIO_DEVICE_CDEV``: VFIO devices have their own nodes."""
    buses: tuple[str, ...] = ("platform",)
    """Buses in addition to PCI."""
    cmdline: str = "BOOT_IMAGE=/vmlinuz root=/dev/vda1 ro"
    lockdown: str = text_field(
        "(?:integrity|confidentiality)?", "integrity or confidentiality", ""
    )
    """Lockdown level. Only modules below ``kernel/`` are signed; the kernel refuses
    others."""
    compressed_modules: bool = False
    """The kernel's own modules are installed as ``.ko.xz``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultEntry:
    """A fault at a write to sysfs."""

    at_write: int
    """Number of the write; the first is 1."""
    errno: str = text_field(f"(?:{ERRNO})?", "an errno name like EIO", "")
    """The write fails with this errno."""
    remove: str = text_field(f"(?:{ADDRESS})?", "a PCI address", "")
    """This function is hot-unplugged just before the write."""
    path: str = text_field(r"(?:/sys/[^\0]+)?", "a path below /sys", "")
    """Another process writes ``data`` to this file just before the write."""
    data: str = ""
    """Text that the other process writes to ``path``."""

"""The guest's initial RAM disk.

virtme-ng makes it: busybox, the modules of the 9p file system, and a script that mounts
the host's files and starts the guest's first process from there. An archive with an
ACPI DMAR table precedes it.

QEMU's own DMAR table lists only the functions present at power-on, so the synthetic
functions would have no IOMMU. This table assigns every function to the IOMMU. The
kernel prefers it to the firmware's because signature and OEM table id are equal and its
revision is higher.

Source: Intel VT-d specification, 8.1 and 8.3; kernel, Documentation/admin-guide/acpi/
initrd_table_override.rst.
"""

from __future__ import annotations

import io
import struct

__all__ = ["dmar_table", "initramfs"]

_MODULES = ("virtio_pci", "virtio_console", "9pnet_virtio", "9p", "overlay")
"""Modules needed before the host's files can be read."""

_TABLE_PATH = "kernel/firmware/acpi/dmar.aml"
"""Archive path below which the kernel looks for ACPI tables."""

_HEADER = "<4sIBB6s8sI4sI"
_ADDRESS_BITS = 39
_REGISTERS = 0xFED90000
"""Address of the registers of QEMU's IOMMU."""
_INCLUDE_ALL = 1


def initramfs(release: str, busybox: str) -> bytes:
    """Return the initial RAM disk for an installed kernel, as cpio archives.

    :param busybox: path of a statically linked busybox.
    """
    from virtme import cpiowriter, mkinitramfs, modfinder

    config = mkinitramfs.Config()
    config.busybox = busybox
    config.modfiles = modfinder.find_modules_from_install(
        _MODULES, root="/", kver=release
    )
    archive = io.BytesIO()
    tables = cpiowriter.CpioWriter(archive)
    tables.write_file(name=_TABLE_PATH.encode(), body=dmar_table(), mode=0o644)
    tables.write_trailer()
    mkinitramfs.mkinitramfs(archive, config)
    return archive.getvalue()


def dmar_table() -> bytes:
    """Return the DMAR table, with its checksum."""
    unit = struct.pack("<HHBBHQ", 0, 16, _INCLUDE_ALL, 0, 0, _REGISTERS)
    body = struct.pack("<BB10x", _ADDRESS_BITS - 1, 0) + unit
    checksum = -sum(_header(len(body), 0) + body) & 0xFF
    return _header(len(body), checksum) + body


def _header(body_length: int, checksum: int) -> bytes:
    length = struct.calcsize(_HEADER) + body_length
    names = b"BOCHS ", b"BXPC    "
    return struct.pack(_HEADER, b"DMAR", length, 1, checksum, *names, 2, b"SIMK", 1)

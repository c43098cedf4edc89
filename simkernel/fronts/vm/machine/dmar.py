"""The table by which the guest's kernel finds the IOMMU.

QEMU writes one that names the functions it has at the start; the synthetic ones would
have no IOMMU. This one says that the IOMMU is for every function. The kernel takes it
from the initial RAM disk instead of the firmware's: same signature and OEM table id,
higher revision.

Source: Intel VT-d specification, 8.1 and 8.3; kernel, Documentation/admin-guide/acpi/
initrd_table_override.rst.
"""

from __future__ import annotations

import struct

__all__ = ["PATH", "dmar_table"]

PATH = "kernel/firmware/acpi/dmar.aml"
"""Where in the archive the kernel looks for tables."""

_HEADER = "<4sIBB6s8sI4sI"
_ADDRESS_BITS = 39
_REGISTERS = 0xFED90000
"""Where the registers of QEMU's IOMMU are."""
_INCLUDE_ALL = 1


def dmar_table() -> bytes:
    """Return the table, checksum included."""
    unit = struct.pack("<HHBBHQ", 0, 16, _INCLUDE_ALL, 0, 0, _REGISTERS)
    body = struct.pack("<BB10x", _ADDRESS_BITS - 1, 0) + unit
    checksum = -sum(_header(len(body), 0) + body) & 0xFF
    return _header(len(body), checksum) + body


def _header(body_length: int, checksum: int) -> bytes:
    length = struct.calcsize(_HEADER) + body_length
    names = b"BOCHS ", b"BXPC    "
    return struct.pack(_HEADER, b"DMAR", length, 1, checksum, *names, 2, b"SIMK", 1)

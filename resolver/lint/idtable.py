"""PCI id tables of a driver, and the aliases that they give.

Pure: bytes in, entries out.

Source: Linux, include/linux/mod_devicetable.h, ``struct pci_device_id``;
scripts/mod/file2alias.c, do_pci_entry() and do_pci_table().
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator
from typing import Final, NamedTuple

from resolver.lint.module import TableEntry

__all__ = ["entries_of"]

_ANY: Final = 0xFFFFFFFF
_BUSES: Final = {0: "pci", 1: "vfio_pci"}
"""``override_only`` to the prefix of the alias."""


class _Ids(NamedTuple):
    vendor: int
    device: int
    subvendor: int
    subdevice: int
    class_: int
    class_mask: int


def entries_of(
    data: bytes, aliases: Collection[str], *, is_little: bool, is_wide: bool
) -> tuple[TableEntry, ...]:
    """Return the entries of a table without the last, empty one.

    Linux 5.16 has added ``override_only`` to the entries. A table does not tell which
    layout it has: the one that gives more of the module's aliases is right.

    :param aliases: aliases of the module.
    :param is_wide: pointers have 64 bits.
    """
    order = "<" if is_little else ">"
    sizes = (40, 32) if is_wide else (32, 28)
    read = [tuple(_entries(data, order, size, size == sizes[0])) for size in sizes]
    return max(read, key=lambda found: sum(one.alias in aliases for one in found))


def _entries(
    data: bytes, order: str, size: int, has_flags: bool
) -> Iterator[TableEntry]:
    if len(data) % size:
        return
    for start in range(0, len(data) - size, size):
        ids = _Ids(*struct.unpack_from(f"{order}6I", data, start))
        flags = 0
        if has_flags:
            pointer = (size - 24) // 2
            (flags,) = struct.unpack_from(f"{order}I", data, start + 24 + pointer)
        yield TableEntry(_shown(ids), _alias(ids, flags))


def _alias(ids: _Ids, flags: int) -> str:
    if flags not in _BUSES:
        return ""
    text = f"{_BUSES[flags]}:"
    for name, value in zip(("v", "d", "sv", "sd"), ids, strict=False):
        text += name + ("*" if value == _ANY else f"{value:08X}")
    for name, shift in (("bc", 16), ("sc", 8), ("i", 0)):
        part = ids.class_mask >> shift & 0xFF
        if part not in (0, 0xFF):
            return ""
        text += name + (f"{ids.class_ >> shift & 0xFF:02X}" if part else "*")
    return text if text.endswith("*") else f"{text}*"


def _shown(ids: _Ids) -> str:
    text = f"{_digits(ids.vendor)}:{_digits(ids.device)}"
    if (ids.subvendor, ids.subdevice) != (_ANY, _ANY):
        text += f" subsystem {_digits(ids.subvendor)}:{_digits(ids.subdevice)}"
    if ids.class_mask:
        text += f" class {ids.class_:06x} mask {ids.class_mask:06x}"
    return text


def _digits(value: int) -> str:
    return "*" if value == _ANY else f"{value:04x}"

"""A table of the variant drivers in the kernel's own tree.

Before Linux 6.18, no file has the device aliases of a built-in module. This table
replaces them, for modules that the host shows as built in.
"""

from __future__ import annotations

import functools
from collections.abc import Collection
from typing import Final

from resolver.matching.alias_files import AliasEntry, Source
from resolver.matching.alias_index import AliasLookup

__all__ = ["PCI_VARIANTS", "builtin_entries", "lookup"]

PCI_VARIANTS: Final = {
    "hisi_acc_vfio_pci": ("19E5", "A251 A256 A259"),
    "ism_vfio_pci": ("1014", "04ED"),
    "mlx5_vfio_pci": ("15B3", "101E"),
    "nvgrace_gpu_vfio_pci": ("10DE", "2342 2345 2348 2941 31C2"),
    "pds_vfio_pci": ("1DD8", "1003"),
    "qat_vfio_pci": ("8086", "4941 4943 4945 4947 4949"),
    "virtio_vfio_pci": ("1AF4", "1041 1042"),
    "xe_vfio_pci": (
        "8086",
        "B080 B081 B082 B083 B084 B085 B086 B087 B08F B090 B0A0 B0B0 FD80 FD81 "
        "E202 E209 E20B E20C E20D E210 E211 E212 E216 E220 E221 E222 E223",
    ),
}
"""Module name to the vendor and the devices of its ``vfio_pci:`` aliases.

Source: Linux 7.3, the ``PCI_DRIVER_OVERRIDE_DEVICE_VFIO`` entries below
drivers/vfio/pci/.
"""


@functools.cache
def lookup() -> AliasLookup:
    """Return an index of the whole table, to find a driver in any Linux."""
    return AliasLookup(
        entry
        for module in PCI_VARIANTS
        for entry in _entries(module, "modules.builtin")
    )


def builtin_entries(
    builtin: Collection[str], resident: Collection[str], listed: Collection[str]
) -> tuple[AliasEntry, ...]:
    """Return the aliases of the in-tree variant drivers that are built in.

    :param builtin: modules that ``modules.builtin`` lists.
    :param resident: modules with a directory in ``/sys/module`` without ``initstate``,
        which only built-in modules have.
    :param listed: modules whose aliases the kernel build has recorded.
    """
    found: tuple[AliasEntry, ...] = ()
    for module in PCI_VARIANTS:
        if module in listed:
            continue
        if module in builtin:
            found += _entries(module, "modules.builtin")
        elif module in resident:
            found += _entries(module, "/sys/module")
    return found


# The aliases of a module, whether or not this kernel has it.
def _entries(module: str, source: Source) -> tuple[AliasEntry, ...]:
    vendor, devices = PCI_VARIANTS[module]
    return tuple(
        AliasEntry(_pattern(vendor, device), module, source, 0)
        for device in devices.split()
    )


# Source: Linux, scripts/mod/file2alias.c, do_pci_entry().
def _pattern(vendor: str, device: str) -> str:
    return f"vfio_pci:v0000{vendor}d0000{device}sv*sd*bc*sc*i*"

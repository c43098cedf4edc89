"""Tell whether a guest that has a device can be migrated live. Pure."""

from __future__ import annotations

from typing import Final, Literal

from resolver.device import Device
from resolver.matching import intree
from resolver.matching.generic import GENERIC_MODULES
from resolver.matching.select import Choice

__all__ = ["Migration", "migration_of"]

Migration = Literal["yes", "after bind", "not in this kernel", "no"]
"""``yes``: with its current driver. ``after bind``: with its best driver. ``not in this
kernel``: Linux has a variant driver for it, this kernel has not."""

_WITHOUT: Final = frozenset({"ism_vfio_pci", "nvgrace_gpu_vfio_pci"})
"""Variant drivers in Linux that cannot migrate.

Source: Linux, drivers/vfio/pci/: all others set ``mig_ops``.
"""


def migration_of(
    device: Device, module: str | None, choice: Choice | None, seen: bool | None
) -> Migration:
    """Return whether a guest that has a device can be migrated live.

    :param module: module of the current driver; ``None`` if unknown.
    :param choice: best VFIO driver for the device; ``None`` if there is none.
    :param seen: whether the kernel shows migration for the VFIO device; ``None`` if
        it shows that of no device.

    Source: Linux, drivers/vfio/debugfs.c, vfio_device_debugfs_init() (since 6.8).
    """
    name = module or (device.binding.driver or "").replace("-", "_")
    if device.vfio_device is not None and seen is not None:
        migrates = seen
    else:
        migrates = device.vfio_device is not None and _can_migrate(name, choice)
    if migrates:
        return "yes"
    if choice is not None:
        if choice.module != name and _can_migrate(choice.module, choice):
            return "after bind"
        variant = intree.lookup().best(choice.modalias or "")
        if variant is not None and variant.module not in {name} | _WITHOUT:
            return "not in this kernel"
    return "no"


def _can_migrate(module: str, choice: Choice | None) -> bool:
    known = {one.entry.module for one in choice.candidates} if choice else set()
    variants = (known | intree.PCI_VARIANTS.keys()) - GENERIC_MODULES
    return module in variants - _WITHOUT

"""``/sys`` as a whole."""

from __future__ import annotations

from simkernel.model.kernel import Kernel
from simkernel.sysfs.bus import buses
from simkernel.sysfs.classes import classes
from simkernel.sysfs.devices import devices
from simkernel.sysfs.groups import iommu_groups
from simkernel.sysfs.hotplug import hotplug
from simkernel.sysfs.modules import modules
from simkernel.sysfs.node import Directory, Listing, Node
from simkernel.sysfs.tree import Tree

__all__ = ["sysfs"]


def sysfs(kernel: Kernel) -> Tree:
    """Return the tree of ``/sys``."""
    return Tree(
        Directory(
            {
                "bus": lambda: buses(kernel),
                "class": lambda: classes(kernel),
                "devices": lambda: devices(kernel),
                "kernel": lambda: _kernel(kernel),
                "module": lambda: modules(kernel),
            }
        ),
        kernel.faults,
        before_access=kernel.clock.tick,
        after_write=lambda: kernel.after_operation(),
    )


def _kernel(kernel: Kernel) -> Directory:
    """Return ``/sys/kernel``."""

    def controls() -> list[str]:
        loaded = kernel.modules.loaded.values()
        return [one.name for one in loaded if one.spec.hotplug_control]

    def child(name: str) -> Node | None:
        return hotplug(kernel) if name in controls() else None

    return Directory(
        {"iommu_groups": lambda: iommu_groups(kernel)}, Listing(controls, child)
    )

"""``/sys`` as a whole."""

from __future__ import annotations

from collections.abc import Callable

from simkernel.filesystems.node import Attribute, Directory, Listing, Node
from simkernel.filesystems.sysfs.bus import buses
from simkernel.filesystems.sysfs.classes import classes
from simkernel.filesystems.sysfs.devices import devices
from simkernel.filesystems.sysfs.groups import iommu_groups
from simkernel.filesystems.sysfs.hotplug import hotplug
from simkernel.filesystems.sysfs.modules import modules
from simkernel.filesystems.tree import Tree
from simkernel.model.kernel import Kernel

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
        after_write=kernel.notifier.end_operation,
    )


def _kernel(kernel: Kernel) -> Directory:
    """Return ``/sys/kernel``."""

    def controls() -> list[str]:
        loaded = kernel.modules.loaded.values()
        return [one.name for one in loaded if one.spec.hotplug_control]

    def child(name: str) -> Node | None:
        return hotplug(kernel) if name in controls() else None

    entries: dict[str, Callable[[], Node]] = {
        "iommu_groups": lambda: iommu_groups(kernel)
    }
    if kernel.lockdown:
        entries["security"] = lambda: _security(kernel)
    return Directory(entries, Listing(controls, child))


def _security(kernel: Kernel) -> Directory:
    """Return ``/sys/kernel/security``, with the level of lockdown.

    Source: security/lockdown/lockdown.c lockdown_read(). Rule: R-MOD-12.
    """

    def show() -> bytes:
        levels = ("none", "integrity", "confidentiality")
        words = [f"[{one}]" if one == kernel.lockdown else one for one in levels]
        return " ".join(words).encode() + b"\n"

    return Directory({"lockdown": lambda: Attribute(mode=0o644, show=show, size=0)})

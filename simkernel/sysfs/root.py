"""``/sys`` as a whole."""

from __future__ import annotations

from collections.abc import Callable

from simkernel.model.kernel import Kernel
from simkernel.sysfs.bus import buses
from simkernel.sysfs.classes import classes
from simkernel.sysfs.devices import devices
from simkernel.sysfs.groups import iommu_groups
from simkernel.sysfs.hotplug import hotplug
from simkernel.sysfs.modules import modules
from simkernel.sysfs.node import Attribute, Directory, Listing, Node
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

    entries: dict[str, Callable[[], Node]] = {
        "iommu_groups": lambda: iommu_groups(kernel)
    }
    if kernel.lockdown:
        entries["security"] = lambda: _security(kernel)
    return Directory(entries, Listing(controls, child))


def _security(kernel: Kernel) -> Directory:
    """Return ``/sys/kernel/security``, with the level of lockdown in brackets.

    Source: security/lockdown/lockdown.c lockdown_read(). Rule: R-MOD-12.
    """

    def show() -> bytes:
        levels = ("none", "integrity", "confidentiality")
        words = [f"[{one}]" if one == kernel.lockdown else one for one in levels]
        return " ".join(words).encode() + b"\n"

    return Directory({"lockdown": lambda: Attribute(mode=0o644, show=show, size=0)})

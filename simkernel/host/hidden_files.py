"""Find added nodes that the kernel model hides, because it shows their path itself."""

from __future__ import annotations

import re
from collections.abc import Iterator

from simkernel.filesystems.node import Directory, Link, Node
from simkernel.filesystems.tree import Tree
from simkernel.host.host import Host
from simkernel.scenario import schema
from simkernel.scenario.check_programs import added_paths

__all__ = ["hidden_files"]

_GROUP = "/sys/kernel/iommu_groups/[^/]+/"
_FUNCTION = "/sys/devices/pci.*/"
_KEYS = {
    f"{_GROUP}reserved_regions": "devices[].reserved_regions",
    f"{_GROUP}type": "kernel.cmdline",
    f"{_GROUP}devices.*": "devices[].iommu_group",
    f"{_FUNCTION}(vendor|device|modalias|uevent)": "devices[].id",
    f"{_FUNCTION}subsystem_(vendor|device)": "devices[].subsystem",
    f"{_FUNCTION}(class|revision)": "devices[].class and devices[].revision",
    f"{_FUNCTION}config": "devices[].id or devices[].answers",
    f"{_FUNCTION}reset_method": "devices[].reset_methods",
    f"{_FUNCTION}driver_override": "devices[].driver_override",
    f"{_FUNCTION}driver": "devices[].driver",
    f"{_FUNCTION}iommu(_group)?": "devices[].iommu_group",
    f"{_FUNCTION}sriov_.*": "devices[].sriov",
    f"{_FUNCTION}net(/.*)?": "devices[].netdev",
    "/sys/class/net/.*": "devices[].netdev",
    "/sys/bus/.*/drivers(/.*)?": "modules[].drivers",
    "/sys/bus/.*/devices/.*": "devices",
    "/sys/module/.*/parameters/.*": "modules[].parameters",
    "/sys/module(/.*)?": "loaded",
    "/sys/kernel/security/lockdown": "kernel.lockdown",
    "/proc/modules": "loaded",
    "/proc/mounts": "files./proc/self/mountinfo",
    "/proc/cmdline": "kernel.cmdline",
    "/proc/sys/kernel/osrelease": "kernel.release",
    r"/proc/(1|2|self)/(comm|fd|ns).*": "container",
    r"/proc/\d+/.*": "processes",
    "/dev/vfio(/.*)?": "owned_groups",
}
"""Key of the scenario for paths that the model shows; the first match counts."""


def hidden_files(host: Host, scenario: schema.Scenario) -> Iterator[str]:
    """Yield a problem for each added node that no program could see.

    :param host: the host at the end of its boot.
    """
    trees = host.kernel_trees()
    for place, path in added_paths(scenario):
        top = path.split("/")[1]
        if top in trees:
            yield from _problem(trees[top], place, path)


def _problem(tree: Tree, place: str, path: str) -> Iterator[str]:
    """Yield why the kernel's own nodes hide an added one."""
    node: Node | None = tree.root
    names = path.split("/")[2:]
    for index, name in enumerate(names):
        node = node.child(name) if isinstance(node, Directory) else None
        if node is None:
            return
        shown = "/".join([*path.split("/")[:2], *names[: index + 1]])
        if isinstance(node, Link) and shown != path:
            yield f"{place}: {shown} is a link; write the path that it leads to"
            return
        if not isinstance(node, Directory):
            break
    yield f"{place}: the simulated kernel shows {shown} itself{_advice(path)}"


def _advice(path: str) -> str:
    for pattern, key in _KEYS.items():
        if re.fullmatch(pattern, path):
            return f"; use {key}"
    return ""

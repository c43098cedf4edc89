"""Device nodes that processes have open: VFIO's, graphics cards', disks'."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from resolver.device import Device
from resolver.inspect.in_use.parts import Part
from resolver.inspect.in_use.use import Use
from resolver.linux import Host

__all__ = ["node_users"]


def node_users(host: Host, device: Device, parts: Sequence[Part]) -> Iterator[Use]:
    """Yield which processes have a node of a device open, or its VFIO group's.

    Source: proc(5), ``/proc/PID/fd``; Linux, Documentation/driver-api/vfio.rst.
    """
    nodes = [node for part in parts if (node := _node(host, part))]
    group = device.iommu_group
    if group is not None and device.vfio_device is not None:
        nodes += [f"vfio/{group}", f"vfio/noiommu-{group}"]
    for node in nodes:
        for pid, command in host.openers(node):
            yield Use("node-open", f"process {pid} ({command}) has /dev/{node} open")


# Name below /dev.
def _node(host: Host, part: Part) -> str | None:
    for line in (host.attribute(f"{part.path}/uevent") or "").splitlines():
        key, _, value = line.partition("=")
        if key == "DEVNAME":
            return value
    return None

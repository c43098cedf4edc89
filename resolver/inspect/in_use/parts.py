"""What the drivers of a device made of it: disks, interfaces, device nodes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from resolver.device import Device
from resolver.inspect.devices import place_of
from resolver.linux import Host

__all__ = ["Part", "parts_of"]

_DEEPEST = 16
"""Directories from a SAS adapter, over expanders, to a partition of a disk."""
_BARREN = frozenset(
    {"hwmon", "link", "msi_irqs", "power", "queues", "slaves", "statistics"}
)
"""Directories, some of them large, that never have a part in them."""


class Part(NamedTuple):
    """A device of a class, such as ``block`` or ``net``."""

    kind: str
    """Name below ``/sys/class``."""
    name: str
    path: str
    """Its directory."""


def parts_of(host: Host, device: Device) -> tuple[Part, ...]:
    """Return every class device below a device, but not those of functions behind it.

    An NVMe disk with several paths hangs elsewhere, below its subsystem, which has a
    link to each controller.

    Source: Linux, Documentation/ABI/stable/sysfs-devices;
    drivers/nvme/host/multipath.c, nvme_mpath_alloc_disk().
    """
    found = list(_below(host, place_of(host, device), _DEEPEST))
    controllers = {part.name for part in found if part.kind == "nvme"}
    if not controllers:
        return tuple(found)
    for subsystem in host.names(f"{host.sys}/class/nvme-subsystem"):
        path = f"{host.sys}/class/nvme-subsystem/{subsystem}"
        if controllers.intersection(host.names(path)):
            found.extend(_below(host, host.real_path(path), 2))
    return tuple(found)


def _below(host: Host, directory: str, depth: int) -> Iterator[Part]:
    for name in host.directories(directory):
        if name in _BARREN:
            continue
        path = f"{directory}/{name}"
        owner = (host.link_target(f"{path}/subsystem") or "").rstrip("/")
        if owner.endswith("/bus/pci"):
            continue
        kind = owner.rpartition("/")[2]
        if kind and owner.endswith(f"/class/{kind}"):
            yield Part(kind, name, path)
        if depth > 1:
            yield from _below(host, path, depth - 1)

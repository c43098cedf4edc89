"""What the kernel removes when a device loses its driver.

Everything below the directory of a PCI function goes with its driver: class devices,
USB, virtio, SCSI and vDPA devices, mediated devices, and whole PCI domains that the
driver makes. Only the functions behind a bridge stay.

Source: Linux, drivers/base/core.c, device_del(); drivers/pci/controller/vmd.c,
vmd_remove(); drivers/base/dd.c, __device_release_driver().
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from resolver.device import Device
from resolver.inspect.devices import place_of
from resolver.linux import Host

__all__ = ["Belongings", "Part", "belongings_of"]

_BARREN = frozenset(
    {"hwmon", "link", "msi_irqs", "power", "queues", "slaves", "statistics"}
)
"""Directories, some of them large, that have no device in them."""
_DOMAIN = re.compile(r"pci[0-9a-f]{4,8}:[0-9a-f]{2}")
"""Root of a PCI domain. Source: drivers/pci/probe.c, pci_register_host_bridge()."""
_TAGGED = frozenset({"ieee80211", "infiniband", "net"})
"""Directories that show only the devices of the reader's network namespace.

The kernel removes such a directory with its last device, so an empty one has devices
in another namespace. Source: Linux, net/core/net-sysfs.c, net_class;
drivers/base/core.c, cleanup_glue_dir().
"""


class Part(NamedTuple):
    """A device that belongs to another one."""

    kind: str
    """Name of its class or bus: ``block``, ``net``, ``mdev``."""
    name: str
    path: str
    """Its directory."""


@dataclass(frozen=True, slots=True)
class Belongings:
    """What the kernel removes when a device loses its driver."""

    parts: list[Part] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    """Classes whose devices are in another network namespace: ``net``."""

    def of(self, kind: str) -> list[Part]:
        """Return the parts of one class or bus."""
        return [part for part in self.parts if part.kind == kind]


def belongings_of(host: Host, device: Device) -> Belongings:
    """Return what the kernel removes when a device loses its driver.

    An NVMe disk with several paths is below its subsystem, which links to each
    controller. Tracked consumers of the device also lose their drivers.

    Source: Linux, drivers/nvme/host/multipath.c, nvme_mpath_alloc_disk();
    drivers/base/core.c, device_links_unbind_consumers().
    """
    found = Belongings()
    path = place_of(host, device)
    _collect(host, path, found, in_domain=False)
    for consumer in _consumers(host, path):
        _collect(host, consumer, found, in_domain=False)
    controllers = {part.name for part in found.of("nvme")}
    if controllers:
        for subsystem in host.names(f"{host.sys}/class/nvme-subsystem"):
            place = f"{host.sys}/class/nvme-subsystem/{subsystem}"
            if controllers.intersection(host.names(place)):
                _collect(host, host.real_path(place), found, in_domain=False)
    return found


def _collect(host: Host, directory: str, found: Belongings, *, in_domain: bool) -> None:
    for name in host.directories(directory):
        if name in _BARREN:
            continue
        path = f"{directory}/{name}"
        owner = (host.link_target(f"{path}/subsystem") or "").rstrip("/")
        *_, category, kind = ("", "", *owner.split("/"))
        if kind == "pci" and category == "bus" and not in_domain:
            continue
        if kind and category in ("bus", "class"):
            found.parts.append(Part(kind, name, path))
        elif name in _TAGGED and not host.names(path):
            found.elsewhere.append(name)
            continue
        makes_domain = bool(_DOMAIN.fullmatch(name))
        _collect(host, path, found, in_domain=in_domain or makes_domain)


# A link that the driver core does not track has no effect on its consumer.
def _consumers(host: Host, path: str) -> Iterator[str]:
    for name in host.names(path):
        if not name.startswith("consumer:"):
            continue
        state = host.attribute(f"{path}/{name}/status")
        if state not in (None, "not tracked"):
            yield host.real_path(f"{path}/{name}/consumer")

"""Read whether a guest that has a device can be migrated live."""

from __future__ import annotations

from resolver.device import Device
from resolver.linux import Host
from resolver.matching.migration import Migration, migration_of
from resolver.matching.select import Choice

__all__ = ["migration_state"]


def migration_state(
    host: Host, device: Device, module: str | None, choice: Choice | None
) -> Migration:
    """Return whether a guest that has a device can be migrated live.

    :param module: module of its current driver; ``None`` if unknown.
    :param choice: best VFIO driver for the device; ``None`` if there is none.

    Source: Linux, Documentation/ABI/testing/debugfs-vfio.
    """
    seen = None
    if device.vfio_device is not None:
        place = f"{host.sys}/kernel/debug/vfio"
        if host.names(place):
            seen = host.is_there(f"{place}/{device.name}/migration")
    return migration_of(device, module, choice, seen)

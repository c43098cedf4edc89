"""Disks that are mounted, swapped to, exported, or part of something larger.

Source: proc(5), ``/proc/PID/mountinfo`` and ``/proc/swaps``; Linux,
Documentation/ABI/testing/sysfs-block, ``holders``; fs/btrfs/sysfs.c and the like, which
show every mounted file system of the host; open(2), O_EXCL on a block device.
"""

from __future__ import annotations

from collections.abc import Iterator

from resolver.inspect.in_use.belongings import Belongings, Part
from resolver.inspect.in_use.exports import exports_of
from resolver.inspect.in_use.mounts import Mounts
from resolver.inspect.in_use.nodes import number_of_part
from resolver.inspect.in_use.use import Use
from resolver.linux import Host

__all__ = ["block_users"]

_DEEPEST = 16
"""Devices on top of each other, such as LVM on MD on a partition."""


def block_users(host: Host, belongings: Belongings) -> Iterator[Use]:
    """Yield the uses of a device's disks and their partitions."""
    disks = belongings.of("block")
    if not disks:
        return
    users = _Users(host)
    found = [text for disk in disks for text in users.of(disk.name)]
    for disk in disks:
        found += users.exports_of(disk)
    for disk in () if found else disks:
        yield from users.claim_of(disk)
    yield from (Use("disk-in-use", text) for text in dict.fromkeys(found))


class _Users:
    def __init__(self, host: Host) -> None:
        self._host = host
        self._mounts = Mounts(host)
        self._exports = [
            (host.real_path(host.at(one.path)).removeprefix(host.at("")), one)
            for one in exports_of(host)
        ]

    # The uses of a block device, and of the devices on top of it.
    def of(self, name: str, above: tuple[str, ...] = ()) -> Iterator[str]:
        directory = f"{self._host.sys}/class/block/{name}"
        label = self._label(name)
        what = f"{label} on {above[0]}" if above else label
        nodes = dict.fromkeys((f"/dev/{name}", f"/dev/mapper/{label}"))
        if any(node in self._mounts.swaps for node in nodes):
            yield f"{what} is active swap"
        number = self._host.attribute(f"{directory}/dev") or ""
        places = [
            *self._mounts.at(number),
            *(place for node in nodes for place in self._mounts.at(node)),
        ]
        for place in dict.fromkeys(places):
            yield f"{what} is mounted at {place}"
        if not places and (file_system := self._mounts.file_systems.get(name)):
            yield f"{what} is in a mounted file system: {file_system}"
        for holder in self._host.names(f"{directory}/holders"):
            if holder in above or len(above) > _DEEPEST:
                continue
            below = list(self.of(holder, (*(above or (label,)), name, holder)))
            yield from below or [f"{what} is part of {self._label(holder)}"]

    def exports_of(self, disk: Part) -> Iterator[str]:
        for path, export in self._exports:
            if path in (f"/dev/{disk.name}", f"/dev/mapper/{self._label(disk.name)}"):
                yield f"{disk.name} is {export.text}"

    # Claimed by ZFS, DRBD, a mount in another namespace: the kernel tells no user.
    def claim_of(self, disk: Part) -> Iterator[Use]:
        number = number_of_part(self._host, disk)
        claimed = number and self._host.is_claimed(disk.name, number[1:])
        if claimed:
            yield Use(
                "disk-in-use",
                f"{disk.name} is claimed by the kernel, as for ZFS, DRBD or a mount in "
                "another namespace",
            )
        elif claimed is None and not self._mounts.are_of_the_host:
            yield Use(
                "use-unknown",
                f"it is not known whether {disk.name} is free: it has no usable node "
                "here, and the mounts of the host are not visible",
            )

    def _label(self, name: str) -> str:
        mapped = self._host.attribute(f"{self._host.sys}/class/block/{name}/dm/name")
        return mapped or name

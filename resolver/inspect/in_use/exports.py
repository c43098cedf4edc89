"""Disks that the kernel uses or exports without claiming them.

Source: Linux, drivers/nvme/target/configfs.c and io-cmd-bdev.c, nvmet_bdev_ns_enable();
drivers/target/target_core_configfs.c, target_core_pscsi.c; drivers/block/loop.c,
loop_attr_backing_file_show().
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from resolver.linux import Host

__all__ = ["Export", "exports_of"]


class Export(NamedTuple):
    """A disk that a part of the kernel has open."""

    path: str
    """Path of the disk, as written in the configuration of the target."""
    text: str
    """``exported by the NVMe target as nqn.2024-01.example:fast, namespace 1``."""


def exports_of(host: Host) -> Iterator[Export]:
    """Yield the disks that targets and loop devices have open."""
    config = f"{host.sys}/kernel/config"
    yield from _nvme_exports(host, f"{config}/nvmet/subsystems")
    yield from _scsi_exports(host, f"{config}/target/core")
    for name in host.names(f"{host.sys}/block"):
        path = host.attribute(f"{host.sys}/block/{name}/loop/backing_file")
        if path:
            yield Export(path, f"the backing file of {name}")


def _nvme_exports(host: Host, directory: str) -> Iterator[Export]:
    for subsystem in host.names(directory):
        spaces = [
            (f"{directory}/{subsystem}/namespaces/{one}", f", namespace {one}")
            for one in host.names(f"{directory}/{subsystem}/namespaces")
        ]
        for place, which in [*spaces, (f"{directory}/{subsystem}/passthru", "")]:
            path = host.attribute(f"{place}/device_path")
            if path and host.attribute(f"{place}/enable") == "1":
                yield Export(path, f"exported by the NVMe target as {subsystem}{which}")


def _scsi_exports(host: Host, directory: str) -> Iterator[Export]:
    for backend in host.names(directory):
        for name in host.names(f"{directory}/{backend}"):
            place = f"{directory}/{backend}/{name}"
            path = host.attribute(f"{place}/udev_path")
            if path and host.attribute(f"{place}/enable") == "1":
                yield Export(path.strip(), f"exported by the SCSI target as {name}")

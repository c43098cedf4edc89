"""The file system that a guest's kernel starts from: enough to reach the host's files.

virtme-ng makes it: busybox, the modules for the 9p file system, and a script that
mounts the host's files and starts the guest's first process from there. An archive with
the table of the IOMMU stands before it.
"""

from __future__ import annotations

import io

from simkernel.fronts.vm.machine.dmar import PATH, dmar_table

__all__ = ["initramfs"]

_MODULES = ("virtio_pci", "virtio_console", "9pnet_virtio", "9p", "overlay")
"""What has to be there before modules can be read from the host's files, by name."""


def initramfs(release: str, busybox: str) -> bytes:
    """Return the initial RAM disk for an installed kernel, as cpio archives.

    :param busybox: path of one that is linked statically.
    """
    from virtme import cpiowriter, mkinitramfs, modfinder

    config = mkinitramfs.Config()
    config.busybox = busybox
    config.modfiles = modfinder.find_modules_from_install(
        _MODULES, root="/", kver=release
    )
    archive = io.BytesIO()
    tables = cpiowriter.CpioWriter(archive)
    tables.write_file(name=PATH.encode(), body=dmar_table(), mode=0o644)
    tables.write_trailer()
    mkinitramfs.mkinitramfs(archive, config)
    return archive.getvalue()

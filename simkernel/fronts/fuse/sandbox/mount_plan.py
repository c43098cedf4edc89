"""Which trees and files of the host are mounted where."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from simkernel.filesystems.node import Attribute, Directory, Link, Listing, Node
from simkernel.filesystems.tree import Tree
from simkernel.filesystems.walk import walk
from simkernel.fronts.fuse.inside.channel import Message, packed
from simkernel.fronts.fuse.inside.mounts import HIDDEN_PROC
from simkernel.host.host import Host

__all__ = ["MountPlan", "linked_proc", "served_trees"]

_FOLDERS = ("/etc/modprobe.d", "/lib/modules")
"""Directories that contain files of the simulated host only."""
_HIDDEN_FOLDERS = (
    "/etc/driverctl.d",
    "/lib/modprobe.d",
    "/usr/lib/modprobe.d",
    "/usr/local/lib/modprobe.d",
)
"""Directories with configuration for the machine's own devices."""


def served_trees(host: Host) -> dict[str, Tree]:
    """Return the kernel's trees by their names in the FUSE mount.

    ``vfio`` is the ``/dev/vfio`` directory. It is a tree of its own, so that it can be
    mounted and unmounted as the kernel adds and removes it.
    """
    trees = host.trees()
    dev = trees["dev"].root

    def vfio() -> Directory:
        found = dev.child("vfio")
        return found if isinstance(found, Directory) else Directory()

    nodes = Listing(lambda: vfio().names(), lambda name: vfio().child(name))
    return trees | {"vfio": Tree(Directory({}, nodes))}


def linked_proc(machine_proc: int, proc: Tree) -> Tree:
    """Return a root of links for an incomplete ``/proc``.

    A machine's kernel without modules has no ``/proc/modules``, so there is no mount
    point for it. The root is therefore simulated, with links to the machine's files in
    a real ``/proc`` that is mounted elsewhere.

    :param machine_proc: descriptor of the machine's ``/proc``.
    :param proc: the files of the simulated kernel.
    """

    def exists(name: str) -> bool:
        try:
            os.stat(name, dir_fd=machine_proc, follow_symlinks=False)
        except OSError:
            return False
        return True

    def names() -> list[str]:
        real = os.listdir(machine_proc)
        return [*real, *(name for name in proc.root.names() if name not in real)]

    def child(name: str) -> Node | None:
        # A process may start at any time, so every number is a link.
        if name.isdigit() or exists(name):
            return Link(f"{HIDDEN_PROC}/{name}")
        return proc.root.child(name)

    return Tree(Directory({}, Listing(names, child)))


@dataclass(frozen=True, slots=True)
class MountPlan:
    """The files and mounts of one host."""

    host: Host
    trees: Mapping[str, Tree]

    def message(self) -> Message:
        """Return the plan as a message to send with the plain files."""
        return {
            "type": "mount_plan",
            "hidden_folders": _HIDDEN_FOLDERS,
            "folders": self._folders(),
            "kernel_files": self._kernel_files(),
            "modules_dir": self.host.modules_dir,
            "release": self.host.kernel.release,
        }

    def _kernel_files(self) -> list[tuple[str, str]]:
        """Return FUSE path and mount point of other kernel files.

        These are the files in ``/proc`` and ``/dev``.
        """
        return [
            (path, f"/{path}")
            for name in ("proc", "dev")
            for path, node in walk(self.trees[name].root, name)
            if isinstance(node, Attribute)
        ]

    def _folders(self) -> list[str]:
        build_folder = self.host.build_folder
        return [*_FOLDERS, build_folder] if build_folder else list(_FOLDERS)

    def plain_files(self) -> tuple[int, int]:
        """Return two memory files: an index and the contents."""
        files = dict(self.host.module_files()) | dict(self.host.plain_files())
        index = packed([(path, len(data)) for path, data in files.items()])
        content = os.memfd_create("simkernel", os.MFD_CLOEXEC)
        with open(content, "wb", closefd=False) as stream:
            for data in files.values():
                stream.write(data)
        return index, content

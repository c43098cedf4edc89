"""Which trees and files of the host are mounted where."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from simkernel.filesystems.node import (
    Attribute,
    DeviceNode,
    Directory,
    Link,
    Listing,
    Node,
)
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


_PROCESS = re.compile(r"proc/\d+/(comm|fd/)")
"""Files of processes, which the namespaces have themselves."""


def served_trees(host: Host) -> dict[str, Tree]:
    """Return the kernel's trees by their names in the FUSE mount.

    ``vfio`` is the ``/dev/vfio`` directory. It is a tree of its own, so that it can be
    mounted and unmounted as the kernel adds and removes it. ``opened`` has the device
    nodes that processes have open at boot.
    """
    trees = host.trees()
    dev = trees["dev"].root

    def vfio() -> Directory:
        found = dev.child("vfio")
        return found if isinstance(found, Directory) else Directory()

    nodes = Listing(lambda: vfio().names(), lambda name: vfio().child(name))
    opened = {
        f"{pid}.{number}": partial(_same, device)
        for pid, number, _, device in _open_files(host)
        if device is not None
    }
    return trees | {
        "vfio": Tree(Directory({}, nodes)),
        "opened": Tree(Directory(opened)),
    }


def _same(node: Node) -> Node:
    return node


def _open_files(host: Host) -> Iterator[tuple[int, int, str, DeviceNode | None]]:
    """Yield pid, number, path and device node of each open file of a process."""
    for process in host.added.processes:
        for number, file in enumerate(process.files):
            node = host.added.node_of(host.kernel, file)
            device = node if isinstance(node, DeviceNode) else None
            yield process.pid, number, file.path, device


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
            "processes": self._processes(),
            "is_container": self.host.container,
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
            if isinstance(node, Attribute) or f"/{path}" in self.host.added.devices
            if not _PROCESS.match(path)
        ]

    def _processes(self) -> list[tuple[int, str, list[tuple[str, str]]]]:
        """Return pid, name and open files of each process, in order of their pids.

        A file is its path and the FUSE path of its device node, which is empty for a
        regular file.
        """
        files: dict[int, list[tuple[str, str]]] = {}
        for pid, number, path, device in _open_files(self.host):
            source = "" if device is None else f"opened/{pid}.{number}"
            files.setdefault(pid, []).append((path, source))
        return [
            (one.pid, one.name, files.get(one.pid, []))
            for one in sorted(self.host.added.processes, key=lambda one: one.pid)
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

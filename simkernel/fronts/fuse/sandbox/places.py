"""What of the host is seen where: parts of the kernel's file system, plain files."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from simkernel.filesystems.node import Attribute, Directory, Link, Listing, Node
from simkernel.filesystems.tree import Tree
from simkernel.fronts.fuse.inside.mounts import HIDDEN_PROC
from simkernel.fronts.fuse.sandbox.channel import Message, packed
from simkernel.host.host import Host

__all__ = ["Places", "proc_of_machine", "trees_of"]

_FOLDERS = ("/etc/modprobe.d", "/lib/modules")
"""Directories that the simulated host has of its own."""
_EMPTY_FOLDERS = (
    "/etc/driverctl.d",
    "/lib/modprobe.d",
    "/usr/lib/modprobe.d",
    "/usr/local/lib/modprobe.d",
)
"""Where tools would find what is about the machine's own devices."""


def trees_of(host: Host) -> dict[str, Tree]:
    """Return the kernel's trees by their names in its file system.

    ``vfio`` is the directory of that name in ``/dev``. It is a tree of its own, so that
    it can be mounted there while the kernel has it.
    """
    trees = host.trees()
    dev = trees["dev"].root

    def vfio() -> Directory:
        found = dev.child("vfio")
        return found if isinstance(found, Directory) else Directory()

    nodes = Listing(lambda: vfio().names(), lambda name: vfio().child(name))
    return trees | {"vfio": Tree(Directory({}, nodes))}


def proc_of_machine(machine: int, proc: Tree) -> Tree:
    """Return a root for ``/proc`` on a machine whose own lacks something.

    A kernel without modules has no ``/proc/modules``, and nothing can be mounted where
    nothing is. So the root is ours; what the machine has is behind links to where a
    real ``/proc`` is mounted.

    :param machine: descriptor of that ``/proc``.
    :param proc: the files of the simulated kernel.
    """

    def has(name: str) -> bool:
        try:
            os.stat(name, dir_fd=machine, follow_symlinks=False)
        except OSError:
            return False
        return True

    def names() -> list[str]:
        real = os.listdir(machine)
        return [*real, *(name for name in proc.root.names() if name not in real)]

    def child(name: str) -> Node | None:
        # A process may come at any time, so that each number is a link.
        if name.isdigit() or has(name):
            return Link(f"{HIDDEN_PROC}/{name}")
        return proc.root.child(name)

    return Tree(Directory({}, Listing(names, child)))


@dataclass(frozen=True, slots=True)
class Places:
    """What the inside is to put where."""

    host: Host
    trees: Mapping[str, Tree]

    def message(self) -> Message:
        """Return what tells the inside; :meth:`plain_files` go with it."""
        return {
            "say": "places",
            "empty": _EMPTY_FOLDERS,
            "folders": self._folders(),
            "places": self._kernel_files(),
            "modules_dir": self.host.modules_dir,
            "release": self.host.kernel.release,
        }

    def _kernel_files(self) -> list[tuple[str, str]]:
        """Return parts of the kernel's file system besides ``/sys``: where from, to."""
        return [
            (path, f"/{path}")
            for name in ("proc", "dev")
            for path in _files_below(self.trees[name].root, name)
        ]

    def _folders(self) -> list[str]:
        built = self.host.build_folder
        return [*_FOLDERS, built] if built else list(_FOLDERS)

    def plain_files(self) -> tuple[int, int]:
        """Return two memory files: paths and sizes, and the contents in a row."""
        files = dict(self.host.module_files()) | dict(self.host.plain_files())
        index = packed([(path, len(data)) for path, data in files.items()])
        content = os.memfd_create("simkernel", os.MFD_CLOEXEC)
        with open(content, "wb", closefd=False) as stream:
            for data in files.values():
                stream.write(data)
        return index, content


def _files_below(directory: Directory, base: str) -> Iterator[str]:
    """Yield the paths of the files in a tree."""
    for name in directory.names():
        node = directory.child(name)
        path = posixpath.join(base, name)
        if isinstance(node, Directory):
            yield from _files_below(node, path)
        elif isinstance(node, Attribute):
            yield path

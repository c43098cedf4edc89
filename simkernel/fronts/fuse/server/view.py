"""File operations on the kernel's trees.

They take paths and numbers of open files. This module contains no rule of the kernel,
and nothing of the library that mounts a view.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from errno import ENOENT, ENOTDIR, ENXIO, EPERM
from typing import NamedTuple

from simkernel.filesystems.node import (
    Attribute,
    DeviceNode,
    Directory,
    Lifetime,
    Link,
    Listing,
    Node,
)
from simkernel.filesystems.tree import Tree
from simkernel.fronts.fuse.inside.mounts import HAND_OVER
from simkernel.fronts.fuse.server.kernel_lock import KernelLock
from simkernel.model.vfio.nodes import NodeOwner

__all__ = ["View"]

_ACCESS_MODE = 0o3
_READ_ONLY, _WRITE_ONLY = 0, 1
_LARGEST_CACHE = 100_000
_ALWAYS = Lifetime.DIRECTORY


@dataclass(slots=True)
class _OpenFile:
    """An open directory, or an open file with its text."""

    path: str
    node: Node
    tree: Tree
    text: bytes = b""
    read_to: int = 0


class _LookUp(NamedTuple):
    """The result of looking a path up."""

    tree: Tree
    node: Node
    lifetime: Lifetime
    """Lifetime of the last name of the path."""
    path_lifetime: Lifetime
    """Shortest lifetime of a name in the path."""


class View:
    """Several trees below one root, each under a name.

    Every operation raises :class:`KernelRefusal` as the model does.
    """

    def __init__(self, trees: Mapping[str, Tree], kernel_lock: KernelLock) -> None:
        self._trees = dict(trees)
        self._kernel_lock = kernel_lock
        hand_over = {HAND_OVER: lambda: Attribute(mode=0o400)}
        nodes = Listing(lambda: self._trees, self._root_of)
        self._top = Tree(Directory(hand_over, nodes))
        self._cache: dict[str, _LookUp] = {}
        """By path, valid until any name is added or removed."""
        self._device_cache: dict[str, _LookUp] = {}
        """By path, valid until a device is added or removed."""
        self.version = 0
        """Changes whenever a name may have been added or removed."""
        self._open_files: dict[int, _OpenFile] = {}
        self._numbers = itertools.count(1)

    def _root_of(self, name: str) -> Node | None:
        tree = self._trees.get(name)
        return None if tree is None else tree.root

    def node(self, path: str) -> Node:
        """Return the node at an absolute path.

        :raises OSError: ENOENT.
        """
        with self._kernel_lock:
            return self._look_up(path).node

    def lifetime(self, path: str) -> Lifetime:
        """Return the lifetime of the last name of a found path."""
        found = self._device_cache.get(path) or self._cache.get(path)
        return Lifetime.SHORT if found is None else found.lifetime

    def node_of(self, number: int) -> tuple[str, Node]:
        """Return path and node of an open file."""
        file = self._open_files[number]
        return file.path, file.node

    def invalidate(self, stale: Lifetime) -> None:
        """Invalidate cached look-ups.

        :param stale: the longest-lived names that were added or removed.
        """
        self.version += 1
        self._cache.clear()
        if stale is not Lifetime.SHORT:
            self._device_cache.clear()

    def _look_up(self, path: str) -> _LookUp:
        """Look a path up, in the cache first.

        :raises OSError: ENOENT.
        """
        found = self._device_cache.get(path) or self._cache.get(path)
        if found is None:
            found = self._walk(path)
            cache = self._device_cache if found.path_lifetime else self._cache
            if len(cache) >= _LARGEST_CACHE:
                cache.clear()
            cache[path] = found
        return found

    def _walk(self, path: str) -> _LookUp:
        if path == "/":
            return _LookUp(self._top, self._top.root, _ALWAYS, _ALWAYS)
        above, _, name = path.rpartition("/")
        tree, directory, _, path_lifetime = self._look_up(above or "/")
        node = directory.child(name) if isinstance(directory, Directory) else None
        if node is None or not isinstance(directory, Directory):
            raise OSError(ENOENT, "No such file or directory")
        if not above:
            return _LookUp(self._trees.get(name, tree), node, _ALWAYS, _ALWAYS)
        lifetime = directory.lifetime(name)
        return _LookUp(tree, node, lifetime, min(lifetime, path_lifetime))

    def readlink(self, path: str) -> str:
        """Return the target of a link."""
        node = self.node(path)
        if not isinstance(node, Link):
            raise OSError(ENOENT, "No such file or directory")
        return node.target

    def open(self, path: str, flags: int) -> int:
        """Open a file and return its number.

        :param flags: as for ``open(2)``.
        """
        access = flags & _ACCESS_MODE
        with self._kernel_lock:
            found = self._look_up(path)
            tree, node = found.tree, found.node
            if not isinstance(node, Attribute):
                raise OSError(ENXIO, "No such device or address")
            tree.check_open(
                node, reads=access != _WRITE_ONLY, writes=access != _READ_ONLY
            )
        return self._add(_OpenFile(path, node, tree))

    def open_directory(self, path: str) -> int:
        """Open a directory and return its number."""
        with self._kernel_lock:
            found = self._look_up(path)
            tree, node = found.tree, found.node
        if not isinstance(node, Directory):
            raise OSError(ENOTDIR, "Not a directory")
        return self._add(_OpenFile(path, node, tree))

    def _add(self, file: _OpenFile) -> int:
        number = next(self._numbers)
        self._open_files[number] = file
        return number

    def close(self, number: int) -> None:
        """Close an open file or directory."""
        del self._open_files[number]

    def entries(self, number: int) -> list[tuple[str, Node]]:
        """Return name and node of each entry of an open directory."""
        directory = self._open_files[number].node
        if not isinstance(directory, Directory):
            raise OSError(ENOTDIR, "Not a directory")
        with self._kernel_lock:
            found = [(name, directory.child(name)) for name in directory.names()]
        return [(name, node) for name, node in found if node is not None]

    def read(self, number: int, size: int, offset: int) -> bytes:
        """Return bytes of an open file.

        A read at offset 0, or at any offset but the end of the last read, shows the
        attribute anew.

        Source: fs/seq_file.c seq_read_iter().
        """
        file = self._open_files[number]
        if offset == 0 or offset != file.read_to:
            with self._kernel_lock:
                file.text = file.tree.read(_attribute(file))
        data = file.text[offset : offset + size]
        file.read_to = offset + len(data)
        return data

    def write(self, number: int, data: bytes) -> int:
        """Write to an open file; return the number of bytes."""
        file = self._open_files[number]
        with self._kernel_lock.change():
            return file.tree.write(_attribute(file), data)

    def set_owner(
        self, path: str | None, *, uid: int = -1, gid: int = -1, mode: int = -1
    ) -> None:
        """Set owner, group and mode of a device node.

        A value of -1 leaves it as it is.

        :param path: None: an open file, which is never a device node.
        :raises OSError: EPERM, the owner of this node cannot be set.
        """
        with self._kernel_lock.change():
            node = None if path is None else self._look_up(path).node
            if not isinstance(node, DeviceNode) or node.set_owner is None:
                raise OSError(EPERM, "Operation not permitted")
            now = NodeOwner(node.uid, node.gid, node.mode)
            wanted = {"uid": uid, "gid": gid, "mode": mode}
            changes = {name: value for name, value in wanted.items() if value != -1}
            node.set_owner(now._replace(**changes))


def _attribute(file: _OpenFile) -> Attribute:
    if not isinstance(file.node, Attribute):
        raise OSError(ENXIO, "No such device or address")
    return file.node

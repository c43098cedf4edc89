"""The kernel's trees as file operations on paths and numbers of open files.

What a file system library asks is translated here; which library it is, is the
business of ``filesystem.py``. It holds no kernel rule.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from errno import ENOENT, ENOTDIR, ENXIO, EPERM
from typing import NamedTuple

from simkernel.filesystems.node import (
    Attribute,
    CharacterDevice,
    Directory,
    Link,
    Listing,
    Node,
    Stay,
)
from simkernel.filesystems.tree import Tree
from simkernel.fronts.fuse.inside.mounts import HAND_OVER
from simkernel.fronts.fuse.server.kernel_lock import Turn
from simkernel.model.vfio.nodes import Owner

__all__ = ["View"]

_ACCESS_MODE = 0o3
_READ_ONLY, _WRITE_ONLY = 0, 1
_MOST_FOUND = 100_000
_ALWAYS = Stay.WITH_DIRECTORY


@dataclass(slots=True)
class _Open:
    """Something open: a directory, or a file with the text that its reader has."""

    path: str
    node: Node
    tree: Tree
    text: bytes = b""
    read_to: int = 0


class _Found(NamedTuple):
    """What is at a path."""

    tree: Tree
    node: Node
    stay: Stay
    """How long the last name of the path stays."""
    settled: Stay
    """How long the path stays, every name of it."""


class View:
    """Several trees below one root, each under a name.

    Every operation raises :class:`KernelRefusal` as the model does.
    """

    def __init__(self, trees: Mapping[str, Tree], turn: Turn) -> None:
        self._trees = dict(trees)
        self._turn = turn
        hand_over = {HAND_OVER: lambda: Attribute(mode=0o400)}
        nodes = Listing(lambda: self._trees, self._root_of)
        self._top = Tree(Directory(hand_over, nodes))
        self._found: dict[str, _Found] = {}
        """By path, until something comes or goes."""
        self._settled: dict[str, _Found] = {}
        """By path, until a device comes or goes."""
        self.version = 0
        """Another one after each time that something came or went."""
        self._opened: dict[int, _Open] = {}
        self._numbers = itertools.count(1)

    def _root_of(self, name: str) -> Node | None:
        tree = self._trees.get(name)
        return None if tree is None else tree.root

    def node(self, path: str) -> Node:
        """Return what is at an absolute path.

        :raises OSError: ENOENT.
        """
        with self._turn:
            return self._find(path).node

    def stay(self, path: str) -> Stay:
        """Return how long the last name of a path that was found stays."""
        found = self._settled.get(path) or self._found.get(path)
        return Stay.BRIEFLY if found is None else found.stay

    def node_of(self, number: int) -> tuple[str, Node]:
        """Return path and node of something open."""
        opened = self._opened[number]
        return opened.path, opened.node

    def forget(self, gone: Stay) -> None:
        """Look anew for names that may stand for other things than before.

        :param gone: names that stay longer than this are the same.
        """
        self.version += 1
        self._found.clear()
        if gone is not Stay.BRIEFLY:
            self._settled.clear()

    def _find(self, path: str) -> _Found:
        """Return what is at a path.

        :raises OSError: ENOENT.
        """
        found = self._settled.get(path) or self._found.get(path)
        if found is None:
            found = self._look_for(path)
            known = self._settled if found.settled else self._found
            if len(known) >= _MOST_FOUND:
                known.clear()
            known[path] = found
        return found

    def _look_for(self, path: str) -> _Found:
        if path == "/":
            return _Found(self._top, self._top.root, _ALWAYS, _ALWAYS)
        above, _, name = path.rpartition("/")
        tree, directory, _, settled = self._find(above or "/")
        node = directory.child(name) if isinstance(directory, Directory) else None
        if node is None or not isinstance(directory, Directory):
            raise OSError(ENOENT, "No such file or directory")
        if not above:
            return _Found(self._trees.get(name, tree), node, _ALWAYS, _ALWAYS)
        stay = directory.stay(name)
        return _Found(tree, node, stay, min(stay, settled))

    def readlink(self, path: str) -> str:
        """Return the text of a link."""
        node = self.node(path)
        if not isinstance(node, Link):
            raise OSError(ENOENT, "No such file or directory")
        return node.target

    def open(self, path: str, flags: int) -> int:
        """Return a number for a file.

        :param flags: as for ``open(2)``.
        """
        access = flags & _ACCESS_MODE
        with self._turn:
            found = self._find(path)
            tree, node = found.tree, found.node
            if not isinstance(node, Attribute):
                raise OSError(ENXIO, "No such device or address")
            tree.check_open(
                node, reads=access != _WRITE_ONLY, writes=access != _READ_ONLY
            )
        return self._keep(_Open(path, node, tree))

    def open_directory(self, path: str) -> int:
        """Return a number for a directory."""
        with self._turn:
            found = self._find(path)
            tree, node = found.tree, found.node
        if not isinstance(node, Directory):
            raise OSError(ENOTDIR, "Not a directory")
        return self._keep(_Open(path, node, tree))

    def _keep(self, opened: _Open) -> int:
        number = next(self._numbers)
        self._opened[number] = opened
        return number

    def close(self, number: int) -> None:
        """Forget something open."""
        del self._opened[number]

    def entries(self, number: int) -> list[tuple[str, Node]]:
        """Return name and node of each entry of an open directory."""
        directory = self._opened[number].node
        if not isinstance(directory, Directory):
            raise OSError(ENOTDIR, "Not a directory")
        with self._turn:
            found = [(name, directory.child(name)) for name in directory.names()]
        return [(name, node) for name, node in found if node is not None]

    def read(self, number: int, size: int, offset: int) -> bytes:
        """Return bytes of an open file.

        The text is made when reading begins, and anew where reading does not go on
        where it stopped.

        Source: fs/seq_file.c seq_read_iter().
        """
        file = self._opened[number]
        if offset == 0 or offset != file.read_to:
            with self._turn:
                file.text = file.tree.read(_attribute(file))
        data = file.text[offset : offset + size]
        file.read_to = offset + len(data)
        return data

    def write(self, number: int, data: bytes) -> int:
        """Carry out one write and return the number of bytes taken."""
        file = self._opened[number]
        with self._turn.changing():
            return file.tree.write(_attribute(file), data)

    def give(
        self, path: str | None, *, uid: int = -1, gid: int = -1, mode: int = -1
    ) -> None:
        """Give a device node to somebody; what is -1 stays as it is.

        :param path: None: it is open, so that it is no device node.
        :raises OSError: EPERM, it is none that can be given.
        """
        with self._turn.changing():
            node = None if path is None else self._find(path).node
            if not isinstance(node, CharacterDevice) or node.give is None:
                raise OSError(EPERM, "Operation not permitted")
            now = Owner(node.uid, node.gid, node.mode)
            wanted = {"uid": uid, "gid": gid, "mode": mode}
            changes = {name: value for name, value in wanted.items() if value != -1}
            node.give(now._replace(**changes))


def _attribute(file: _Open) -> Attribute:
    if not isinstance(file.node, Attribute):
        raise OSError(ENXIO, "No such device or address")
    return file.node

"""pyfakefs files whose content is the simulated kernel's."""

from __future__ import annotations

import stat
from collections.abc import Iterator, MutableMapping
from errno import EACCES, EPERM
from typing import Any

from pyfakefs.fake_file import FakeDirectory, FakeFile
from pyfakefs.fake_filesystem import FakeFilesystem

from simkernel.filesystems.node import Attribute, CharacterDevice, Directory, Link, Node
from simkernel.filesystems.stat import mode_of, stat_of
from simkernel.filesystems.tree import Tree

__all__ = ["LiveDirectory", "LiveFile", "live"]


class LiveFile(FakeFile):
    """A file that the kernel shows and stores; pyfakefs itself keeps no byte of it."""

    def __init__(
        self, name: str, attribute: Attribute, tree: Tree, filesystem: FakeFilesystem
    ) -> None:
        mode = mode_of(attribute)
        super().__init__(name, mode, filesystem=filesystem, contents=b"")
        self.stat_result.st_size = attribute.size
        self.attribute = attribute
        self.tree = tree

    def __setattr__(self, key: str, value: object) -> None:
        """Keep what the kernel says: ``os.open`` of pyfakefs would change the mode."""
        if key in ("st_mode", "st_size") and "attribute" in self.__dict__:
            return
        super().__setattr__(key, value)

    def is_large_file(self) -> bool:
        """Say that the content is at hand."""
        return False

    def set_initial_contents(self, contents: object) -> bool:
        """Ignore truncation, as sysfs does."""
        return False

    def set_contents(self, contents: object, encoding: str | None = None) -> bool:
        """Ignore truncation, as sysfs does."""
        return False

    @property
    def size(self) -> int:
        """Take no space on the disk."""
        return 0

    @size.setter
    def size(self, st_size: int) -> None:
        """Ignore truncation, as sysfs does."""


class LiveDirectory(FakeDirectory):
    """A directory whose entries are computed when they are looked at.

    :param place: absolute path of the directory.
    """

    def __init__(
        self, place: str, node: Directory, tree: Tree, filesystem: FakeFilesystem
    ) -> None:
        permissions = stat.S_IMODE(mode_of(node))
        name = place.rpartition("/")[2]
        super().__init__(name, permissions, filesystem=filesystem)
        self.place = place
        self._view = _Entries(self, node, tree)

    @property
    def entries(self) -> Any:
        """Entries by name."""
        return self._view

    @property
    def ordered_dirs(self) -> list[str]:
        """Names of the entries."""
        return list(self._view)

    def add_entry(self, path_object: FakeFile) -> None:
        """Refuse to make anything, with the errno of a real sysfs."""
        errno = EACCES if stat.S_ISREG(path_object.st_mode) else EPERM
        self.filesystem.raise_os_error(errno, path_object.name)

    def remove_entry(self, pathname_name: str, recursive: bool = True) -> None:
        """Refuse to remove anything."""
        self.filesystem.raise_os_error(EPERM, pathname_name)

    @property
    def size(self) -> int:
        """Take no space on the disk."""
        return 0


class _Entries(MutableMapping[str, FakeFile]):
    """The entries of a live directory as the mapping that pyfakefs expects."""

    def __init__(self, owner: LiveDirectory, node: Directory, tree: Tree) -> None:
        self._owner = owner
        self._node = node
        self._tree = tree

    def __getitem__(self, name: str) -> FakeFile:
        self._tree.before_access()
        node = self._node.child(name)
        if node is None:
            raise KeyError(name)
        return live(name, node, self._tree, self._owner)

    def __contains__(self, name: object) -> bool:
        self._tree.before_access()
        return isinstance(name, str) and self._node.child(name) is not None

    def __iter__(self) -> Iterator[str]:
        self._tree.before_access()
        return iter(self._node.names())

    def __len__(self) -> int:
        return sum(1 for _ in self._node.names())

    def __setitem__(self, name: str, value: FakeFile) -> None:
        self._owner.filesystem.raise_os_error(EPERM, name)

    def __delitem__(self, name: str) -> None:
        self._owner.filesystem.raise_os_error(EPERM, name)


def live(name: str, node: Node, tree: Tree, parent: FakeDirectory) -> FakeFile:
    """Return the pyfakefs object of a node.

    It holds its parent: pyfakefs keeps only weak references upwards.
    """
    filesystem = parent.filesystem
    above = parent.place if isinstance(parent, LiveDirectory) else ""
    found = stat_of(node, f"{above}/{name}")
    made: FakeFile
    if isinstance(node, Directory):
        made = LiveDirectory(f"{above}/{name}", node, tree, filesystem)
    elif isinstance(node, Link):
        made = FakeFile(name, found.mode, contents=node.target, filesystem=filesystem)
    elif isinstance(node, CharacterDevice):
        made = FakeFile(name, found.mode, filesystem=filesystem)
    else:
        made = LiveFile(name, node, tree, filesystem)
    made.stat_result.st_ino = found.inode
    made.stat_result.st_nlink = 1
    made.stat_result.st_uid, made.stat_result.st_gid = found.uid, found.gid
    made.stat_result.st_size = found.size
    attach(made, parent)
    return made


def attach(child: FakeFile, parent: FakeDirectory) -> None:
    """Make a directory the parent of an entry and keep it alive as long."""
    child.parent_dir = _Strong(parent)


class _Strong:
    """Called like a weak reference, returns its object like one, but holds it."""

    __slots__ = ("_held",)

    def __init__(self, held: FakeDirectory) -> None:
        self._held = held

    def __call__(self) -> FakeDirectory:
        return self._held

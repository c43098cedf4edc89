"""Objects of pyfakefs for the simulated kernel's files."""

from __future__ import annotations

import stat
from collections.abc import Iterator, MutableMapping
from errno import EACCES, EPERM
from typing import Any

from pyfakefs.fake_file import FakeDirectory, FakeFile
from pyfakefs.fake_filesystem import FakeFilesystem

from simkernel.filesystems.node import Attribute, DeviceNode, Directory, Link, Node
from simkernel.filesystems.stat import mode_of, stat_of
from simkernel.filesystems.tree import Tree

__all__ = ["LiveDevice", "LiveDirectory", "LiveFile", "live"]


class LiveFile(FakeFile):
    """An attribute of the kernel; pyfakefs stores no byte of it."""

    def __init__(
        self, name: str, attribute: Attribute, tree: Tree, filesystem: FakeFilesystem
    ) -> None:
        mode = mode_of(attribute)
        super().__init__(name, mode, filesystem=filesystem, contents=b"")
        self.stat_result.st_size = attribute.size
        self.attribute = attribute
        self.tree = tree

    def __setattr__(self, key: str, value: object) -> None:
        """Keep mode and size, which pyfakefs's ``os.open`` changes."""
        if key in ("st_mode", "st_size") and "attribute" in self.__dict__:
            return
        super().__setattr__(key, value)

    def is_large_file(self) -> bool:
        """Return False: pyfakefs need not load the content."""
        return False

    def set_initial_contents(self, contents: object) -> bool:
        """Ignore truncation, as sysfs does."""
        return False

    def set_contents(self, contents: object, encoding: str | None = None) -> bool:
        """Ignore truncation, as sysfs does."""
        return False

    @property
    def size(self) -> int:
        """Return 0: the file takes no space on the disk."""
        return 0

    @size.setter
    def size(self, st_size: int) -> None:
        """Ignore truncation, as sysfs does."""


class LiveDevice(FakeFile):
    """A device node; reading from it returns nothing."""

    def __init__(self, path: str, node: DeviceNode, filesystem: FakeFilesystem) -> None:
        name = path.rpartition("/")[2]
        super().__init__(name, mode_of(node), filesystem=filesystem)
        self.node = node
        self.absolute_path = path


class LiveDirectory(FakeDirectory):
    """A directory of the kernel, with entries made at each access.

    :param path: absolute path of the directory.
    """

    def __init__(
        self, path: str, node: Directory, tree: Tree, filesystem: FakeFilesystem
    ) -> None:
        permissions = stat.S_IMODE(mode_of(node))
        name = path.rpartition("/")[2]
        super().__init__(name, permissions, filesystem=filesystem)
        self.absolute_path = path
        self._entries = _LiveEntries(self, node, tree)

    @property
    def entries(self) -> Any:
        """Entries by name."""
        return self._entries

    @property
    def ordered_dirs(self) -> list[str]:
        """Names of the entries."""
        return list(self._entries)

    def add_entry(self, path_object: FakeFile) -> None:
        """Refuse to create an entry, with the errno of a real sysfs."""
        errno = EACCES if stat.S_ISREG(path_object.st_mode) else EPERM
        self.filesystem.raise_os_error(errno, path_object.name)

    def remove_entry(self, pathname_name: str, recursive: bool = True) -> None:
        """Refuse to remove an entry."""
        self.filesystem.raise_os_error(EPERM, pathname_name)

    @property
    def size(self) -> int:
        """Return 0: the file takes no space on the disk."""
        return 0


class _LiveEntries(MutableMapping[str, FakeFile]):
    """The entries of a live directory, as a mapping for pyfakefs."""

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

    It references its parent: pyfakefs itself has weak references to parents only.
    """
    filesystem = parent.filesystem
    folder = parent.absolute_path if isinstance(parent, LiveDirectory) else ""
    found = stat_of(node, f"{folder}/{name}")
    made: FakeFile
    if isinstance(node, Directory):
        made = LiveDirectory(f"{folder}/{name}", node, tree, filesystem)
    elif isinstance(node, Link):
        made = FakeFile(name, found.mode, contents=node.target, filesystem=filesystem)
    elif isinstance(node, DeviceNode):
        made = LiveDevice(f"{folder}/{name}", node, filesystem)
    else:
        made = LiveFile(name, node, tree, filesystem)
    made.stat_result.st_ino = found.inode
    made.stat_result.st_nlink = 1
    made.stat_result.st_uid, made.stat_result.st_gid = found.uid, found.gid
    made.stat_result.st_size = found.size
    attach(made, parent)
    return made


def attach(child: FakeFile, parent: FakeDirectory) -> None:
    """Set the parent of an entry, with a strong reference to it."""
    child.parent_dir = _StrongReference(parent)


class _StrongReference:
    """A strong reference with the interface of a weak one."""

    __slots__ = ("_object",)

    def __init__(self, target: FakeDirectory) -> None:
        self._object = target

    def __call__(self) -> FakeDirectory:
        return self._object

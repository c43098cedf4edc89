"""The files of a host for the kmod commands of its own udev."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from errno import EISDIR, ENOENT, ENOTDIR

from simkernel.filesystems.node import Attribute, Directory
from simkernel.filesystems.procfs import procfs
from simkernel.filesystems.sysfs.root import sysfs
from simkernel.model.kernel import Kernel

__all__ = ["PlainFiles"]


class PlainFiles:
    """Files of a host, ``/sys`` and ``/proc`` from its kernel.

    :param plain: content of the other files, by absolute path.
    """

    def __init__(self, kernel: Kernel, plain: Mapping[str, bytes]) -> None:
        self._trees = {"sys": sysfs(kernel), "proc": procfs(kernel)}
        self._plain = plain
        self._folders: dict[str, set[str]] = {}
        for path in plain:
            while path != "/":
                folder, name = posixpath.split(path)
                self._folders.setdefault(folder, set()).add(name)
                path = folder

    def read(self, path: str) -> bytes:
        """Return the content of a file.

        :raises OSError: as the system call would.
        """
        path = posixpath.normpath(path)
        tree = self._trees.get(path.split("/")[1])
        if tree is None:
            if path in self._plain:
                return self._plain[path]
            raise OSError(EISDIR if path in self._folders else ENOENT, path)
        node = tree.resolve(path[1:].partition("/")[2])
        if isinstance(node, Attribute):
            return tree.read(node)
        raise OSError(EISDIR if node else ENOENT, path)

    def listdir(self, path: str) -> list[str]:
        """Return the names in a directory.

        :raises OSError: as the system call would.
        """
        path = posixpath.normpath(path)
        tree = self._trees.get(path.split("/")[1])
        if tree is None:
            if path in self._folders:
                return sorted(self._folders[path])
            raise OSError(ENOTDIR if path in self._plain else ENOENT, path)
        node = tree.resolve(path[1:].partition("/")[2])
        if isinstance(node, Directory):
            return list(node.names())
        raise OSError(ENOTDIR if node else ENOENT, path)

    def exists(self, path: str) -> bool:
        """Tell whether a path exists."""
        path = posixpath.normpath(path)
        tree = self._trees.get(path.split("/")[1])
        if tree is None:
            return path in self._plain or path in self._folders
        return tree.resolve(path[1:].partition("/")[2]) is not None

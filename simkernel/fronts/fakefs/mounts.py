"""Mounts that programs make on the simulated host."""

from __future__ import annotations

import posixpath
from errno import EINVAL, ENOENT, ENOTDIR, EPERM
from os import strerror

from pyfakefs.fake_file import FakeDirectory
from pyfakefs.fake_filesystem import FakeFilesystem

from simkernel.fronts.fakefs.nodes import LiveDirectory, attach

__all__ = ["Mounts"]


class Mounts:
    """Mounts on plain directories.

    Mounts on the kernel's trees are refused, since calls on them bypass pyfakefs.
    """

    def __init__(self, filesystem: FakeFilesystem) -> None:
        self._filesystem = filesystem
        self._mounts: list[tuple[str, FakeDirectory, FakeDirectory]] = []
        """Mount point, its parent, and the covered directory; in mount order."""

    def bind(self, source: str, target: str) -> None:
        """Mount a directory on another one.

        :raises OSError: as the system call would.
        """
        self._mount(target, self._folder(source))

    def tmpfs(self, target: str) -> None:
        """Mount an empty directory on a directory.

        :raises OSError: as the system call would.
        """
        name = posixpath.basename(target)
        self._mount(target, FakeDirectory(name, 0o1777, self._filesystem))

    def unmount(self, target: str) -> None:
        """Unmount the last mount on a directory.

        :raises OSError: EINVAL, the directory is not a mount point.
        """
        target = self._filesystem.absnormpath(target)
        for at, (path, parent, covered) in reversed(list(enumerate(self._mounts))):
            if path == target:
                parent.entries[posixpath.basename(path)] = covered
                del self._mounts[at]
                return
        raise OSError(EINVAL, strerror(EINVAL), target)

    def _mount(self, target: str, mounted: FakeDirectory) -> None:
        target = self._filesystem.absnormpath(target)
        covered = self._folder(target)
        parent = self._folder(posixpath.dirname(target))
        if isinstance(covered, LiveDirectory) or covered is parent:
            raise OSError(EPERM, strerror(EPERM), target)
        if mounted.parent_dir is None:
            attach(mounted, parent)
        parent.entries[posixpath.basename(target)] = mounted
        self._mounts.append((target, parent, covered))

    def _folder(self, path: str) -> FakeDirectory:
        if not self._filesystem.exists(path):
            raise OSError(ENOENT, strerror(ENOENT), path)
        found = self._filesystem.resolve(path)
        if not isinstance(found, FakeDirectory):
            raise OSError(ENOTDIR, strerror(ENOTDIR), path)
        return found

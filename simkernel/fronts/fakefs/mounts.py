"""What ``mount`` and ``umount`` do on the simulated host: directories cover others."""

from __future__ import annotations

import posixpath
from errno import EINVAL, ENOENT, ENOTDIR, EPERM
from os import strerror

from pyfakefs.fake_file import FakeDirectory
from pyfakefs.fake_filesystem import FakeFilesystem

from simkernel.fronts.fakefs.nodes import LiveDirectory, attach

__all__ = ["Mounts"]


class Mounts:
    """The mounts that programs made, on plain directories only.

    The kernel's own trees stay uncovered: calls on them do not go through pyfakefs.
    """

    def __init__(self, filesystem: FakeFilesystem) -> None:
        self._filesystem = filesystem
        self._covered: list[tuple[str, FakeDirectory, FakeDirectory]] = []
        """Mount point, its parent, and what was there; the last mount comes last."""

    def bind(self, source: str, target: str) -> None:
        """Let a directory appear at another one's place.

        :raises OSError: as the system call would.
        """
        self._cover(target, self._directory(source))

    def tmpfs(self, target: str) -> None:
        """Cover a directory with an empty one.

        :raises OSError: as the system call would.
        """
        name = posixpath.basename(target)
        self._cover(target, FakeDirectory(name, 0o1777, self._filesystem))

    def unmount(self, target: str) -> None:
        """Undo the last mount on a directory.

        :raises OSError: EINVAL, nothing is mounted there.
        """
        target = self._filesystem.absnormpath(target)
        for at, (path, parent, below) in reversed(list(enumerate(self._covered))):
            if path == target:
                parent.entries[posixpath.basename(path)] = below
                del self._covered[at]
                return
        raise OSError(EINVAL, strerror(EINVAL), target)

    def _cover(self, target: str, above: FakeDirectory) -> None:
        target = self._filesystem.absnormpath(target)
        below = self._directory(target)
        parent = self._directory(posixpath.dirname(target))
        if isinstance(below, LiveDirectory) or below is parent:
            raise OSError(EPERM, strerror(EPERM), target)
        if above.parent_dir is None:
            attach(above, parent)
        parent.entries[posixpath.basename(target)] = above
        self._covered.append((target, parent, below))

    def _directory(self, path: str) -> FakeDirectory:
        if not self._filesystem.exists(path):
            raise OSError(ENOENT, strerror(ENOENT), path)
        found = self._filesystem.resolve(path)
        if not isinstance(found, FakeDirectory):
            raise OSError(ENOTDIR, strerror(ENOTDIR), path)
        return found

"""Mount points, also where the machine has no directory.

It never creates anything on the machine's own file systems.
"""

from __future__ import annotations

import os
import stat
from errno import EBUSY

from simkernel.fronts.fuse.inside import syscalls

__all__ = ["STAGE", "MountPoints"]

STAGE = "/run/simkernel"
"""Where mounts are prepared before they move to their mount points."""

_PLAIN = syscalls.NO_SETUID | syscalls.NO_DEVICES


class MountPoints:
    """Directories and files in private file systems."""

    def __init__(self) -> None:
        self._private: set[int] = set()
        """Device numbers of the file systems mounted by this object."""

    def cover(self, path: str, mode: int = 0o755) -> None:
        """Mount an empty private directory on a path.

        Makes the mount point if it does not exist.

        :raises OSError: as the system call that failed.
        """
        self.make_directory(path)
        syscalls.mount("simkernel", path, "tmpfs", _PLAIN, f"mode={mode:o}")
        self._private.add(os.stat(path).st_dev)

    def make_directory(self, path: str) -> None:
        """Make a directory, if it does not exist.

        :raises OSError: as the system call that failed.
        """
        path = os.path.realpath(path)
        if os.path.isdir(path):
            return
        parent = os.path.dirname(path)
        self.make_directory(parent)
        if os.stat(parent).st_dev not in self._private:
            self._recreate(parent)
        os.mkdir(path, 0o755)

    def overlay(self, source: str, path: str) -> None:
        """Mount a directory, and keep writes to it from the disk.

        :raises OSError: the kernel does not allow it; nothing has changed.

        Source: Documentation/filesystems/overlayfs.rst; in a user namespace since
        Linux kernel commit 459c7c565ac3 ("ovl: unprivieged mounts") (in v5.11).
        """
        stage = f"{STAGE}/overlay"
        self.cover(stage)
        try:
            os.mkdir(f"{stage}/upper")
            os.mkdir(f"{stage}/work")
            options = f"lowerdir={source},upperdir={stage}/upper,workdir={stage}/work"
            syscalls.mount("simkernel", path, "overlay", 0, f"{options},userxattr")
            self._private.add(os.stat(path).st_dev)
        finally:
            syscalls.unmount(stage)

    def write_file(self, path: str, data: bytes) -> None:
        """Create a file, or replace the machine's file at that path.

        :raises OSError: as the system call that failed.
        """
        folder = os.path.realpath(os.path.dirname(path))
        self.make_directory(folder)
        if os.stat(folder).st_dev not in self._private:
            try:
                self.overlay(folder, folder)
            except OSError:
                self._recreate(folder)
        path = f"{folder}/{os.path.basename(path)}"
        try:
            os.unlink(path)
        except FileNotFoundError:
            pass
        except OSError as error:
            if error.errno != EBUSY:
                raise
            syscalls.unmount(path)  # bound by _bind_again()
            os.unlink(path)
        with open(path, "xb") as file:
            file.write(data)

    def _recreate(self, path: str) -> None:
        """Cover a directory with a private one that binds its entries."""
        stage = f"{STAGE}/recreated"
        self.cover(stage, stat.S_IMODE(os.stat(path).st_mode))
        with os.scandir(path) as entries:
            for entry in entries:
                _bind_again(entry, f"{stage}/{entry.name}")
        syscalls.move(stage, path)


def _bind_again(entry: os.DirEntry[str], target: str) -> None:
    if entry.is_symlink():
        os.symlink(os.readlink(entry.path), target)
        return
    if entry.is_dir():
        os.mkdir(target)
    else:
        os.close(os.open(target, os.O_CREAT | os.O_CLOEXEC, 0o600))
    syscalls.bind(entry.path, target, syscalls.RECURSIVE)

"""Room for mounts: directories that are private, or that the machine does not have.

Nothing is ever created on the machine's own file systems.
"""

from __future__ import annotations

import os
import stat
from errno import EBUSY

from simkernel.fronts.fuse.inside import syscalls

__all__ = ["STAGE", "Room"]

STAGE = "/run/simkernel"
"""Where file systems are put together before they get to their places."""

_PLAIN = syscalls.NO_SETUID | syscalls.NO_DEVICES


class Room:
    """What has been made private so far."""

    def __init__(self) -> None:
        self._private: set[int] = set()
        """Device numbers of file systems that were mounted here."""

    def cover(self, path: str, mode: int = 0o755) -> None:
        """Have an empty directory at a path, which is made if it is not there.

        :raises OSError: as the system call that failed.
        """
        self.make(path)
        syscalls.mount("simkernel", path, "tmpfs", _PLAIN, f"mode={mode:o}")
        self._private.add(os.stat(path).st_dev)

    def make(self, path: str) -> None:
        """Have a directory at a path.

        :raises OSError: as the system call that failed.
        """
        path = os.path.realpath(path)
        if os.path.isdir(path):
            return
        parent = os.path.dirname(path)
        self.make(parent)
        if os.stat(parent).st_dev not in self._private:
            self._rebuild(parent)
        os.mkdir(path, 0o755)

    def keep_writes(self, source: str, path: str) -> None:
        """Show a directory at a path, and keep what is written there from the disk.

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

    def write(self, path: str, data: bytes) -> None:
        """Have a file at a path, whatever the machine has there.

        :raises OSError: as the system call that failed.
        """
        folder = os.path.realpath(os.path.dirname(path))
        self.make(folder)
        if os.stat(folder).st_dev not in self._private:
            try:
                self.keep_writes(folder, folder)
            except OSError:
                self._rebuild(folder)
        path = f"{folder}/{os.path.basename(path)}"
        try:
            os.unlink(path)
        except FileNotFoundError:
            pass
        except OSError as problem:
            if problem.errno != EBUSY:
                raise
            syscalls.unmount(path)  # a file of the machine's, shown again
            os.unlink(path)
        with open(path, "xb") as file:
            file.write(data)

    def _rebuild(self, path: str) -> None:
        """Put a new directory in a directory's place, with all its entries in it."""
        stage = f"{STAGE}/rebuilt"
        self.cover(stage, stat.S_IMODE(os.stat(path).st_mode))
        with os.scandir(path) as entries:
            for entry in entries:
                _show_again(entry, f"{stage}/{entry.name}")
        syscalls.move(stage, path)


def _show_again(entry: os.DirEntry[str], target: str) -> None:
    if entry.is_symlink():
        os.symlink(os.readlink(entry.path), target)
        return
    if entry.is_dir():
        os.mkdir(target)
    else:
        os.close(os.open(target, os.O_CREAT | os.O_CLOEXEC, 0o600))
    syscalls.bind(entry.path, target, syscalls.RECURSIVE)

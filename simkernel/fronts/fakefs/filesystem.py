"""Build the simulated host's file system in pyfakefs."""

from __future__ import annotations

import posixpath
import tempfile
from collections.abc import Iterable

from pyfakefs.fake_file import FakeDirectoryFromRealDirectory
from pyfakefs.fake_filesystem import FakeFilesystem
from pyfakefs.fake_open import FakeFileOpen

from simkernel.filesystems.tree import Tree
from simkernel.fronts.fakefs.nodes import live
from simkernel.host.host import Host

__all__ = ["HostFiles", "add_real_folders", "populate"]

_TOOLS = ("modprobe", "insmod", "rmmod", "lsmod", "modinfo", "depmod")


def populate(filesystem: FakeFilesystem, host: Host) -> dict[str, Tree]:
    """Create a host's live and plain files.

    Files in the kernel's trees are live.

    :return: the kernel's trees by the first name of their paths.
    """
    trees = host.trees()
    for name, tree in trees.items():
        _mount(filesystem, name, tree)
    for path in ("/etc/modprobe.d", "/run", "/usr/sbin"):
        filesystem.create_dir(path)
    _write_modules(filesystem, host)
    for path, data in host.plain_files():
        filesystem.create_file(path, contents=data)
    for tool in _TOOLS:
        filesystem.create_file(f"/usr/sbin/{tool}", st_mode=0o100755, contents=b"")
    return trees


def _mount(filesystem: FakeFilesystem, name: str, tree: Tree) -> None:
    root = filesystem.root_dir
    root.entries[name] = live(name, tree.root, tree, root)


def _write_modules(filesystem: FakeFilesystem, host: Host) -> None:
    """Write ``/lib/modules/<release>``."""
    folder = f"/lib/modules/{host.kernel.release}"
    if host.modules_dir:
        filesystem.add_real_directory(
            host.modules_dir, read_only=False, target_path=folder
        )
    else:
        filesystem.create_dir(folder)
    for path, data in host.module_files():
        filesystem.create_file(path, contents=data)


def add_real_folders(filesystem: FakeFilesystem, folders: Iterable[str]) -> None:
    """Make real directories readable.

    Writes to them stay in pyfakefs. Directories of an earlier call are read again from
    the disk.

    :param folders: absolute paths of existing directories; those that the simulated
        host has itself are left out.
    """
    added: list[str] = []
    for folder in sorted(set(folders), key=len):
        if any(folder.startswith(f"{above}/") for above in added):
            continue
        if filesystem.exists(folder) and _is_replaceable(filesystem, folder):
            # remove_object() would first read the whole directory from the disk.
            above, name = posixpath.split(folder)
            del filesystem.resolve(above).entries[name]
        if not filesystem.exists(folder):
            filesystem.add_real_directory(folder, read_only=False)
            added.append(folder)


def _is_replaceable(filesystem: FakeFilesystem, folder: str) -> bool:
    """Tell whether a directory is real or made by pyfakefs."""
    if folder == tempfile.gettempdir() and not filesystem.listdir(folder):
        return True
    return isinstance(filesystem.resolve(folder), FakeDirectoryFromRealDirectory)


class HostFiles:
    """The simulated file system, for simulated commands."""

    def __init__(self, filesystem: FakeFilesystem) -> None:
        self._filesystem = filesystem

    def read(self, path: str) -> bytes:
        """Return the content of a file.

        :raises OSError: as the system call would.
        """
        with FakeFileOpen(self._filesystem)(path, "rb") as stream:
            data: bytes = stream.read()
        return data

    def listdir(self, path: str) -> list[str]:
        """Return the names in a directory.

        :raises OSError: as the system call would.
        """
        return list(self._filesystem.listdir(path))

    def exists(self, path: str) -> bool:
        """Tell whether a path exists."""
        return bool(self._filesystem.exists(path))

    def is_directory(self, path: str) -> bool:
        """Tell whether a path is a directory, after following links."""
        return bool(self._filesystem.isdir(path))

    def is_link(self, path: str) -> bool:
        """Tell whether a path is a symbolic link."""
        return bool(self._filesystem.islink(path))

    def write(self, path: str, content: bytes) -> None:
        """Create or replace a file.

        :raises OSError: as the system call would.
        """
        with FakeFileOpen(self._filesystem)(path, "wb") as stream:
            stream.write(content)

    def make_directory(self, path: str) -> None:
        """Create a directory.

        :raises OSError: as the system call would.
        """
        self._filesystem.makedir(path)

    def remove(self, path: str, *, recursive: bool = False) -> None:
        """Remove a file, or a directory and its content.

        :raises OSError: as the system call would.
        """
        if recursive and self.is_directory(path) and not self.is_link(path):
            self._filesystem.remove_object(path)
        else:
            self._filesystem.remove(path)

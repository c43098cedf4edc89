"""The simulated host's file system, put together in pyfakefs."""

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

__all__ = ["HostFiles", "populate", "show_real"]

_TOOLS = ("modprobe", "insmod", "rmmod", "lsmod", "modinfo", "depmod")


def populate(filesystem: FakeFilesystem, host: Host) -> dict[str, Tree]:
    """Lay out a host's files: what the kernel makes is live, the rest plain.

    :return: the live trees by the first name of their paths.
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
    place = f"/lib/modules/{host.kernel.release}"
    if host.modules_dir:
        filesystem.add_real_directory(
            host.modules_dir, read_only=False, target_path=place
        )
    else:
        filesystem.create_dir(place)
    for path, data in host.module_files():
        filesystem.create_file(path, contents=data)


def show_real(filesystem: FakeFilesystem, folders: Iterable[str]) -> None:
    """Let the program read real directories; what it writes there stays in the fake.

    Those that were shown before are shown anew, as they are now.

    :param folders: absolute paths of directories that exist; one that is there in the
        simulated host already is left out.
    """
    shown: list[str] = []
    for folder in sorted(set(folders), key=len):
        if any(folder.startswith(f"{above}/") for above in shown):
            continue
        if filesystem.exists(folder) and _is_replaceable(filesystem, folder):
            # remove_object() would read all that lies below from the disk first.
            above, name = posixpath.split(folder)
            del filesystem.resolve(above).entries[name]
        if not filesystem.exists(folder):
            filesystem.add_real_directory(folder, read_only=False)
            shown.append(folder)


def _is_replaceable(filesystem: FakeFilesystem, folder: str) -> bool:
    """Tell whether a directory is a real one, or one that pyfakefs made by itself."""
    if folder == tempfile.gettempdir() and not filesystem.listdir(folder):
        return True
    return isinstance(filesystem.resolve(folder), FakeDirectoryFromRealDirectory)


class HostFiles:
    """The simulated file system as the commands see it that are no Python."""

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
        """Tell whether a path leads to something."""
        return bool(self._filesystem.exists(path))

    def is_directory(self, path: str) -> bool:
        """Tell whether a path leads to a directory."""
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
        """Remove a file, and a directory with all that is in it if that is wanted.

        :raises OSError: as the system call would.
        """
        if recursive and self.is_directory(path) and not self.is_link(path):
            self._filesystem.remove_object(path)
        else:
            self._filesystem.remove(path)

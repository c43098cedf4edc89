"""Read the files of a host."""

from __future__ import annotations

import os
from collections.abc import Iterator

__all__ = ["HostReader"]


class HostReader:
    """Files and links below a root.

    An unreadable file counts as missing: some files are readable only by root, and a
    copied host has only the files that were copied.

    :param root: ``""`` for the running host, else a directory that holds its copy.
    """

    def __init__(self, root: str = "") -> None:
        self._root = root.rstrip("/")

    def text(self, path: str) -> str:
        """Return a file's text; empty: no such file."""
        data = self.data(path)
        return "" if data is None else data.decode("utf-8", "replace").rstrip("\n")

    def data(self, path: str) -> bytes | None:
        """Return a file's content; None: no such file."""
        try:
            with open(f"{self._root}{path}", "rb") as file:
                return file.read()
        except OSError:
            return None

    def lines(self, path: str) -> Iterator[str]:
        """Yield the lines of a file."""
        yield from self.text(path).splitlines()

    def names(self, path: str) -> list[str]:
        """Return the names in a directory; empty: no directory."""
        try:
            return sorted(os.listdir(f"{self._root}{path}"))
        except OSError:
            return []

    def link_name(self, path: str) -> str:
        """Return the base name of a link's target; empty: no link."""
        try:
            return os.path.basename(os.readlink(f"{self._root}{path}"))
        except OSError:
            return ""

    def above(self, path: str) -> str:
        """Return the name of the directory of a link's target."""
        real = os.path.realpath(f"{self._root}{path}")
        return os.path.basename(os.path.dirname(real))

    def is_there(self, path: str) -> bool:
        """Tell whether a path exists."""
        return os.path.exists(f"{self._root}{path}")

    def mode(self, path: str) -> int:
        """Return the permission bits of a file; 0: no such file."""
        try:
            return os.stat(f"{self._root}{path}").st_mode & 0o777
        except OSError:
            return 0

    def release(self) -> str:
        """Return the kernel's release; empty: unknown."""
        if not self._root:
            return os.uname().release
        return self.text("/proc/sys/kernel/osrelease")

    def name(self) -> str:
        """Return the host's name, which is a secret."""
        return self.text("/etc/hostname").strip() or (
            "" if self._root else os.uname().nodename
        )

"""Read files, directories and links."""

from __future__ import annotations

import errno
import os

__all__ = ["ABSENT", "Files", "read_once", "text_of"]

_CHUNK_BYTES = 1 << 20
_SMALL_BYTES = 65_536
ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.ENODEV)
"""errnos of a missing file. ENODEV: its device went away after the open."""


def text_of(data: bytes) -> str:
    """Return the text of an attribute without its newline.

    Invalid UTF-8 becomes lone surrogates, which writing reverses.
    """
    return data.decode("utf-8", "surrogateescape").removesuffix("\n")


def read_once(path: str) -> bytes:
    """Return the content of a small file, from one read.

    :raises OSError: the error of the system call.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, _SMALL_BYTES)
    finally:
        os.close(descriptor)


class Files:
    """Read access to the files of a host.

    :param root: directory that links cannot leave; empty for no limit, as on the
        running host.
    """

    def __init__(self, root: str = "") -> None:
        self._root = root

    def read(self, path: str) -> bytes:
        """Return the content of a file.

        :raises OSError: the error of the system call.
        """
        self._require_inside(path)
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            chunks = []
            while chunk := os.read(descriptor, _CHUNK_BYTES):
                chunks.append(chunk)
        finally:
            os.close(descriptor)
        return b"".join(chunks)

    def read_if_there(self, path: str) -> bytes | None:
        """Return the content of a file; ``None`` if it does not exist.

        :raises OSError: the file exists but cannot be read.
        """
        try:
            return self.read(path)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def attribute(self, path: str) -> str | None:
        """Return the text of a sysfs attribute without its newline.

        ``None`` if the attribute or its device does not exist. The kernel returns an
        attribute in one read, of at most a page.

        Source: Linux, Documentation/filesystems/sysfs.rst.
        """
        try:
            self._require_inside(path)
            return text_of(read_once(path))
        except OSError as problem:
            if problem.errno in ABSENT:
                return None
            raise

    def names(self, directory: str) -> list[str]:
        """Return the sorted names in a directory; none if it does not exist."""
        try:
            self._require_inside(directory)
            return sorted(os.listdir(directory))
        except (FileNotFoundError, NotADirectoryError):
            return []

    def directories(self, directory: str) -> list[str]:
        """Return the sorted names of the subdirectories, without links."""
        try:
            self._require_inside(directory)
            with os.scandir(directory) as entries:
                return sorted(
                    e.name for e in entries if e.is_dir(follow_symlinks=False)
                )
        except (FileNotFoundError, NotADirectoryError):
            return []

    def link_target(self, path: str) -> str | None:
        """Return the target of a link; ``None`` for anything else."""
        try:
            self._require_inside(path.rpartition("/")[0])
            return os.readlink(path)
        except OSError as problem:
            if problem.errno in (errno.ENOENT, errno.ENOTDIR, errno.EINVAL):
                return None
            raise

    def link_name(self, path: str) -> str | None:
        """Return the last component of a link's target, if any."""
        target = self.link_target(path)
        return None if target is None else target.rstrip("/").rpartition("/")[2]

    def followed(self, path: str) -> str:
        """Return the absolute target of a link; else the path."""
        target = self.link_target(path)
        if target is None:
            return path
        return os.path.normpath(os.path.join(os.path.dirname(path), target))

    def is_there(self, path: str) -> bool:
        """Return whether a path exists."""
        try:
            self._require_inside(path)
        except FileNotFoundError:
            return False
        return os.path.exists(path)

    def real_path(self, path: str) -> str:
        """Return a path with all links resolved."""
        return os.path.realpath(path)

    # A link of a captured host may lead out of it, to files of another host.
    def _require_inside(self, path: str) -> None:
        if not self._root or "\0" in path:
            return
        real = os.path.realpath(path)
        if real != self._root and not real.startswith(f"{self._root}/"):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)

"""Reading of files, directories and links."""

from __future__ import annotations

import errno
import os

__all__ = ["ABSENT", "Files", "read_once", "text_of"]

_CHUNK_BYTES = 1 << 20
_SMALL_BYTES = 65_536
ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.ENODEV)
"""errnos of what is not there; ENODEV: no longer, since it was opened."""


def text_of(data: bytes) -> str:
    """Return the text of an attribute without its newline.

    Bytes that are no UTF-8 become lone surrogates, and writing turns them back.
    """
    return data.decode("utf-8", "surrogateescape").removesuffix("\n")


def read_once(path: str) -> bytes:
    """Return what one read of a small file gives.

    :raises OSError: as the kernel says.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, _SMALL_BYTES)
    finally:
        os.close(descriptor)


class Files:
    """What can be read of a host.

    :param root: directory that no link leads out of; empty: links are followed
        wherever they lead, as on the running host.
    """

    def __init__(self, root: str = "") -> None:
        self._root = root

    def read(self, path: str) -> bytes:
        """Return all that a file holds.

        :raises OSError: as the kernel says.
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
        """Return all that a file holds; ``None`` if there is no such file.

        :raises OSError: it is there and cannot be read.
        """
        try:
            return self.read(path)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def attribute(self, path: str) -> str | None:
        """Return the text of a sysfs attribute without its newline.

        ``None`` if there is no such attribute, or no device any more. The kernel hands
        an attribute over in one piece, which is at most a page.

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
        """Return the sorted names in a directory; none if it is not there."""
        try:
            self._require_inside(directory)
            return sorted(os.listdir(directory))
        except (FileNotFoundError, NotADirectoryError):
            return []

    def directories(self, directory: str) -> list[str]:
        """Return the sorted names of the directories in one, links left out."""
        try:
            self._require_inside(directory)
            with os.scandir(directory) as entries:
                return sorted(
                    e.name for e in entries if e.is_dir(follow_symlinks=False)
                )
        except (FileNotFoundError, NotADirectoryError):
            return []

    def link_target(self, path: str) -> str | None:
        """Return the text of a link; ``None`` without link."""
        try:
            self._require_inside(path.rpartition("/")[0])
            return os.readlink(path)
        except OSError as problem:
            if problem.errno in (errno.ENOENT, errno.ENOTDIR, errno.EINVAL):
                return None
            raise

    def link_name(self, path: str) -> str | None:
        """Return the last component of where a link points; ``None`` without link."""
        target = self.link_target(path)
        return None if target is None else target.rstrip("/").rpartition("/")[2]

    def followed(self, path: str) -> str:
        """Return where a link leads, which may be a link; else the path itself."""
        target = self.link_target(path)
        if target is None:
            return path
        return os.path.normpath(os.path.join(os.path.dirname(path), target))

    def is_there(self, path: str) -> bool:
        """Return whether there is anything of that name."""
        try:
            self._require_inside(path)
        except FileNotFoundError:
            return False
        return os.path.exists(path)

    def real_path(self, path: str) -> str:
        """Return a path with every link followed."""
        return os.path.realpath(path)

    # A captured host may have any link in it; what lies elsewhere is not of it.
    def _require_inside(self, path: str) -> None:
        if not self._root or "\0" in path:
            return
        real = os.path.realpath(path)
        if real != self._root and not real.startswith(f"{self._root}/"):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)

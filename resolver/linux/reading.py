"""Read files, directories and links."""

from __future__ import annotations

import errno
import os

from resolver.linux.captured_paths import CapturedPaths

__all__ = ["ABSENT", "Files", "read_once", "read_whole", "text_of"]

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


def read_whole(descriptor: int) -> bytes:
    """Return the content of an open file, from its position to its end.

    :raises OSError: the error of the system call.
    """
    chunks = []
    while chunk := os.read(descriptor, _CHUNK_BYTES):
        chunks.append(chunk)
    return b"".join(chunks)


class Files:
    """Reads of a host's files.

    :param root: directory of a captured host. Links stay inside it: an absolute link
        starts there. A copy without symbolic links, as from a zip archive, may have
        their text in regular files. Empty: the running host.
    """

    def __init__(self, root: str = "") -> None:
        self._root = root
        self._captured = CapturedPaths(root) if root else None

    def read(self, path: str) -> bytes:
        """Return the whole content of a file.

        :raises OSError: the file cannot be read.
        """
        descriptor = os.open(self._inside(path), os.O_RDONLY | os.O_CLOEXEC)
        try:
            return read_whole(descriptor)
        finally:
            os.close(descriptor)

    def read_if_there(self, path: str) -> bytes | None:
        """Return the whole content of a file; ``None`` if there is no such file.

        :raises OSError: the file exists and cannot be read.
        """
        try:
            return self.read(path)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def text(self, path: str) -> str:
        """Return the text of a file; empty if it is missing or cannot be read."""
        try:
            return self.read(path).decode("utf-8", "surrogateescape")
        except OSError:
            return ""

    def attribute(self, path: str) -> str | None:
        """Return the text of a sysfs attribute without its newline.

        ``None`` if the attribute or the device is missing. The kernel returns an
        attribute in one read, of at most a page.

        Source: Linux, Documentation/filesystems/sysfs.rst.
        """
        try:
            return text_of(read_once(self._inside(path)))
        except OSError as problem:
            if problem.errno in ABSENT:
                return None
            raise

    def names(self, directory: str) -> list[str]:
        """Return the sorted names in a directory; none if it is missing."""
        try:
            return sorted(os.listdir(self._inside(directory)))
        except (FileNotFoundError, NotADirectoryError):
            return []

    def is_readable(self, directory: str) -> bool:
        """Return whether a directory can be listed; a missing one counts as listed."""
        try:
            os.listdir(self._inside(directory))
        except PermissionError:
            return False
        except OSError:
            return True
        return True

    def directories(self, directory: str) -> list[str]:
        """Return the sorted names of the subdirectories, without links."""
        try:
            with os.scandir(self._inside(directory)) as entries:
                return sorted(
                    e.name for e in entries if e.is_dir(follow_symlinks=False)
                )
        except (FileNotFoundError, NotADirectoryError):
            return []

    def link_target(self, path: str) -> str | None:
        """Return the text of a link; ``None`` if it is missing or no link."""
        try:
            if self._captured is not None and "\0" not in path:
                return self._captured.target(path)
            return os.readlink(path)
        except OSError as problem:
            if problem.errno in (errno.ENOENT, errno.ENOTDIR, errno.EINVAL):
                return None
            raise

    def link_name(self, path: str) -> str | None:
        """Return the last component of a link's text; ``None`` without link."""
        target = self.link_target(path)
        return None if target is None else target.rstrip("/").rpartition("/")[2]

    def followed(self, path: str) -> str:
        """Return the absolute target of a link; else the path."""
        target = self.link_target(path)
        if target is None:
            return path
        if self._root and target.startswith("/"):
            target = self._root + target.removeprefix(self._root)
        return os.path.normpath(os.path.join(os.path.dirname(path), target))

    def is_there(self, path: str) -> bool:
        """Return whether a path exists."""
        try:
            return os.path.exists(self._inside(path))
        except FileNotFoundError:
            return False

    def is_directory(self, path: str) -> bool:
        """Return whether a path, or the target of a link, is a directory."""
        return self.is_there(path) and os.path.isdir(path)

    def real_path(self, path: str) -> str:
        """Return a path with every link followed."""
        if self._captured is None:
            return os.path.realpath(path)
        return self._captured.resolved(path, follow_last=True)

    def _inside(self, path: str) -> str:
        if self._captured is None or "\0" in path:
            return path
        return self._captured.resolved(path, follow_last=True)

"""Paths of a captured host, with links that stay inside its root."""

from __future__ import annotations

import errno
import os
import stat
from collections import deque

__all__ = ["CapturedPaths"]

_MOST_LINKS = 40
"""Source: Linux, include/linux/namei.h, MAXSYMLINKS."""
_LONGEST_LINK_BYTES = 4096


class CapturedPaths:
    """Resolves paths of a captured host. Nothing in it changes meanwhile.

    :param root: its directory, without links.
    """

    def __init__(self, root: str) -> None:
        self._root = root
        self._directories: dict[str, str] = {}

    def resolved(self, path: str, *, follow_last: bool) -> str:
        """Return the path of a file of this machine, without links.

        :param path: absolute, below the root.
        :raises FileNotFoundError: the path is outside of the root, or its links lead
            in a circle.
        """
        parent, _, name = path.rpartition("/")
        if path == self._root:
            return path
        if parent != self._root and not parent.startswith(f"{self._root}/"):
            raise _missing(path)
        if parent not in self._directories:
            self._directories[parent] = self._walk(self._root, parent)
        directory = self._directories[parent]
        if follow_last:
            return self._walk(directory, f"{self._root}/{name}")
        return f"{directory}/{name}"

    def target(self, path: str) -> str:
        """Return the text of a link, or of a regular file that stands for one.

        :raises OSError: there is no such link.
        """
        return _target(self.resolved(path, follow_last=False))

    def _walk(self, start: str, path: str) -> str:
        done, links = start, 0
        pending = deque(path[len(self._root) :].split("/"))
        while pending:
            part = pending.popleft()
            if part in ("", "."):
                continue
            if part == "..":
                done = done if done == self._root else os.path.dirname(done)
                continue
            here = f"{done}/{part}"
            try:
                target = _target(here, is_last=not any(pending))
            except OSError:
                done = here
                continue
            links += 1
            if links > _MOST_LINKS:
                raise _missing(path)
            if target.startswith("/"):
                done = self._root
                target = target.removeprefix(self._root)
            pending.extendleft(reversed(target.split("/")))
        return done


# The last part of a path may be a regular file; one in the middle must be a link.
def _target(path: str, *, is_last: bool = False) -> str:
    try:
        return os.readlink(path)
    except OSError as problem:
        if problem.errno != errno.EINVAL or is_last:
            raise
    found = os.lstat(path)
    if stat.S_ISREG(found.st_mode) and found.st_size <= _LONGEST_LINK_BYTES:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            text = file.read()
        if text.startswith(("../", "./", "/")) and "\n" not in text:
            return text
    raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), path)


def _missing(path: str) -> FileNotFoundError:
    return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)

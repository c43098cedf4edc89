"""What the kernel shows: the files below some folders as a mapping of path to text.

A directory is its path with ``/`` behind it and no text, a link ``-> target``, a device
node ``character device 0600``. A file is its permission bits and its text, ``0644 A``;
``0200`` if it cannot be read, ``0444 !EIO`` if it refuses to be.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Sequence
from errno import errorcode

__all__ = ["Observer"]

_READABLE = 0o444
_PAGE = 4096
"""Bytes that one read of an attribute gives at most."""
_PIECE = 65536


class Observer:
    """Looks at the same places again and again, and tells what changed.

    :param roots: absolute paths of folders or files; one that is not there is empty.
    :param skip: regular expressions; a path in which one is found is left out, with all
        below it. A directory's path ends in ``/``.
    """

    def __init__(self, roots: Sequence[str], skip: Sequence[str]) -> None:
        self._roots = roots
        self._skip = re.compile("|".join(f"(?:{one})" for one in skip) or r"(?!)")
        self.seen: dict[str, str] = {}

    def changes(self) -> dict[str, str | None]:
        """Return the paths whose text is new or other; None: no longer there."""
        now: dict[str, str] = {}
        for root in self._roots:
            self._look(root, now)
        before, self.seen = self.seen, now
        gone: dict[str, str | None] = dict.fromkeys(before.keys() - now.keys())
        return gone | {
            path: text for path, text in now.items() if before.get(path) != text
        }

    def _look(self, path: str, found: dict[str, str]) -> None:
        try:
            mode = os.lstat(path).st_mode
        except OSError:
            return
        if stat.S_ISDIR(mode):
            self._walk(path, found)
        elif not self._skip.search(path):
            found[path] = _shown(path, mode)

    def _walk(self, folder: str, found: dict[str, str]) -> None:
        if self._skip.search(f"{folder}/"):
            return
        found[f"{folder}/"] = ""
        try:
            names = os.listdir(folder)
        except OSError:  # it went away meanwhile
            return
        for name in names:
            self._look(f"{folder}/{name}", found)


def _shown(path: str, mode: int) -> str:
    if stat.S_ISLNK(mode):
        return _target(path)
    bits = f"{stat.S_IMODE(mode):04o}"
    if stat.S_ISCHR(mode):
        return f"character device {bits}"
    if not stat.S_ISREG(mode) or not mode & _READABLE:
        return bits
    try:
        return f"{bits} {_whole(path).decode('latin-1')}"
    except OSError as error:
        return f"{bits} !{_name(error)}"


def _whole(path: str) -> bytes:
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        data = os.read(file, _PIECE)
        if len(data) < _PAGE:
            return data
        while more := os.read(file, _PIECE):
            data += more
        return data
    finally:
        os.close(file)


def _target(path: str) -> str:
    try:
        return f"-> {os.readlink(path)}"
    except OSError as error:
        return f"!{_name(error)}"


def _name(error: OSError) -> str:
    return errorcode.get(error.errno or 0, str(error.errno))

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
    :param fixed: regular expressions for files whose text stays as it is while they
        are there; they are read once.
    """

    def __init__(
        self, roots: Sequence[str], skip: Sequence[str], fixed: Sequence[str] = ()
    ) -> None:
        self._roots = roots
        self._skip = _any_of(skip)
        self._fixed = _any_of(fixed)
        self._known: dict[str, _Entry] = {}
        self.seen: dict[str, str] = {}

    def changes(self) -> dict[str, str | None]:
        """Return the paths whose text is new or other; None: no longer there."""
        now: dict[str, str] = {}
        for root in self._roots:
            try:
                status = os.lstat(root)
            except OSError:
                continue
            self._look(root, stat.S_ISDIR(status.st_mode), status.st_ino, now)
        before, self.seen = self.seen, now
        gone: dict[str, str | None] = dict.fromkeys(before.keys() - now.keys())
        return gone | {
            path: text for path, text in now.items() if before.get(path) != text
        }

    def _look(self, path: str, is_folder: bool, inode: int, found: State) -> None:
        name = f"{path}/" if is_folder else path
        known = self._known.get(name)
        if known is None or known.inode != inode:
            known = self._known[name] = self._first_look(path, name, inode)
        if known.is_skipped:
            return
        found[name] = _shown(path, known.mode) if known.text is None else known.text
        if is_folder:
            self._walk(path, found)

    def _walk(self, folder: str, found: State) -> None:
        try:
            entries = list(os.scandir(folder))
        except OSError:  # it went away meanwhile
            return
        for one in entries:
            is_folder = one.is_dir(follow_symlinks=False)
            self._look(one.path, is_folder, one.inode(), found)

    def _first_look(self, path: str, name: str, inode: int) -> _Entry:
        """Return what does not change about a place while it is the same."""
        if self._skip.search(name):
            return _Entry(inode, is_skipped=True)
        if name.endswith("/"):
            return _Entry(inode, text="")
        try:
            mode = os.lstat(path).st_mode
        except OSError:  # it went away meanwhile
            return _Entry(0, is_skipped=True)
        is_text = stat.S_ISREG(mode) and mode & _READABLE
        if is_text and not self._fixed.search(path):
            return _Entry(inode, mode=mode)
        return _Entry(inode, text=_shown(path, mode))


State = dict[str, str]


class _Entry:
    """What is known of a place from the first look at it.

    :param inode: the place is the same while this is.
    :param text: what it shows, if that stays; None: it must be read.
    """

    __slots__ = ("inode", "is_skipped", "mode", "text")

    def __init__(
        self,
        inode: int,
        *,
        mode: int = 0,
        text: str | None = None,
        is_skipped: bool = False,
    ) -> None:
        self.inode = inode
        self.mode = mode
        self.text = text
        self.is_skipped = is_skipped


def _any_of(patterns: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{one})" for one in patterns) or r"(?!)")


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

"""What the kernel shows: the files below some folders as a mapping of path to text.

A directory is its path with ``/`` behind it and no text, a link ``-> target``, a device
node ``character device 0600``. A file is its permission bits and its text, ``0644 A``;
``0200`` if it cannot be read, ``0444 !EIO`` if it refuses to be.

Everything is looked at again after each operation, so what was opened once stays open.
A directory is listed anew only if its time of change is another. sysfs keeps that time
for directories whose attributes were set once.

Source: fs/kernfs/dir.c, kernfs_add_one and __kernfs_remove; kernfs_iop_setattr.
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
        self._roots: dict[str, _Place | None] = dict.fromkeys(roots)
        self._skip = _any_of(skip)
        self._fixed = _any_of(fixed)
        self._told: dict[str, str | None] = {}

    def close(self) -> None:
        """Let go of all that is open."""
        for place in self._roots.values():
            self._forget(place)
        self._roots.clear()

    def changes(self) -> dict[str, str | None]:
        """Return the paths whose text is new or other; None: no longer there."""
        self._told = {}
        for path, place in self._roots.items():
            try:
                status = os.lstat(path)
            except OSError:
                self._forget(place)
                self._roots[path] = None
                continue
            if place is None or place.inode != status.st_ino:
                self._forget(place)
                is_folder = stat.S_ISDIR(status.st_mode)
                self._roots[path] = self._meet(path, is_folder, status.st_ino)
            else:
                self._look(place)
        return self._told

    def _look(self, place: _Place) -> None:
        """Look at a place again."""
        if isinstance(place, _File):
            self._read(place)
        elif isinstance(place, _Folder):
            changed = os.fstat(place.descriptor).st_mtime_ns
            if changed != place.changed:
                place.changed = changed
                self._list(place)
            for one in place.lasting:
                self._look(one)

    def _read(self, file: _File) -> None:
        text = file.text()
        if text != file.last:
            file.last = self._told[file.path] = text

    def _list(self, folder: _Folder) -> None:
        """Bring what is known of a folder to what is in it."""
        try:
            entries = {one.name: one for one in os.scandir(folder.path)}
        except OSError:  # it went away meanwhile
            entries = {}
        for name, place in list(folder.places.items()):
            entry = entries.get(name)
            if entry is None or entry.inode() != place.inode:
                self._forget(folder.places.pop(name))
        for name, one in entries.items():
            if name not in folder.places:
                is_folder = one.is_dir(follow_symlinks=False)
                folder.places[name] = self._meet(one.path, is_folder, one.inode())
        folder.keep_lasting()

    def _forget(self, place: _Place | None) -> None:
        """Tell that a place is gone, with all that was in it."""
        if place is None:
            return
        if place.name:
            self._told[place.name] = None
        if isinstance(place, _Folder):
            for one in place.places.values():
                self._forget(one)
        place.close()

    def _meet(self, path: str, is_folder: bool, inode: int) -> _Place:
        """Look at a place for the first time."""
        name = f"{path}/" if is_folder else path
        if self._skip.search(name):
            return _Place("", inode)
        if is_folder:
            return self._enter(path, inode)
        try:
            mode = os.lstat(path).st_mode
        except OSError:  # it went away meanwhile
            return _Place("", inode)
        if stat.S_ISREG(mode) and mode & _READABLE:
            file = _File(path, inode, f"{stat.S_IMODE(mode):04o}")
            file.last = self._told[path] = file.text()
            if not self._fixed.search(path):
                return file
            file.close()
        else:
            self._told[path] = _without_text(path, mode)
        return _Place(path, inode)

    def _enter(self, path: str, inode: int) -> _Place:
        """Look at a folder for the first time, and at all that is in it."""
        try:
            folder = _Folder(path, inode)
        except OSError:  # it went away meanwhile
            return _Place("", inode)
        self._told[folder.name] = ""
        self._list(folder)
        return folder


class _Place:
    """What stays as it is while it has the same inode.

    :param name: its path in the answers; empty: it is left out of them.
    """

    def __init__(self, name: str, inode: int) -> None:
        self.name = name
        self.inode = inode

    def close(self) -> None:
        """Let go of what is open."""


class _File(_Place):
    """A file whose text may be another each time."""

    def __init__(self, path: str, inode: int, bits: str) -> None:
        super().__init__(path, inode)
        self.path = path
        self.last = ""
        self._bits = bits
        self._descriptor = -1

    def text(self) -> str:
        """Return permission bits and text."""
        try:
            if self._descriptor < 0:
                self._descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
            return f"{self._bits} {self._whole().decode('latin-1')}"
        except OSError as error:
            return f"{self._bits} !{_name(error)}"

    def _whole(self) -> bytes:
        data = os.pread(self._descriptor, _PIECE, 0)
        if len(data) < _PAGE:
            return data
        while more := os.pread(self._descriptor, _PIECE, len(data)):
            data += more
        return data

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class _Folder(_Place):
    """A directory, open, with the places in it.

    :raises OSError: it is not there any more.
    """

    def __init__(self, path: str, inode: int) -> None:
        super().__init__(f"{path}/", inode)
        self.path = path
        self.places: dict[str, _Place] = {}
        self.lasting: list[_Place] = []
        """Those of them that are looked at again."""
        self.descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        os.utime(self.descriptor)
        self.changed = os.fstat(self.descriptor).st_mtime_ns

    def keep_lasting(self) -> None:
        """Note which places are to be looked at again."""
        self.lasting = [
            one for one in self.places.values() if isinstance(one, _File | _Folder)
        ]

    def close(self) -> None:
        os.close(self.descriptor)


def _any_of(patterns: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{one})" for one in patterns) or r"(?!)")


def _without_text(path: str, mode: int) -> str:
    """Return what is said of a place that is no file to be read."""
    if stat.S_ISLNK(mode):
        try:
            return f"-> {os.readlink(path)}"
        except OSError as error:
            return f"!{_name(error)}"
    bits = f"{stat.S_IMODE(mode):04o}"
    return f"character device {bits}" if stat.S_ISCHR(mode) else bits


def _name(error: OSError) -> str:
    return errorcode.get(error.errno or 0, str(error.errno))

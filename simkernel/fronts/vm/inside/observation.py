"""Observes kernel files: maps each path below some roots to its content.

A directory's path ends in ``/`` and its text is empty. A link is ``-> target``, a
device node ``character device 0600``. A file is its permission bits and its text,
``0644 A``; ``0200`` if it is not readable, ``0444 !EIO`` if reading fails.

Every operation is followed by another look, so files stay open. A directory is
listed again only if its modification time has changed. sysfs keeps that time only
for directories on which it was set once, see ``os.utime`` below.

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
"""Maximum number of bytes per read of an attribute."""
_PIECE = 65536


class Observer:
    """Observes the same paths repeatedly, and returns the changes.

    :param roots: absolute paths of folders or files; missing ones count as empty.
    :param skip: regular expressions; matching paths are left out, with all below
        them. A directory's path ends in ``/``.
    :param fixed: regular expressions for files whose text never changes; they are
        read once.
    """

    def __init__(
        self, roots: Sequence[str], skip: Sequence[str], fixed: Sequence[str] = ()
    ) -> None:
        self._roots: dict[str, _Entry | None] = dict.fromkeys(roots)
        self._skip = _any_of(skip)
        self._fixed = _any_of(fixed)
        self._changes: dict[str, str | None] = {}

    def close(self) -> None:
        """Close all open files."""
        for entry in self._roots.values():
            self._remove(entry)
        self._roots.clear()

    def changes(self) -> dict[str, str | None]:
        """Return the paths with new or changed text; None: the path is gone."""
        self._changes = {}
        for path, entry in self._roots.items():
            try:
                status = os.lstat(path)
            except OSError:
                self._remove(entry)
                self._roots[path] = None
                continue
            if entry is None or entry.inode != status.st_ino:
                self._remove(entry)
                is_folder = stat.S_ISDIR(status.st_mode)
                self._roots[path] = self._add(path, is_folder, status.st_ino)
            else:
                self._refresh(entry)
        return self._changes

    def _refresh(self, entry: _Entry) -> None:
        """Look at an entry again."""
        if isinstance(entry, _File):
            self._read(entry)
        elif isinstance(entry, _Directory):
            changed = os.fstat(entry.descriptor).st_mtime_ns
            if changed != entry.changed:
                entry.changed = changed
                self._list(entry)
            for one in entry.changeable:
                self._refresh(one)

    def _read(self, file: _File) -> None:
        text = file.text()
        if text != file.last:
            file.last = self._changes[file.path] = text

    def _list(self, folder: _Directory) -> None:
        """Update the known entries of a folder."""
        try:
            found = {one.name: one for one in os.scandir(folder.path)}
        except OSError:  # removed in the meantime
            found = {}
        for name, entry in list(folder.entries.items()):
            there = found.get(name)
            if there is None or there.inode() != entry.inode:
                self._remove(folder.entries.pop(name))
        for name, one in found.items():
            if name not in folder.entries:
                is_folder = one.is_dir(follow_symlinks=False)
                folder.entries[name] = self._add(one.path, is_folder, one.inode())
        folder.update_changeable()

    def _remove(self, entry: _Entry | None) -> None:
        """Report an entry as gone, with all below it."""
        if entry is None:
            return
        if entry.name:
            self._changes[entry.name] = None
        if isinstance(entry, _Directory):
            for one in entry.entries.values():
                self._remove(one)
        entry.close()

    def _add(self, path: str, is_folder: bool, inode: int) -> _Entry:
        """Look at a path for the first time."""
        name = f"{path}/" if is_folder else path
        if self._skip.search(name):
            return _Entry("", inode)
        if is_folder:
            return self._add_directory(path, inode)
        try:
            mode = os.lstat(path).st_mode
        except OSError:  # removed in the meantime
            return _Entry("", inode)
        if stat.S_ISREG(mode) and mode & _READABLE:
            file = _File(path, inode, f"{stat.S_IMODE(mode):04o}")
            file.last = self._changes[path] = file.text()
            if not self._fixed.search(path):
                return file
            file.close()
        else:
            self._changes[path] = _without_text(path, mode)
        return _Entry(path, inode)

    def _add_directory(self, path: str, inode: int) -> _Entry:
        """Look at a folder and all below it for the first time."""
        try:
            folder = _Directory(path, inode)
        except OSError:  # removed in the meantime
            return _Entry("", inode)
        self._changes[folder.name] = ""
        self._list(folder)
        return folder


class _Entry:
    """An entry that never changes while its inode number stays the same.

    :param name: path in the result; empty: left out of the result.
    """

    def __init__(self, name: str, inode: int) -> None:
        self.name = name
        self.inode = inode

    def close(self) -> None:
        """Close open files."""


class _File(_Entry):
    """A file whose text may change."""

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
            return f"{self._bits} {self._content().decode('latin-1')}"
        except OSError as error:
            return f"{self._bits} !{_name(error)}"

    def _content(self) -> bytes:
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


class _Directory(_Entry):
    """An open directory with its entries.

    :raises OSError: the directory is gone.
    """

    def __init__(self, path: str, inode: int) -> None:
        super().__init__(f"{path}/", inode)
        self.path = path
        self.entries: dict[str, _Entry] = {}
        self.changeable: list[_Entry] = []
        """The entries that can change."""
        self.descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        os.utime(self.descriptor)
        self.changed = os.fstat(self.descriptor).st_mtime_ns

    def update_changeable(self) -> None:
        """Update the list of entries that can change."""
        self.changeable = [
            one for one in self.entries.values() if isinstance(one, _File | _Directory)
        ]

    def close(self) -> None:
        os.close(self.descriptor)


def _any_of(patterns: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{one})" for one in patterns) or r"(?!)")


def _without_text(path: str, mode: int) -> str:
    """Describe an entry that is not a readable file."""
    if stat.S_ISLNK(mode):
        try:
            return f"-> {os.readlink(path)}"
        except OSError as error:
            return f"!{_name(error)}"
    bits = f"{stat.S_IMODE(mode):04o}"
    return f"character device {bits}" if stat.S_ISCHR(mode) else bits


def _name(error: OSError) -> str:
    return errorcode.get(error.errno or 0, str(error.errno))

"""Open files of the kernel: CPython's io over a raw stream.

pyfakefs creates every open file through two class names in ``pyfakefs.fake_open``,
which this module replaces. They are private: pyfakefs is pinned, and a unit test fails
if they are renamed.
"""

from __future__ import annotations

import io
import os
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

from pyfakefs import fake_open
from pyfakefs.fake_filesystem import FakeFilesystem

from simkernel.errors import KernelRefusal
from simkernel.fronts.fakefs.nodes import LiveFile

__all__ = ["LiveRaw", "RawStream", "live_streams", "open_descriptor"]

T = TypeVar("T")


class _TableEntry(io.IOBase):
    """An object in pyfakefs's table of open files."""

    _filesystem: FakeFilesystem
    file_object: LiveFile
    _number: int | None = None
    _held_by_table = False
    delete_on_close = False
    allow_update = True

    @property
    def filedes(self) -> int | None:
        """Number in the table.

        The table references a stream strongly only if the program got the number alone.
        Otherwise the stream closes, and so flushes, when the program drops it.
        """
        return self._number

    @filedes.setter
    def filedes(self, number: int) -> None:
        self._number = number
        if not self._held_by_table:
            self._filesystem.open_files[number] = [weakref.proxy(self)]

    def get_object(self) -> LiveFile:
        """Return the open file."""
        return self.file_object

    def fileno(self) -> int:
        """Return the number in the table."""
        if self._number is None:
            raise io.UnsupportedOperation("fileno")
        return self._number

    def close_fd(self, fd: int | None) -> None:
        """Close through ``os.close``."""
        self.close()

    def close(self) -> None:
        """Close, and remove from the table."""
        number, self._number = self._number, None
        try:
            super().close()
        finally:
            if number is not None:
                self._filesystem.close_open_file(number)


def _as_system_error(call: Callable[..., T], *arguments: Any) -> T:
    """Raise a refusal as the ``OSError`` class of its errno.

    A program may catch ``FileNotFoundError`` or ``BlockingIOError``.
    """
    try:
        return call(*arguments)
    except KernelRefusal as refusal:
        raise OSError(refusal.errno, refusal.strerror) from refusal


class RawStream(io.RawIOBase):
    """An open attribute: a read shows it, each write stores once."""

    path = ""
    """Path given to ``open``; set while a trace is recorded."""

    def __init__(self, file: LiveFile, *, reads: bool, writes: bool) -> None:
        check = partial(file.tree.check_open, reads=reads, writes=writes)
        _as_system_error(check, file.attribute)
        self._process = os.getpid()
        self._attribute, self._tree = file.attribute, file.tree
        self._reads, self._writes = reads, writes
        self._text = b""
        self._position = 0

    def readable(self) -> bool:
        """Tell whether it is open for reading."""
        return self._reads

    def writable(self) -> bool:
        """Tell whether it is open for writing."""
        return self._writes

    def seekable(self) -> bool:
        """Return True, as for a regular file."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read; at position 0, show the attribute anew."""
        if not self._reads:
            raise io.UnsupportedOperation("not readable")
        if self._position == 0 or not self._text:
            self._text = _as_system_error(self._tree.read, self._attribute)
        part = self._text[self._position : self._position + len(buffer)]
        buffer[: len(part)] = part
        self._position += len(part)
        return len(part)

    def write(self, data: Any) -> int:
        """Store the data in one write.

        :raises RuntimeError: in a forked process, whose kernel is a copy.
        """
        if not self._writes:
            raise io.UnsupportedOperation("not writable")
        if os.getpid() != self._process:
            raise RuntimeError(
                "cannot write from a forked process: it has a copy of the simulated "
                "kernel"
            )
        return _as_system_error(self._tree.write, self._attribute, bytes(data))

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Set and return the position of the next read."""
        base = {
            io.SEEK_SET: 0,
            io.SEEK_CUR: self._position,
            io.SEEK_END: self._attribute.size,
        }[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        """Return the position of the next read."""
        return self._position


class LiveRaw(_TableEntry, RawStream):
    """An attribute opened by ``os.open`` or without buffering."""


class _LiveReader(_TableEntry, io.BufferedReader):
    pass


class _LiveWriter(_TableEntry, io.BufferedWriter):
    pass


class _LiveRandom(_TableEntry, io.BufferedRandom):
    pass


class _LiveText(_TableEntry, io.TextIOWrapper):
    pass


def open_descriptor(file: LiveFile, *, reads: bool, writes: bool) -> int:
    """Open a file as ``os.open`` does and return its number.

    :raises OSError: EACCES, the mode of the file does not allow it.
    """
    stream = LiveRaw(file, reads=reads, writes=writes)
    stream._filesystem, stream.file_object = file.filesystem, file
    stream._held_by_table = True
    number: int = file.filesystem.add_open_file(stream)
    stream.filedes = number
    return number


def _open_live(file: LiveFile, *, binary: bool, options: dict[str, Any]) -> Any:
    """Return the stream that ``open`` returns for a real file."""
    modes = options["open_modes"]
    reads, writes = modes.can_read, modes.can_write
    if options["raw_io"] or (binary and options["buffering"] == 0):
        return _set_file(LiveRaw(file, reads=reads, writes=writes), file, options)
    raw = RawStream(file, reads=reads, writes=writes)
    kinds: tuple[Any, Any] = (
        (_LiveRandom, io.BufferedRandom)
        if reads and writes
        else (_LiveWriter, io.BufferedWriter)
        if writes
        else (_LiveReader, io.BufferedReader)
    )
    if binary:
        return _set_file(kinds[0](raw), file, options)
    text = _LiveText(
        kinds[1](raw), options["encoding"], options["errors"], options["newline"]
    )
    return _set_file(text, file, options)


def _set_file(stream: Any, file: LiveFile, options: dict[str, Any]) -> Any:
    stream._filesystem, stream.file_object = options["filesystem"], file
    stream._held_by_table = options["raw_io"]
    return stream


def _closing_when_dropped(wrapper: Any) -> Any:
    """Return a class of open files that close when dropped.

    pyfakefs's table of open files references them strongly. Without this, buffered data
    would be written by an explicit ``close`` only.
    """

    def set_attribute(self: Any, name: str, value: Any) -> None:
        wrapper.__setattr__(self, name, value)
        if name == "filedes" and value is not None:
            self.filesystem.open_files[value] = [weakref.proxy(self)]

    return type(wrapper.__name__, (wrapper,), {"__setattr__": set_attribute})


@contextmanager
def live_streams() -> Iterator[None]:
    """Open live files as live streams while the block runs."""
    binary, text = fake_open.FakeBinaryFileWrapper, fake_open.FakeTextFileWrapper
    closing = {kind: _closing_when_dropped(kind) for kind in (binary, text)}

    def open_plain(kind: Any, file: Any, path: Any, options: dict[str, Any]) -> Any:
        by_number = options["raw_io"] or options["opened_as_fd"]
        return (kind if by_number else closing[kind])(file, path, **options)

    def open_binary(file: Any, path: Any, **options: Any) -> Any:
        if isinstance(file, LiveFile):
            return _open_live(file, binary=True, options=options)
        return open_plain(binary, file, path, options)

    def open_text(file: Any, path: Any, **options: Any) -> Any:
        if isinstance(file, LiveFile):
            return _open_live(file, binary=False, options=options)
        return open_plain(text, file, path, options)

    fake_open.FakeBinaryFileWrapper = open_binary
    fake_open.FakeTextFileWrapper = open_text
    try:
        yield
    finally:
        fake_open.FakeBinaryFileWrapper = binary
        fake_open.FakeTextFileWrapper = text

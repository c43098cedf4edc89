"""Read modules from files and directories, in several processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Final

from resolver.errors import FailedError
from resolver.lint import cache
from resolver.lint.elf import read_module, require_reader
from resolver.lint.module import Module, Unreadable
from resolver.lint.packing import LIMIT_BYTES, BadFile, unpack
from resolver.lint.texts import modules_of_text
from resolver.linux import Host
from resolver.linux.module_files import (
    FileStatus,
    cache_folder,
    find_modules,
    processors,
    read_within,
    real_path,
    write_whole,
)
from resolver.output.progress import with_module_bar

__all__ = ["read_directory", "read_file", "read_text"]

_AT_ONCE: Final = 16
"""Number of files that a process reads before it returns them."""
_TEXT_BYTES: Final = 64 << 20
_BINARY: Final = (b"\x7fELF", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"\x1f\x8b")

_Read = Module | Unreadable


def read_file(path: str) -> tuple[_Read, ...]:
    """Return the modules in a file: a module, or a text about modules.

    :raises FailedError: the library to read the file is not installed.
    :raises UsageError: the file is a text about something else.
    """
    try:
        data = read_within(path, LIMIT_BYTES)
    except OSError as problem:
        return (_refused(path, problem),)
    if ".ko" in path.rpartition("/")[2] or data.startswith(_BINARY):
        require_reader()
        return (_module(data, path),)
    return read_text(data, path)


def read_text(data: bytes, path: str) -> tuple[_Read, ...]:
    """Return the modules that a text describes.

    :raises UsageError: the text describes no module.
    """
    if len(data) > _TEXT_BYTES or b"\0" in data:
        return (Unreadable(path, "neither a module nor a text about modules"),)
    return modules_of_text(data, path)


def read_directory(
    host: Host, directory: str, *, is_cached: bool
) -> tuple[tuple[_Read, ...], str]:
    """Return the modules below a directory.

    :param is_cached: read and write the cache.
    :return: also why the cache could not be written; empty if it was not necessary.
    :raises FailedError: the library to read module files is not installed.
    :raises OSError: the directory cannot be listed.
    """
    require_reader()
    files = find_modules(directory)
    folder = cache_folder() if is_cached else None
    place = f"{folder}/{cache.file_name(real_path(directory))}" if folder else ""
    data = _kept(place) if place else None
    known: dict[FileStatus, _Read] = dict(cache.unpacked(data, files))
    new = [one for one in files if one not in known]
    for part in with_module_bar(_in_parts(host, new), len(new)):
        known.update(part)
    problem = ""
    if place and new:
        modules = [
            (status, one) for status, one in known.items() if isinstance(one, Module)
        ]
        try:
            write_whole(place, cache.packed(modules))
        except OSError as error:
            problem = f"cannot write {place}: {error.strerror}"
    return tuple(known[one] for one in files), problem


def _kept(place: str) -> bytes | None:
    with suppress(OSError):  # there is no cache yet, or no permission
        return read_within(place, LIMIT_BYTES)
    return None


def _in_parts(
    host: Host, files: Sequence[FileStatus]
) -> Iterator[dict[FileStatus, _Read]]:
    parts = [files[at : at + _AT_ONCE] for at in range(0, len(files), _AT_ONCE)]

    def read(number: int) -> list[_Read]:
        return [_one(one.path) for one in parts[number]]

    count = min(processors(), len(parts))
    workers = host.workers(count, read) if count > 1 else None
    if workers is None:
        for number, part in enumerate(parts):
            yield dict(zip(part, read(number), strict=True))
        return
    units = [[number] for number in range(len(parts))]
    for number, found in workers.run(units, lambda: False):
        part = parts[number]
        if isinstance(found, str):
            found = [Unreadable(one.path, found) for one in part]
        yield dict(zip(part, found, strict=True))


# A file below a directory may be removed, or be anything: it is a finding, no error.
def _one(path: str) -> _Read:
    try:
        return _module(read_within(path, LIMIT_BYTES), path)
    except OSError as problem:
        return _refused(path, problem)


def _refused(path: str, problem: OSError) -> Unreadable:
    return Unreadable(path, problem.strerror or "cannot be read")


def _module(data: bytes, path: str) -> _Read:
    try:
        return read_module(unpack(data), path)
    except BadFile as problem:
        return Unreadable(path, str(problem))
    except FailedError as problem:
        return Unreadable(path, f"{problem.message}; {problem.hint}")

"""The alias files that depmod and the kernel build write.

Two ways to read them: ``read_*`` checks what modprobe and a path depend on, and skips
all but VFIO aliases; ``all_*`` returns every alias as the file has it.

Pure: content of files in, entries and warnings out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

from resolver.matching.modinfo import split_builtin

__all__ = [
    "AliasEntry",
    "FileWarning",
    "Source",
    "all_aliases",
    "all_builtin_aliases",
    "read_builtin_modinfo",
    "read_modules_alias",
]

Source = Literal[
    "modules.alias",
    "modules.builtin.modinfo",
    "modules.builtin",
    "/sys/module",
    "user",
    "generic",
]
"""Where a choice comes from.

``modules.builtin`` and ``/sys/module`` show that a module is built in; its alias is
from ``resolver.matching.intree``. ``user`` is ``--driver``. ``generic`` is the generic
driver of the bus.
"""

_NEEDLE = b"vfio_"


class AliasEntry(NamedTuple):
    """One alias pattern of one module."""

    pattern: str
    """``vfio_pci:v000015B3d0000101Esv*sd*bc*sc*i*``."""
    module: str
    """Module name, as in the file."""
    source: Source
    line: int
    """Line or record number in the file, from 1; 0 without a file."""


class FileWarning(NamedTuple):
    """A place in a file that differs from what depmod writes."""

    path: str
    line: int
    """Line or record number from 1; 0 for the file as a whole."""
    text: str
    """The difference, and what resolver did about it."""


class Reading(NamedTuple):
    """The content of one file."""

    entries: tuple[AliasEntry, ...]
    warnings: tuple[FileWarning, ...]


class _Malformed(Exception):
    # The reason why a line cannot be used. It never leaves this module.
    pass


def read_modules_alias(data: bytes, path: str) -> Reading:
    """Read the ``vfio_`` aliases of ``modules.alias``, in file order.

    One search over the bytes finds the lines with ``vfio_``; the other 27,000 lines
    are not parsed.

    :param data: content of the file.
    :param path: name of the file, for the warnings.

    Source: depmod(8); kmod, tools/depmod.c, output_aliases().
    """
    return _read(data, path, "modules.alias", b"\n", _alias_line)


def read_builtin_modinfo(data: bytes, path: str) -> Reading:
    """Read the ``vfio_`` aliases of built-in modules, in file order.

    The file has them since Linux kernel commit 5ab23c7923a1 ("modpost: Create
    modalias for builtin modules") (in v6.18).

    :param data: content of ``modules.builtin.modinfo``: ``module.key=value``, each
        with a NUL.
    :param path: name of the file, for the warnings.
    """
    return _read(data, path, "modules.builtin.modinfo", b"\0", _modinfo_record)


def all_aliases(data: bytes) -> Iterator[tuple[int, str, str]]:
    """Yield line, pattern and module of every alias, unchecked.

    :param data: content of ``modules.alias``.
    """
    for number, line in _records(data, b"\n", b""):
        words = line.decode("utf-8", "backslashreplace").split()
        if len(words) == 3 and words[0] == "alias":
            yield number, words[1], words[2]


def all_builtin_aliases(data: bytes) -> Iterator[tuple[int, str, str]]:
    """Yield record, pattern and module of every alias, unchecked.

    :param data: content of ``modules.builtin.modinfo``.
    """
    for number, record in _records(data, b"\0", b""):
        module, key, value = split_builtin(record)
        if key == b"alias":
            yield number, _lenient(value), _lenient(module)


_Parse = Callable[[bytes], "tuple[str, str, str] | None"]


def _read(
    data: bytes, path: str, source: Source, separator: bytes, parse: _Parse
) -> Reading:
    entries: list[AliasEntry] = []
    warnings: list[FileWarning] = []
    for number, record in _records(data, separator, _NEEDLE):
        try:
            parsed = parse(record)
        except _Malformed as problem:
            warnings.append(FileWarning(path, number, f"{problem}; skipped"))
            continue
        if parsed is not None:
            pattern, module, trimmed = parsed
            entries.append(AliasEntry(pattern, module, source, number))
            if trimmed:
                warnings.append(FileWarning(path, number, f"{trimmed}; trimmed"))
    warnings.extend(_end_warnings(data, path, separator))
    return Reading(tuple(entries), tuple(warnings))


# Number, from 1, and content of each record that contains the needle.
def _records(
    data: bytes, separator: bytes, needle: bytes
) -> Iterator[tuple[int, bytes]]:
    number, counted = 1, 0
    at = data.find(needle)
    while at >= 0:
        start = data.rfind(separator, 0, at) + 1
        end = data.find(separator, at)
        end = len(data) if end < 0 else end
        number += data.count(separator, counted, start)
        counted = start
        yield number, data[start:end]
        at = data.find(needle, end + 1)


def _end_warnings(data: bytes, path: str, separator: bytes) -> list[FileWarning]:
    if not data:
        return [FileWarning(path, 0, "the file is empty")]
    if data.endswith(separator):
        return []
    number = data.count(separator) + 1
    what = "newline" if separator == b"\n" else "NUL"
    problem = f"the last entry does not end in a {what}: the file may be truncated"
    return [FileWarning(path, number, problem)]


# Pattern, module, and what was trimmed ("" for a line as depmod writes it); None for
# a line without a VFIO alias.
def _alias_line(line: bytes) -> tuple[str, str, str] | None:
    words = line.split()
    if line.startswith(b"#") or (
        len(words) > 1 and words[0] == b"alias" and not words[1].startswith(_NEEDLE)
    ):
        return None
    if words[0] != b"alias":
        raise _Malformed(f"starts with {_shown(words[0])} instead of alias")
    if len(words) < 3:
        raise _Malformed("truncated: no module name")
    if len(words) > 3:
        raise _Malformed("has words after the module name")
    trimmed = ""
    if line != b" ".join(words):
        if line.endswith(b"\r"):
            trimmed = "ends in CR LF"
        elif b"\t" in line:
            trimmed = "separated by tabs"
        else:
            trimmed = "has extra blanks"
    return _text(words[1]), _module(words[2]), trimmed


def _modinfo_record(record: bytes) -> tuple[str, str, str] | None:
    module, key, value = split_builtin(record)
    if key != b"alias" or not value.lstrip().startswith(_NEEDLE):
        return None
    trimmed = "has blanks around it" if value != value.strip() else ""
    if len(value.split()) != 1:
        raise _Malformed("has a blank in the pattern")
    return _text(value.strip()), _module(module), trimmed


def _text(word: bytes) -> str:
    if not word or not word.isascii() or not word.decode("ascii").isprintable():
        raise _Malformed(f"{_shown(word)} is not printable ASCII")
    return word.decode("ascii")


# The name becomes part of a path and of a command line.
def _module(word: bytes) -> str:
    if b"/" in word or word.startswith((b"-", b".")) or len(word) > 255:
        raise _Malformed(f"invalid module name {_shown(word)}")
    return _text(word)


def _shown(word: bytes) -> str:
    return repr(word[:40])[1:]


def _lenient(word: bytes) -> str:
    return word.decode("utf-8", "backslashreplace")
